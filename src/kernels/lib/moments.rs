//! What convolutions leave of their outputs for the norms behind them: mean and sum of squared deviations of each part of an output, so
//! that the norm's statistics need not read it again.

use super::geometry::Geometry;
use super::tiling::Tiling;

/// How an output is cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// For group norm: the values of a thread that are of one sample and one group.
    Groups {
        /// Parts of a sample's group of channels.
        count: u32,
        /// Values of a part.
        values: u32,
        /// Columns a thread of a part.
        segment: u32,
    },
    /// For batch norm over a lane's rows: a channel's columns of one tile.
    Channels {
        /// Columns of a tile.
        columns: u32,
    },
}

/// The moments of an output: (mean, squares) f32 a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// The parts.
    pub parts: Parts,
    /// Room for them, f32 a row of the output.
    pub row: u32,
}

impl Moments {
    /// Of an output whose channels are in so many groups. None where a thread's tile would mix groups or samples (where a part ends must
    /// not depend on how rows are cut into lanes), or where parts are so small that they save little.
    pub fn of_groups(tiling: Tiling, geometry: &Geometry, groups: u32) -> Option<Self> {
        let tiling = tiling.for_rows(geometry.output[0]);
        let (rows, pixels, channels) = (tiling.tile_o * tiling.share, geometry.pixels(), geometry.output[0] / groups);
        let segment = tiling.tile_q.min(pixels / tiling.lanes);
        let whole = rows * segment >= 32
            && tiling.tile_q.is_multiple_of(segment)
            && pixels.is_multiple_of(segment * tiling.lanes)
            && channels.is_multiple_of(rows);
        whole.then(|| {
            let (count, values) = (channels * pixels / (rows * segment), rows * segment);
            Self { parts: Parts::Groups { count, values, segment }, row: 2 * groups * count }
        })
    }

    /// Of an output whose channels have statistics over all rows of a lane, which is not cut.
    pub fn of_channels(tiling: Tiling, geometry: &Geometry) -> Self {
        let columns = tiling.tile_columns();
        let row = 2 * geometry.output[0] * geometry.pixels().div_ceil(columns);
        Self { parts: Parts::Channels { columns }, row }
    }
}
