//! What the kinds of layers do, a file a kind: their sizes and tensors, what they cost, and what their forward and backward pass record
//! and keep. The data of a layer is [`crate::model::Layer`]; [`kind`] is the only place that knows all kinds.

mod activations;
mod add;
mod attention;
mod class_token;
mod conv;
mod dropout;
mod graph;
mod layer_norm;
mod linear;
mod norm;
mod one_dispatch;
mod own_rows;
mod pools;
mod reorder;
mod scale;
mod sizes;
mod tokens;

pub use one_dispatch::one_dispatch;
pub use sizes::{Pass, Sizes};

use crate::caps::Layout;
use crate::kernels::conv::Geometry;
use crate::kernels::lib::halves::Halves;
use crate::kernels::moments::Moments;
use crate::kernels::params::{ABSENT, Lanes};
use crate::kernels::parts::{Split, Target};
use crate::kernels::tile_order::Order;
use crate::kernels::tiling::{Gradient, Product, Tiling};
use crate::kernels::way::Way;
use crate::model::{Layer, Shape};
use crate::recording::windows::Running;
use crate::recording::{Recording, Span};

/// What a layer is to the engine. Where a method has a body, that is right for layers without weights whose rows don't depend on each
/// other.
pub trait Kind {
    /// The layer's name in a model table.
    fn name(&self) -> &'static str;

    /// Values of a sample before the layer.
    fn input_len(&self) -> usize;

    /// Values of a sample after the layer.
    fn output_len(&self) -> usize {
        self.input_len()
    }

    /// The shape of a sample after the layer, for people: `[c, h, w]`, `[tokens, values]` or `[features]`.
    fn output_shape(&self, input: &[usize]) -> Vec<usize> {
        input.to_vec()
    }

    /// Rows of a sample that the layer's kernels see: its tokens, else 1.
    fn rows(&self) -> usize {
        1
    }

    /// Offsets of the layer's tensors in a weight vector: parameters, then running statistics.
    fn tensors(&self) -> Vec<usize> {
        Vec::new()
    }

    /// Multiply-adds of a sample, times two, in products of weights or of tokens; 0 for other layers.
    fn flops_forward(&self) -> u64 {
        0
    }

    /// Values that are added up one after another for an output, at most: what two orders of doing so differ by, in roundings.
    fn summands(&self) -> usize {
        1
    }

    /// Whether it is a convolution or a part of attention: pixels or tokens share its weights.
    fn mixes_places(&self) -> bool {
        false
    }

    /// What the layer's passes keep beside their outputs.
    fn keeps(&self) -> Keeps {
        Keeps::default()
    }

    /// Whether the kernels find the rows of the input wherever a lane's table says that they lie in the batch.
    fn reads_shared_rows(&self) -> bool {
        false
    }

    /// Whether the layer draws something for each row: then its output is no lane's but the row's own.
    fn draws(&self) -> bool {
        false
    }

    /// The image that the layer's input is, and the one that its output is: as kernels see them. None: any.
    fn images(&self) -> Option<(Image, Image)> {
        None
    }

    /// Whether a ReLU is part of the layer.
    fn ends_with_relu(&self) -> bool {
        false
    }

    /// The sizes of the product that the layer is, where it is one: ways of computing it are chosen by them.
    fn product(&self) -> Option<Sizes> {
        None
    }

    /// The order in which a pass by tiles reads the weights, where that needs a copy; it takes the same room whatever the tile.
    fn order(&self, _pass: Pass) -> Option<Order> {
        None
    }

    /// Which activations of the layer's forward pass its kernels can have as f16 in memory.
    fn halves(&self, _how: &HalvesOf) -> Halves {
        Halves::default()
    }

    /// How the sums of the layer's gradients are split, and f32 of a part of each.
    fn splits(&self, _how: &Gradients) -> Vec<(Split, u32)> {
        Vec::new()
    }

    /// Records `y = layer(x)` for all rows of a chunk.
    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward);

    /// Records the gradients of the layer's tensors, and of its input where that is wanted, for all rows of a chunk.
    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward);

    /// The batch norm that the layer is, if it is one.
    fn batch_norm(&self) -> Option<BatchNorm> {
        None
    }

    /// Records the update of running statistics, in each lane's own weights, from the moments that the forward pass left.
    fn update_running(&self, _rec: &mut Recording, _lanes: &LaneTables, _moments: Span, _running: Running) {}

    /// Whether the layer can compute a GELU of its output in passing.
    fn can_end_with_gelu(&self) -> bool {
        false
    }

    /// Whether the layer is a GELU, which the layer before it may compute.
    fn is_gelu(&self) -> bool {
        false
    }

    /// Whether the layer can take the maximum of each 2 x 2 square of its output in passing.
    fn can_end_with_pool(&self, _tiling: Tiling, _layout: Layout) -> bool {
        false
    }

    /// Whether the layer is the maximum of each 2 x 2 square, which the layer before it may take.
    fn is_pool_of_squares(&self) -> bool {
        false
    }

    /// The sizes of an output whose moments the layer can leave in parts; they don't depend on its layout.
    fn leaves_moments(&self) -> Option<Geometry> {
        None
    }

    /// The moments in parts that the layer would take of an input with these sizes, and those that it leaves for itself where nothing
    /// before it does.
    fn takes_moments(&self, _tiling: Tiling, _batch_statistics: bool, _before: Option<&Geometry>) -> Option<Moments> {
        None
    }
}

/// How many channels the values of a sample are, and how many pixels each. A feature vector, or tokens, are channels of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Channels.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
}

impl Image {
    /// Values in one order.
    pub fn flat(len: usize) -> Self {
        Self { channels: len, pixels: 1 }
    }

    /// Whether the values lie alike in each layout.
    pub fn is_flat(self) -> bool {
        self.channels == 1 || self.pixels == 1
    }
}

impl From<Shape> for Image {
    fn from(shape: Shape) -> Self {
        Self { channels: shape.c, pixels: shape.spatial() }
    }
}

/// What a layer does.
pub fn kind(layer: &Layer) -> &dyn Kind {
    match layer {
        Layer::Linear(layer) => layer,
        Layer::Conv(layer) => layer,
        Layer::MaxPool(layer) => layer,
        Layer::AvgPool(layer) => layer,
        Layer::GlobalAvgPool(layer) => layer,
        Layer::Norm(layer) => layer,
        Layer::LayerNorm(layer) => layer,
        Layer::Tokens(layer) => layer,
        Layer::Attention(layer) => layer,
        Layer::ClassToken(layer) => layer,
        Layer::Relu(layer) => layer,
        Layer::Gelu(layer) => layer,
        Layer::Tanh(layer) => layer,
        Layer::Dropout(layer) => layer,
        Layer::Add(layer) => layer,
        Layer::OwnRows(layer) => layer,
        Layer::Reorder(layer) => layer,
        Layer::Scale(layer) => layer,
    }
}

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
pub struct Gradients {
    /// The device's blocking.
    pub tiling: Tiling,
    /// How pixels lie.
    pub layout: Layout,
    /// The way of the weight's.
    pub weight: Way,
    /// That of the input's.
    pub input: Way,
}

impl Gradients {
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
    fn of_rows(&self, rows: usize) -> &Lanes {
        if rows > 1 { &self.tokens } else { &self.samples }
    }
}

/// f32 for each row of a chunk and for each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// A row (sample).
    pub row: usize,
    /// A lane.
    pub lane: usize,
}

impl Footprint {
    /// Bytes for so many rows and lanes.
    pub fn bytes(self, rows: u64, lanes: u64) -> u64 {
        (4 * (rows * self.row as u64 + lanes * self.lane as u64)).max(4)
    }

    /// Values for one row of one lane.
    pub fn values(self) -> usize {
        self.row + self.lane
    }

    /// The larger of two, each way.
    pub fn max(self, other: Self) -> Self {
        Self { row: self.row.max(other.row), lane: self.lane.max(other.lane) }
    }
}

/// What a layer's passes keep beside their outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeps {
    /// For the backward pass: means and reciprocal deviations of norms, log-sum-exps of attention.
    pub saved: Footprint,
    /// Between a norm's two kernels: its factors and addends.
    pub coefficients: Footprint,
    /// A batch norm's (mean, unbiased variance) of each channel.
    pub moments: Footprint,
}

impl Keeps {
    /// Values for one row of one lane.
    pub fn values(self) -> usize {
        self.saved.values() + self.coefficients.values() + self.moments.values()
    }

    /// The larger of two, each way.
    pub fn max(self, other: Self) -> Self {
        Self {
            saved: self.saved.max(other.saved),
            coefficients: self.coefficients.max(other.coefficients),
            moments: self.moments.max(other.moments),
        }
    }
}

/// A batch norm, as far as its statistics go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNorm {
    /// Channels.
    pub channels: usize,
    /// Values of a sample that a channel's mean is taken over.
    pub spatial: usize,
    /// Offset of the running mean in a weight vector.
    pub mean: usize,
    /// Offset of the running variance.
    pub variance: usize,
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
    /// Room for [`Keeps::saved`].
    pub saved: Span,
    /// Room for [`Keeps::coefficients`].
    pub coefficients: Span,
    /// Room for [`Keeps::moments`], which a batch norm with statistics of its rows writes.
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
    pub how: Gradients,
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

fn offset(tensor: Option<usize>) -> u32 {
    tensor.map_or(ABSENT, |o| o as u32)
}

fn dims(shape: Shape) -> [u32; 3] {
    [shape.c as u32, shape.h as u32, shape.w as u32]
}

/// Copies so many f32.
fn copy(rec: &mut Recording, values: u32, from: Span, to: Span) {
    let bytes = 4 * u64::from(values);
    rec.copy(Span { bytes, ..from }, Span { bytes, ..to });
}

/// Values of all rows of a chunk.
fn count(lanes: &LaneTables, len: usize) -> u32 {
    (lanes.samples.rows * len as u64) as u32
}
