//! What the passes of a layer read and write.

use super::shape::Shape;
use crate::caps::Layout;
use crate::kernels::add;
use crate::kernels::moments::Moments;
use crate::kernels::params::{ABSENT, Lanes};
use crate::kernels::parts::Target;
use crate::kernels::tiling::{Gradient, Product, Tiling};
use crate::kernels::way::Way;
use crate::recording::windows::Running;
use crate::recording::{Recording, Span};

/// How the kernels of a pass compute.
#[derive(Clone, Copy, Debug)]
pub struct Mode {
    /// Products, and what perturbs the weights.
    pub product: Product,
    /// How pixels lie.
    pub layout: Layout,
    /// Batch norms take the statistics of a lane's rows, not the running ones.
    pub batch_statistics: bool,
    /// What dropouts draw their masks from, a [`Row`](crate::kernels::dropout::Row) each; none: they drop nothing.
    pub masks: Option<Span>,
}

/// What decides which activations of a layer can be f16 in memory.
#[derive(Clone, Copy, Debug)]
pub struct HalvesOf {
    /// The way of its product.
    pub way: Way,
    /// How pixels lie.
    pub layout: Layout,
    /// As in [`Mode`].
    pub batch_statistics: bool,
}

/// How the gradients of a layer's products are computed.
#[derive(Clone, Copy, Debug)]
pub struct GradientWays {
    /// The device's blocking.
    pub tiling: Tiling,
    /// How pixels lie.
    pub layout: Layout,
    /// The way of the weight's.
    pub weight: Way,
    /// That of the input's.
    pub input: Way,
}

impl GradientWays {
    /// The weight's.
    pub fn of_weight(&self) -> Gradient {
        Gradient { tiling: self.tiling, way: self.weight }
    }

    /// The input's.
    pub fn of_input(&self) -> Gradient {
        Gradient { tiling: self.tiling, way: self.input }
    }
}

/// A chunk's lanes as the kernels of a window of the weights take them.
#[derive(Clone, Copy, Debug)]
pub struct LaneTables {
    /// A row a sample.
    pub samples: Lanes,
    /// A row a token; the same as `samples` for models without tokens.
    pub tokens: Lanes,
}

impl LaneTables {
    /// Of a layer with so many rows a sample.
    pub(super) fn of_rows(&self, rows: usize) -> &Lanes {
        if rows > 1 { &self.tokens } else { &self.samples }
    }
}

/// What a layer's forward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// The layer's input has rows that lanes share: a lane's begin at its `x_row`.
    pub from_batch: bool,
    /// Weights, shared or a slot a lane.
    pub weights: Span,
    /// A batch norm's running statistics in them.
    pub running: Running,
    /// Input rows.
    pub x: Span,
    /// What is added to the output.
    pub residual: Option<Span>,
    /// Output rows.
    pub y: Span,
    /// Room for [`Keeps::saved`](super::Keeps::saved).
    pub saved: Span,
    /// Room for [`Keeps::coefficients`](super::Keeps::coefficients).
    pub coefficients: Span,
    /// Room for [`Keeps::moments`](super::Keeps::moments), which a batch norm with statistics of its rows writes.
    pub moments: Span,
    /// GELU follows, and the layer computes it.
    pub gelu: bool,
    /// The maximum of each 2 x 2 square follows, and the layer takes it: `y` is that of the pool.
    pub pooled: bool,
    /// Where the layer leaves the moments of its output in parts, or takes those of its input.
    pub moments_of_parts: Option<(Moments, Span)>,
    /// Room for weights in the order of tiles.
    pub room: Span,
}

impl Forward {
    /// Of a layer that has no weights and keeps nothing.
    pub fn without_weights(x: Span, y: Span) -> Self {
        Self {
            from_batch: true,
            weights: x,
            running: Running { span: x, shift: 0 },
            x,
            residual: None,
            y,
            saved: x,
            coefficients: x,
            moments: x,
            gelu: false,
            pooled: false,
            moments_of_parts: None,
            room: x,
        }
    }
}

/// What a layer's backward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// How products are computed.
    pub how: GradientWays,
    /// As in [`Forward`].
    pub from_batch: bool,
    /// Weights, a slot a lane.
    pub weights: Span,
    /// Their gradients, alike, and room for parts of long sums.
    pub target: Target,
    /// Input rows of the forward pass.
    pub x: Span,
    /// Output rows of the forward pass.
    pub y: Span,
    /// What the forward pass kept.
    pub saved: Span,
    /// Gradient of the output; behind a ReLU that is part of the layer already masked by it.
    pub dy: Span,
    /// Where the gradient of the input goes.
    pub dx: Option<Span>,
    /// The gradients go on from what is there.
    pub accumulate: bool,
    /// As in [`Mode`].
    pub batch_statistics: bool,
    /// As in [`Forward`].
    pub room: Span,
    /// As in [`Mode`].
    pub masks: Option<Span>,
}

/// A tensor's offset as kernels take it.
pub(super) fn offset(tensor: Option<usize>) -> u32 {
    tensor.map_or(ABSENT, |o| o as u32)
}

/// A shape as kernels take it.
pub(super) fn dims(shape: Shape) -> [u32; 3] {
    [shape.c as u32, shape.h as u32, shape.w as u32]
}

/// Copies so many f32.
pub(super) fn copy(rec: &mut Recording, values: u32, from: Span, to: Span) {
    let bytes = 4 * u64::from(values);
    rec.copy(Span { bytes, ..from }, Span { bytes, ..to });
}

/// Adds the node's residual, where it has one, to the output: by a dispatch of its own, for kernels that can't do so in passing.
pub(super) fn add_residual(rec: &mut Recording, values: u32, io: &Forward) {
    if let Some(residual) = io.residual {
        add::record(rec, u64::from(values), residual, io.y);
    }
}

/// Values of all rows of a chunk.
pub(super) fn count(lanes: &LaneTables, len: usize) -> u32 {
    (lanes.samples.rows * len as u64) as u32
}
