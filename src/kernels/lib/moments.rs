//! Mean and sum of squared deviations of parts of a norm's input. Convolutions leave them of their outputs for the norms behind them, whose
//! statistics need not read them again; other batch norms take them themselves, since a channel over a lane's rows is long.

use super::geometry::Geometry;
use super::strips::Strips;
use super::tiles::Tiles;
use super::tiling::Product;

/// How an output is cut into parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// For group norm: the values of a thread that are of one sample and one group, or of a tile that are of one sample and one channel.
    Groups {
        /// Parts of a sample's group of channels.
        count: u32,
        /// Values of a part.
        values: u32,
        /// Columns a thread of a part; of a part by strips their pixels, by tiles its pixels.
        segment: u32,
    },
    /// For batch norm over a lane's rows: a channel's pixels of one tile.
    Channels {
        /// Pixels of a tile.
        columns: u32,
    },
    /// For batch norm over a lane's rows that takes them itself: so many of a channel's values, by row and pixel.
    Own {
        /// Values of a part.
        columns: u32,
    },
}

/// Values of a part that a batch norm takes itself: few, so that a step of 64 samples has enough workgroups for a large card.
const OWN_COLUMNS: u32 = 512;

/// The moments of an output: (mean, squares) f32 a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments {
    /// The parts.
    pub parts: Parts,
    /// Room for them, f32 a row of the output.
    pub row: u32,
}

impl Moments {
    /// Of an output whose channels are in so many groups. None where a part would mix groups or samples (where a part ends must not depend on
    /// how rows are cut into lanes), or where parts are so small that they save little.
    pub fn of_groups(how: &Product, geometry: &Geometry, groups: u32) -> Option<Self> {
        if let Some(tiles) = Tiles::of(how.way) {
            let segment = tiles.part_of(geometry.pixels())?;
            let count = geometry.output[0] / groups * (geometry.pixels() / segment);
            return Some(Self { parts: Parts::Groups { count, values: segment, segment }, row: 2 * groups * count });
        }
        if let Some(strips) = Strips::of(how.tiling, geometry) {
            return strips.moments(geometry, groups);
        }
        let tiling = how.tiling.for_rows(geometry.output[0]);
        let (rows, pixels, channels) = (tiling.tile_o * tiling.share, geometry.pixels(), geometry.output[0] / groups);
        let segment = tiling.tile_q.min(pixels / tiling.members);
        let whole = rows * segment >= 32
            && tiling.tile_q.is_multiple_of(segment)
            && pixels.is_multiple_of(segment * tiling.members)
            && channels.is_multiple_of(rows);
        whole.then(|| {
            let (count, values) = (channels * pixels / (rows * segment), rows * segment);
            Self { parts: Parts::Groups { count, values, segment }, row: 2 * groups * count }
        })
    }

    /// Of an output whose channels have statistics over all rows of a lane, which is not cut.
    pub fn of_channels(how: &Product, geometry: &Geometry) -> Self {
        let columns = Tiles::of(how.way).map_or(how.tiling.tile_columns(), |tiles| tiles.rows);
        Self { parts: Parts::Channels { columns }, row: channel_row(geometry.output[0], geometry.pixels(), columns) }
    }

    /// Of a batch norm's input that no convolution leaves them of.
    pub fn of_rows(channels: u32, pixels: u32) -> Self {
        let columns = OWN_COLUMNS;
        Self { parts: Parts::Own { columns }, row: channel_row(channels, pixels, columns) }
    }
}

/// f32 of a row's parts of all channels, should it be a lane of its own.
fn channel_row(channels: u32, pixels: u32, columns: u32) -> u32 {
    2 * channels * pixels.div_ceil(columns)
}
