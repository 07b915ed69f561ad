//! What a layer is to the rest of the program.

use super::keeps::Keeps;
use super::passes::{Backward, Forward, GradientWays, HalvesOf, LaneTables, Mode};
use super::shape::Images;
use super::sizes::{Pass, Sizes};
use crate::caps::Layout;
use crate::kernels::conv::Geometry;
use crate::kernels::lib::halves::Halves;
use crate::kernels::moments::Moments;
use crate::kernels::parts::SumSplit;
use crate::kernels::tile_order::Order;
use crate::kernels::tiling::{Product, Tiling};
use crate::recording::windows::Running;
use crate::recording::{Recording, Span};

/// What a layer is to the engine. Where a method has a body, that is right for layers without weights whose rows don't depend on each
/// other.
pub trait Kind {
    /// The layer's name in a model table.
    fn name(&self) -> &'static str;

    /// What the layer reads of a sample and what it gives.
    fn images(&self) -> Images;

    /// Values of a sample before the layer.
    fn input_len(&self) -> usize {
        self.images().lens()[0]
    }

    /// Values of a sample after the layer.
    fn output_len(&self) -> usize {
        self.images().lens()[1]
    }

    /// The shape of a sample after the layer, for people: `[c, h, w]`, `[tokens, values]` or `[features]`. That which kernels see says it, but of
    /// tokens, and of layers whose kernels see a feature vector in a sample of another shape.
    fn output_shape(&self, input: &[usize]) -> Vec<usize> {
        match self.images() {
            Images::Any(_) => input.to_vec(),
            Images::Of(_, output) => output.sides(),
        }
    }

    /// Rows of a sample that the layer's kernels see: its tokens, else 1.
    fn rows(&self) -> usize {
        1
    }

    /// Equal parts of a row that mean different things, each as wide as the model: attention's q, k and v.
    fn input_parts(&self) -> usize {
        1
    }

    /// Whether people count it as a layer; else it is part of the one before.
    fn stands_alone(&self) -> bool {
        true
    }

    /// Offsets of the layer's tensors in a weight vector: parameters, then running statistics.
    fn tensors(&self) -> Vec<usize> {
        Vec::new()
    }

    /// The weights of the product that the layer is, if it has any.
    fn weights(&self) -> Option<Weights> {
        None
    }

    /// Moves the running statistics of a layer that counts them from the first one on behind so many parameters.
    fn put_running_behind(&mut self, _parameters: usize) {}

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

    /// Whether a ReLU is part of the layer.
    fn ends_with_relu(&self) -> bool {
        false
    }

    /// Makes the ReLU that follows a part of the layer, where that can be.
    fn add_relu(&mut self) -> bool {
        false
    }

    /// Whether the layer adds its node's residual to what the model table says that it gives.
    fn adds_residual(&self) -> bool {
        false
    }

    /// Whether a ReLU that is part of the layer comes behind the residual.
    fn relu_follows_residual(&self) -> bool {
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
    fn splits(&self, _how: &GradientWays) -> Vec<(SumSplit, u32)> {
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

    /// The moments in parts that the layer would take of an input that is computed so and has these sizes, and those that it leaves for itself
    /// where nothing before it does.
    fn takes_moments(&self, _batch_statistics: bool, _left: Option<(&Product, &Geometry)>) -> Option<Moments> {
        None
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

/// The weights of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Offset of the matrix, outputs first.
    pub weight: usize,
    /// Offset of what is added to each output.
    pub bias: Option<usize>,
    /// Features or channels of the input.
    pub inputs: usize,
}
