//! What the launches of one chunk of lanes have in common.

use super::params::Lane;
use super::tiling::Tiling;
use crate::plan::Span;

/// A chunk: lanes that are computed at once.
#[derive(Clone, Copy, Debug)]
pub struct Chunk {
    /// Where the [`Lane`]s lie.
    pub lanes: Span,
    /// How many.
    pub count: u32,
    /// Rows of the largest lane.
    pub max_rows: u32,
    /// Rows of all lanes together.
    pub rows: u32,
    /// `PERTURB` of the weight loaders: 0 plain, else the distribution's stream number plus 1.
    pub perturb: u32,
    /// How products are blocked on this device.
    pub tiling: Tiling,
}

impl Chunk {
    /// The chunk of these lanes, which `span` holds on the device.
    pub fn new(lanes: &[Lane], span: Span, perturb: u32, tiling: Tiling) -> Self {
        Self {
            lanes: span,
            count: lanes.len() as u32,
            max_rows: lanes.iter().map(|l| l.rows).max().unwrap_or(0),
            rows: lanes.iter().map(|l| l.rows).sum(),
            perturb,
            tiling,
        }
    }
}
