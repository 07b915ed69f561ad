//! A lane's own copy of rows that lanes share.

use crate::kernels::own_rows;
use crate::layers::{Backward, Forward, Images, Kind, LaneTables, Mode};
use crate::recording::Recording;

/// A lane's own copy of rows that lanes share. No model table has it: it is put before layers that can't read shared rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnRows {
    /// Values.
    pub len: usize,
}

impl Kind for OwnRows {
    fn name(&self) -> &'static str {
        "ownrows"
    }

    fn images(&self) -> Images {
        Images::Any(self.len)
    }

    fn reads_shared_rows(&self) -> bool {
        true
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        own_rows::record(rec, &lanes.samples, self.len as u32, io.x, io.y);
    }

    /// What lanes share depends on no weight: its slope is never wanted.
    fn backward(&self, _rec: &mut Recording, _lanes: &LaneTables, _io: &Backward) {}
}
