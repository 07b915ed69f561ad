//! The kinds of layers, as data: sizes, and where their tensors lie in the flat vector. What they do is in `layers`, a file a kind.

use super::graph::Shape;

/// One layer. `weight` and `bias` are offsets into the flat vector. Flattening is no layer: the memory is the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// `y = W x + b`, W `[out, in]`, then ReLU where `relu`.
    Linear(Linear),
    /// Square convolution, W `[out, in, k, k]`, then ReLU where `relu`.
    Conv(Conv),
    /// Maximum over squares.
    MaxPool(MaxPool),
    /// Mean over squares.
    AvgPool(AvgPool),
    /// Mean of each channel.
    GlobalAvgPool(GlobalAvgPool),
    /// Group or batch norm, scale and shift a channel, the node's residual added, then ReLU where `relu`.
    Norm(Norm),
    /// Layer norm of each token.
    LayerNorm(LayerNorm),
    /// `[dim, h, w]` to tokens `[h w + 1, dim]`: the class token, then the pixels row by row, each plus its position.
    Tokens(Tokens),
    /// Multi-head attention: tokens `[tokens, 3 dim]` (q, k, v) to `[tokens, dim]`.
    Attention(Attention),
    /// The first of the tokens.
    ClassToken(ClassToken),
    /// max(x, 0), where it follows neither linear nor convolution.
    Relu(Relu),
    /// Exact (erf) GELU.
    Gelu(Gelu),
    /// Hyperbolic tangent.
    Tanh(Tanh),
    /// In local steps of training each value 0 with a probability, the others larger; otherwise nothing ([`super::Graph::without_dropout`]).
    Dropout(Dropout),
    /// The node's residual added. No model table has it: it stands behind a residual's layers where the last of them can't add.
    Add(Add),
    /// A lane's own copy of rows that lanes share. No model table has it: it is put before layers that can't read shared rows.
    OwnRows(OwnRows),
    /// The values of an image in the other layout. No model table has it: it is put where channels lie last before what knows them first.
    Reorder(Reorder),
    /// Values times a constant. No model table has it: it stands behind products of sub-networks ([`super::Narrow`]).
    Scale(Scale),
}

/// `y = W x + b`, W `[out, in]`, then ReLU where `relu`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Linear {
    /// Rows of a sample: 1, or its tokens.
    pub rows: usize,
    /// Inputs.
    pub in_features: usize,
    /// Outputs.
    pub out_features: usize,
    /// Offset of W.
    pub weight: usize,
    /// Offset of b.
    pub bias: Option<usize>,
    /// ReLU follows.
    pub relu: bool,
}

/// Square convolution, W `[out, in, k, k]`, then ReLU where `relu`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Before.
    pub input: Shape,
    /// After.
    pub output: Shape,
    /// Side of the kernel.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
    /// Zeros on every side.
    pub padding: usize,
    /// Offset of W.
    pub weight: usize,
    /// Offset of b.
    pub bias: Option<usize>,
    /// ReLU follows.
    pub relu: bool,
}

/// Maximum over squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool {
    /// Before.
    pub input: Shape,
    /// After.
    pub output: Shape,
    /// Side of the square.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
}

/// Mean over squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool {
    /// Before.
    pub input: Shape,
    /// After.
    pub output: Shape,
    /// Side of the square.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
}

/// Mean of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GlobalAvgPool {
    /// Before; after it is `[c, 1, 1]`.
    pub input: Shape,
}

/// Group or batch norm, scale and shift a channel, the node's residual added, then ReLU where `relu`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norm {
    /// Whose mean and variance.
    pub kind: NormKind,
    /// Channels.
    pub channels: usize,
    /// `h * w`.
    pub spatial: usize,
    /// Offset of the scale.
    pub weight: usize,
    /// Offset of the shift.
    pub bias: usize,
    /// ReLU follows.
    pub relu: bool,
}

/// Layer norm of each token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Rows of a sample.
    pub rows: usize,
    /// Values of a row.
    pub dim: usize,
    /// Offset of the scale.
    pub weight: usize,
    /// Offset of the shift.
    pub bias: usize,
}

/// `[dim, h, w]` to tokens `[h w + 1, dim]`: the class token, then the pixels row by row, each plus its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tokens {
    /// Values of a token.
    pub dim: usize,
    /// Pixels.
    pub patches: usize,
    /// Offset of the class token `[dim]`.
    pub class: usize,
    /// Offset of the positions `[patches + 1, dim]`.
    pub position: usize,
}

/// Multi-head attention: tokens `[tokens, 3 dim]` (q, k, v) to `[tokens, dim]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Tokens.
    pub tokens: usize,
    /// Heads; they divide `dim`.
    pub heads: usize,
    /// Values of a token after.
    pub dim: usize,
}

/// The first of the tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassToken {
    /// Tokens.
    pub tokens: usize,
    /// Values of a token.
    pub dim: usize,
}

/// max(x, 0), where it follows neither linear nor convolution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Relu {
    /// Values.
    pub len: usize,
}

/// Exact (erf) GELU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gelu {
    /// Values.
    pub len: usize,
}

/// Hyperbolic tangent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tanh {
    /// Values.
    pub len: usize,
}

/// In local steps of training each value 0 with probability p, else divided by 1 - p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Values.
    pub len: usize,
    /// Its number among the model's dropouts: each draws masks of its own.
    pub number: usize,
    /// From 0 up to, but not, 1.
    pub p: f64,
}

/// The node's residual added.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Add {
    /// Values.
    pub len: usize,
}

/// A lane's own copy of rows that lanes share. No model table has it: it is put before layers that can't read shared rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OwnRows {
    /// Values.
    pub len: usize,
}

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

/// Values times a constant. No model table has it: it stands behind products of sub-networks ([`super::Narrow`]).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Values.
    pub len: usize,
    /// What they are multiplied by.
    pub factor: f32,
}

/// What a norm takes mean and variance over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// A sample's groups of channels.
    Group {
        /// Groups; they divide the channels.
        groups: usize,
    },
    /// A channel over a batch, or its running statistics.
    Batch {
        /// Offset of the running mean behind the parameters.
        mean: usize,
        /// Offset of the running variance.
        variance: usize,
    },
}
