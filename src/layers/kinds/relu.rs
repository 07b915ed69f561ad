//! max(x, 0).

use crate::kernels::activation;
use crate::layers::{Backward, Entry, Form, Forward, Images, Kind, LaneTables, Mode, ModelError, Site, values};
use crate::recording::Recording;

/// max(x, 0), where it is part of no layer before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relu {
    /// Values.
    pub len: usize,
}

/// `"relu"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec;

impl Entry for Spec {
    type Layer = Relu;
    const NAME: &'static str = "relu";
    const FORM: Form<Self> = Form::Name(Self);

    /// Part of the layer before it where that can be.
    fn append(&self, site: &mut Site<'_>) -> Result<Option<Relu>, ModelError> {
        let part = site.before.as_mut().is_some_and(|before| before.add_relu());
        Ok((!part).then(|| Relu { len: site.shape.len() }))
    }
}

impl Kind for Relu {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn images(&self) -> Images {
        Images::Any(self.len)
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        values::forward(rec, activation::Function::Relu, lanes, self.len, io);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        values::back(rec, activation::Function::Relu, lanes, self.len, io.y, io);
    }
}
