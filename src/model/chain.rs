//! A model as the engine sees it: a chain of layers whose tensors lie in one flat vector.

use std::fmt;

/// Epsilon of every norm.
pub const NORM_EPS: f32 = 1e-5;

/// The shape of a sample between layers; a feature vector is `[features, 1, 1]`. Row-major `[c, h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels or features.
    pub c: usize,
    /// Height.
    pub h: usize,
    /// Width.
    pub w: usize,
}

impl Shape {
    /// A feature vector.
    pub const fn features(n: usize) -> Self {
        Self { c: n, h: 1, w: 1 }
    }

    /// Number of values.
    pub const fn len(self) -> usize {
        self.c * self.h * self.w
    }

    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// `h * w`.
    pub const fn spatial(self) -> usize {
        self.h * self.w
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}]", self.c, self.h, self.w)
    }
}

/// One layer. `weight` and `bias` are offsets into the flat vector. Flattening is no layer: the memory is the same.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Layer {
    /// `y = W x + b`, W `[out, in]`, then ReLU where `relu`.
    Linear {
        /// Inputs.
        in_features: usize,
        /// Outputs.
        out_features: usize,
        /// Offset of W.
        weight: usize,
        /// Offset of b.
        bias: Option<usize>,
        /// ReLU follows.
        relu: bool,
    },
    /// Square convolution, W `[out, in, k, k]`, then ReLU where `relu`.
    Conv {
        /// Before.
        input: Shape,
        /// After.
        output: Shape,
        /// Side of the kernel.
        kernel: usize,
        /// Step.
        stride: usize,
        /// Zeros on every side.
        padding: usize,
        /// Offset of W.
        weight: usize,
        /// Offset of b.
        bias: Option<usize>,
        /// ReLU follows.
        relu: bool,
    },
    /// Maximum over squares.
    MaxPool {
        /// Before.
        input: Shape,
        /// After.
        output: Shape,
        /// Side of the square.
        kernel: usize,
        /// Step.
        stride: usize,
    },
    /// Mean over squares.
    AvgPool {
        /// Before.
        input: Shape,
        /// After.
        output: Shape,
        /// Side of the square.
        kernel: usize,
        /// Step.
        stride: usize,
    },
    /// Mean of each channel.
    GlobalAvgPool {
        /// Before; after it is `[c, 1, 1]`.
        input: Shape,
    },
    /// Group norm, scale and shift a channel.
    GroupNorm {
        /// Groups of `channels / groups` channels.
        groups: usize,
        /// Channels.
        channels: usize,
        /// `h * w`.
        spatial: usize,
        /// Offset of the scale.
        weight: usize,
        /// Offset of the shift.
        bias: usize,
        /// Added to the variance.
        eps: f32,
    },
    /// max(x, 0), where it follows neither linear nor convolution.
    Relu {
        /// Values.
        len: usize,
    },
    /// Exact (erf) GELU.
    Gelu {
        /// Values.
        len: usize,
    },
    /// Hyperbolic tangent.
    Tanh {
        /// Values.
        len: usize,
    },
}

impl Layer {
    /// Values of a sample before the layer.
    pub const fn input_len(&self) -> usize {
        match *self {
            Self::Linear { in_features, .. } => in_features,
            Self::Conv { input, .. }
            | Self::MaxPool { input, .. }
            | Self::AvgPool { input, .. }
            | Self::GlobalAvgPool { input } => input.len(),
            Self::GroupNorm {
                channels, spatial, ..
            } => channels * spatial,
            Self::Relu { len } | Self::Gelu { len } | Self::Tanh { len } => len,
        }
    }

    /// Values of a sample after the layer.
    pub const fn output_len(&self) -> usize {
        match *self {
            Self::Linear { out_features, .. } => out_features,
            Self::Conv { output, .. }
            | Self::MaxPool { output, .. }
            | Self::AvgPool { output, .. } => output.len(),
            Self::GlobalAvgPool { input } => input.c,
            _ => self.input_len(),
        }
    }

    /// The layer's name in a model table.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Conv { .. } => "conv",
            Self::MaxPool { .. } => "maxpool",
            Self::AvgPool { .. } => "avgpool",
            Self::GlobalAvgPool { .. } => "globalavgpool",
            Self::GroupNorm { .. } => "groupnorm",
            Self::Relu { .. } => "relu",
            Self::Gelu { .. } => "gelu",
            Self::Tanh { .. } => "tanh",
        }
    }

    /// Multiply-adds of a sample, times two; 0 for layers without products of weights.
    pub const fn flops_forward(&self) -> u64 {
        match *self {
            Self::Linear {
                in_features,
                out_features,
                ..
            } => 2 * in_features as u64 * out_features as u64,
            Self::Conv {
                input,
                output,
                kernel,
                ..
            } => 2 * output.len() as u64 * (input.c * kernel * kernel) as u64,
            _ => 0,
        }
    }
}

/// How a tensor starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// Normal of variance `2 / fan_in`.
    HeNormal {
        /// Inputs of an output value.
        fan_in: usize,
    },
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
}

/// A learnable tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamTensor {
    /// PyTorch's name.
    pub name: String,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
    /// First index in the flat vector.
    pub offset: usize,
    /// Number of values.
    pub len: usize,
    /// How it starts.
    pub init: Init,
}

/// A model as a chain of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Shape of a sample.
    pub input: Shape,
    /// In order; each layer's `output_len` is the next one's `input_len`.
    pub layers: Vec<Layer>,
    /// In flat order, without gaps.
    pub params: Vec<ParamTensor>,
    /// Outputs of the last layer.
    pub classes: usize,
}

impl Chain {
    /// Length d of the flat parameter vector.
    pub fn param_count(&self) -> usize {
        self.params.last().map_or(0, |p| p.offset + p.len)
    }

    /// A sample's forward pass, 2 per multiply-add of linear layers and convolutions.
    pub fn flops_forward(&self) -> u64 {
        self.layers.iter().map(Layer::flops_forward).sum()
    }

    /// The largest number of values a sample has between layers, its input included.
    pub fn max_activation(&self) -> usize {
        self.layers
            .iter()
            .map(Layer::output_len)
            .fold(self.input.len(), usize::max)
    }
}
