//! The node's residual added to its input.

use super::{Backward, Forward, Kind, LaneTables, Mode, copy, count};
use crate::kernels::add;
use crate::model::Add;
use crate::recording::Recording;

impl Kind for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn input_len(&self) -> usize {
        self.len
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        let values = count(lanes, self.len);
        copy(rec, values, io.x, io.y);
        if let Some(residual) = io.residual {
            add::record(rec, u64::from(values), residual, io.y);
        }
    }

    /// The residual's slope is the engine's to pass on.
    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            copy(rec, count(lanes, self.len), io.dy, dx);
        }
    }
}
