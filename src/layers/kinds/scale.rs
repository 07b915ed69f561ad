//! Values times a constant.

use crate::kernels::scale;
use crate::layers::passes::{add_residual, count};
use crate::layers::{Backward, Forward, Images, Kind, LaneTables, Mode};
use crate::recording::Recording;

/// Values times a constant. No model table has it: it stands behind products of sub-networks ([`crate::model::Narrow`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Values.
    pub len: usize,
    /// What they are multiplied by.
    pub factor: f32,
}

impl Kind for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn images(&self) -> Images {
        Images::Any(self.len)
    }

    fn adds_residual(&self) -> bool {
        true
    }

    fn stands_alone(&self) -> bool {
        false
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        let values = count(lanes, self.len);
        scale::record(rec, values, self.factor, io.x, io.y);
        add_residual(rec, values, io);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            scale::record(rec, count(lanes, self.len), self.factor, io.dy, dx);
        }
    }
}
