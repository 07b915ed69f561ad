//! Hyperbolic tangent.

use crate::kernels::activation;
use crate::layers::{Backward, Entry, Form, Forward, Images, Kind, LaneTables, Mode, ModelError, Site, values};
use crate::recording::Recording;

/// Hyperbolic tangent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tanh {
    /// Values.
    pub len: usize,
}

/// `"tanh"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec;

impl Entry for Spec {
    type Layer = Tanh;
    const NAME: &'static str = "tanh";
    const FORM: Form<Self> = Form::Name(Self);

    fn append(&self, site: &mut Site<'_>) -> Result<Option<Tanh>, ModelError> {
        Ok(Some(Tanh { len: site.shape.len() }))
    }
}

impl Kind for Tanh {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn images(&self) -> Images {
        Images::Any(self.len)
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        values::forward(rec, activation::Function::Tanh, lanes, self.len, io);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        values::back(rec, activation::Function::Tanh, lanes, self.len, io.y, io);
    }
}
