//! The values of an image in the other layout.

use super::{Backward, Forward, Kind, LaneTables, Mode};
use crate::kernels::transpose;
use crate::model::Reorder;
use crate::recording::{Recording, Span};

impl Reorder {
    /// Records the values of all rows of a chunk in the other layout: of the output, or back again.
    fn record(&self, rec: &mut Recording, lanes: &LaneTables, to_last: bool, x: Span, y: Span) {
        let (channels, pixels) = (self.channels as u32, self.pixels as u32);
        let sides = if to_last { (channels, pixels) } else { (pixels, channels) };
        transpose::record(rec, lanes.samples.rows as u32, sides, x, y);
    }
}

impl Kind for Reorder {
    fn name(&self) -> &'static str {
        "reorder"
    }

    fn input_len(&self) -> usize {
        self.channels * self.pixels
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        self.record(rec, lanes, self.to_last, io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            self.record(rec, lanes, !self.to_last, io.dy, dx);
        }
    }
}
