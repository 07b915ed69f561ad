//! The node's residual added to its input.

use crate::layers::passes::{add_residual, copy, count};
use crate::layers::{Backward, Forward, Images, Kind, LaneTables, Mode};
use crate::recording::Recording;

/// The node's residual added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add {
    /// Values.
    pub len: usize,
}

impl Kind for Add {
    fn name(&self) -> &'static str {
        "add"
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
        copy(rec, values, io.x, io.y);
        add_residual(rec, values, io);
    }

    /// The residual's slope is the engine's to pass on.
    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            copy(rec, count(lanes, self.len), io.dy, dx);
        }
    }
}
