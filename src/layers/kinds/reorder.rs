//! The values of an image in the other layout.

use crate::kernels::transpose;
use crate::layers::{Backward, Forward, Images, Kind, LaneTables, Mode};
use crate::recording::{Recording, Span};

/// The values of an image in the other layout. No model table has it: it is put where channels lie last before what knows them first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reorder {
    /// Channels.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
    /// To channels last; else from there.
    pub to_last: bool,
}

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

    fn images(&self) -> Images {
        Images::Any(self.channels * self.pixels)
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
