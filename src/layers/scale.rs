//! Values times a constant.

use super::{Backward, Forward, Kind, LaneTables, Mode, count};
use crate::kernels::{add, scale};
use crate::model::Scale;
use crate::recording::Recording;

impl Kind for Scale {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn input_len(&self) -> usize {
        self.len
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        let values = count(lanes, self.len);
        scale::record(rec, values, self.factor, io.x, io.y);
        if let Some(residual) = io.residual {
            add::record(rec, u64::from(values), residual, io.y);
        }
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            scale::record(rec, count(lanes, self.len), self.factor, io.dy, dx);
        }
    }
}
