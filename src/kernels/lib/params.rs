//! The structs that cross from host to shader. A test compares each with the layout that naga reads from the shaders.

use std::ops::Range;

use crate::recording::Span;
use crate::recording::kernel::params;
use crate::stream::Distribution;

/// Samples of a block: sums over samples go block by block, so that a cut between blocks changes no bit
/// (`shaders/lib/lanes.wgsl:sample_block`).
pub const SAMPLE_BLOCK: u32 = 8;

/// Rows in blocks of [`SAMPLE_BLOCK`].
pub fn blocks(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let (first, end) = (rows.start, rows.end);
    (first..end).step_by(SAMPLE_BLOCK as usize).map(move |b| b..end.min(b + SAMPLE_BLOCK as usize))
}

/// The offset of a tensor that isn't there (a layer without bias).
pub const ABSENT: u32 = u32::MAX;

/// The constant `PERTURB` of kernels that read perturbed weights.
pub fn perturb(distribution: Option<Distribution>) -> u32 {
    distribution.map_or(0, |d| 1 + d.stream_id())
}

params! {
    /// One lane of a chunk: a (client, probe, sign) evaluation, or a client with weights of its own.
    ///
    /// All kernels that read weights or rows of a chunk take an array of these.
    #[derive(Default)]
    pub struct Lane {
        /// f32 index of the lane's weight vector in the weights binding: slot x stride, 0 for shared weights.
        pub weight_base: u32,
        /// Low word of the probe's seed.
        pub seed_lo: u32,
        /// High word of the probe's seed.
        pub seed_hi: u32,
        /// Signed size of the perturbation: +-(epsilon x tau x scale) as f32; ignored without perturbation.
        pub coef: f32,
        /// First row of the lane in the batch of input samples, which probes and signs of a client share.
        pub x_row: u32,
        /// First row of the lane in the chunk's activation buffers.
        pub row0: u32,
        /// Rows (samples).
        pub rows: u32,
        /// First row of the lane in per-sample output buffers (losses), which outlive the chunk.
        pub out_row: u32,
    }
}

impl Lane {
    /// The probe's seed.
    pub fn seed(&self) -> u64 {
        u64::from(self.seed_lo) | u64::from(self.seed_hi) << 32
    }

    /// Its rows of the chunk.
    pub fn chunk_rows(&self) -> Range<usize> {
        self.row0 as usize..(self.row0 + self.rows) as usize
    }
}

/// The lanes of a chunk, as record functions take them.
#[derive(Clone, Copy, Debug)]
pub struct Lanes {
    /// The chunk's array of [`Lane`] on the device.
    pub table: Span,
    /// How many lanes: at most 65,535.
    pub count: u32,
    /// Rows of the largest lane.
    pub max_rows: u32,
    /// Rows of all lanes together.
    pub rows: u64,
    /// Rows of a sample: 1, or its tokens.
    pub sample_rows: u32,
    /// Whether lanes have weights of their own, or one copy for all.
    pub own_weights: bool,
    /// Whether all lanes' weights begin on whole quads.
    pub on_quads: bool,
}

impl Lanes {
    /// Of lanes that lie in `table`.
    pub fn new(table: Span, lanes: &[Lane]) -> Self {
        Self {
            table,
            count: lanes.len() as u32,
            max_rows: lanes.iter().map(|l| l.rows).max().unwrap_or(0),
            rows: lanes.iter().map(|l| u64::from(l.rows)).sum(),
            sample_rows: 1,
            own_weights: lanes.windows(2).any(|two| two[0].weight_base != two[1].weight_base),
            on_quads: lanes.iter().all(|lane| lane.weight_base.is_multiple_of(4)),
        }
    }

    /// With so many rows a sample.
    pub fn of_tokens(self, sample_rows: u32) -> Self {
        Self { sample_rows, ..self }
    }

    /// A grid with lanes along z: `x` and `y` workgroups up to the largest lane.
    pub fn grid(&self, x: u32, y: u32) -> [u32; 3] {
        [x, y, if self.max_rows == 0 { 0 } else { self.count }]
    }
}
