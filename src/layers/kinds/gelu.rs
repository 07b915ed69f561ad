//! Exact (erf) GELU.

use crate::kernels::activation;
use crate::layers::{Backward, Entry, Form, Forward, Images, Kind, LaneTables, Mode, ModelError, Site, values};
use crate::recording::Recording;

/// Exact (erf) GELU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gelu {
    /// Values.
    pub len: usize,
}

/// `"gelu"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec;

impl Entry for Spec {
    type Layer = Gelu;
    const NAME: &'static str = "gelu";
    const FORM: Form<Self> = Form::Name(Self);

    fn append(&self, site: &mut Site<'_>) -> Result<Option<Gelu>, ModelError> {
        Ok(Some(Gelu { len: site.shape.len() }))
    }
}

impl Kind for Gelu {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn images(&self) -> Images {
        Images::Any(self.len)
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        values::forward(rec, activation::Function::Gelu, lanes, self.len, io);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        values::back(rec, activation::Function::Gelu, lanes, self.len, io.x, io);
    }

    fn is_gelu(&self) -> bool {
        true
    }
}
