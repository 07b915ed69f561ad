//! A model as the engine sees it: a graph of layers whose tensors lie in one flat vector.
//!
//! A node has one input and at most one residual, which is all that skip connections need; nodes stand in an order in which
//! they can be computed.

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
        /// Rows of a sample: 1, or its tokens.
        rows: usize,
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
    /// Group or batch norm, scale and shift a channel, the node's residual added, then ReLU where `relu`.
    Norm {
        /// Whose mean and variance.
        kind: NormKind,
        /// Channels.
        channels: usize,
        /// `h * w`.
        spatial: usize,
        /// Offset of the scale.
        weight: usize,
        /// Offset of the shift.
        bias: usize,
        /// ReLU follows.
        relu: bool,
    },
    /// Layer norm of each token.
    LayerNorm {
        /// Rows of a sample.
        rows: usize,
        /// Values of a row.
        dim: usize,
        /// Offset of the scale.
        weight: usize,
        /// Offset of the shift.
        bias: usize,
    },
    /// `[dim, h, w]` to tokens `[h w + 1, dim]`: the class token, then the pixels row by row, each plus its position.
    Tokens {
        /// Values of a token.
        dim: usize,
        /// Pixels.
        patches: usize,
        /// Offset of the class token `[dim]`.
        class: usize,
        /// Offset of the positions `[patches + 1, dim]`.
        position: usize,
    },
    /// Multi-head attention: tokens `[tokens, 3 dim]` (q, k, v) to `[tokens, dim]`.
    Attention {
        /// Tokens.
        tokens: usize,
        /// Heads; they divide `dim`.
        heads: usize,
        /// Values of a token after.
        dim: usize,
    },
    /// The first of the tokens.
    ClassToken {
        /// Tokens.
        tokens: usize,
        /// Values of a token.
        dim: usize,
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
    /// A lane's own copy of rows that lanes share. No model table has it: it is put before layers that can't read shared rows.
    OwnRows {
        /// Values.
        len: usize,
    },
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

/// Where a node's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The samples.
    Batch,
    /// The output of a node.
    Node(usize),
}

/// A layer and what it reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// The layer.
    pub layer: Layer,
    /// Its input.
    pub input: Source,
    /// What is added to its output (before the ReLU of a norm); of norms and of linear layers without ReLU only.
    pub residual: Option<Source>,
}

impl Layer {
    /// Values of a sample before the layer.
    pub const fn input_len(&self) -> usize {
        match *self {
            Self::Linear { rows, in_features, .. } => rows * in_features,
            Self::Conv { input, .. }
            | Self::MaxPool { input, .. }
            | Self::AvgPool { input, .. }
            | Self::GlobalAvgPool { input } => input.len(),
            Self::Norm { channels, spatial, .. } => channels * spatial,
            Self::LayerNorm { rows, dim, .. } => rows * dim,
            Self::Tokens { dim, patches, .. } => dim * patches,
            Self::Attention { tokens, dim, .. } => 3 * tokens * dim,
            Self::ClassToken { tokens, dim } => tokens * dim,
            Self::Relu { len } | Self::Gelu { len } | Self::Tanh { len } | Self::OwnRows { len } => len,
        }
    }

    /// Values of a sample after the layer.
    pub const fn output_len(&self) -> usize {
        match *self {
            Self::Linear { rows, out_features, .. } => rows * out_features,
            Self::Conv { output, .. } | Self::MaxPool { output, .. } | Self::AvgPool { output, .. } => output.len(),
            Self::GlobalAvgPool { input } => input.c,
            Self::Tokens { dim, patches, .. } => (patches + 1) * dim,
            Self::Attention { tokens, dim, .. } => tokens * dim,
            Self::ClassToken { dim, .. } => dim,
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
            Self::Norm { kind: NormKind::Group { .. }, .. } => "groupnorm",
            Self::Norm { kind: NormKind::Batch { .. }, .. } => "batchnorm",
            Self::LayerNorm { .. } => "layernorm",
            Self::Tokens { .. } => "tokens",
            Self::Attention { .. } => "attention",
            Self::ClassToken { .. } => "classtoken",
            Self::Relu { .. } => "relu",
            Self::Gelu { .. } => "gelu",
            Self::Tanh { .. } => "tanh",
            Self::OwnRows { .. } => "ownrows",
        }
    }

    /// Rows of a sample that the layer's kernel sees: its tokens, else 1.
    pub const fn rows(&self) -> usize {
        match *self {
            Self::Linear { rows, .. } | Self::LayerNorm { rows, .. } => rows,
            _ => 1,
        }
    }

    /// Offsets of the layer's tensors.
    pub fn tensors(&self) -> Vec<usize> {
        match *self {
            Self::Linear { weight, bias, .. } | Self::Conv { weight, bias, .. } => {
                [weight].into_iter().chain(bias).collect()
            }
            Self::Norm { kind: NormKind::Batch { mean, variance }, weight, bias, .. } => {
                vec![weight, bias, mean, variance]
            }
            Self::Norm { weight, bias, .. } | Self::LayerNorm { weight, bias, .. } => vec![weight, bias],
            Self::Tokens { class, position, .. } => vec![class, position],
            _ => Vec::new(),
        }
    }

    /// Multiply-adds of a sample, times two, in products of weights or of tokens; 0 for other layers.
    pub const fn flops_forward(&self) -> u64 {
        match *self {
            Self::Linear { rows, in_features, out_features, .. } => {
                2 * (rows * in_features) as u64 * out_features as u64
            }
            Self::Conv { input, output, kernel, .. } => 2 * output.len() as u64 * (input.c * kernel * kernel) as u64,
            Self::Attention { tokens, dim, .. } => 4 * (tokens * tokens) as u64 * dim as u64,
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
    /// Normal of this deviation times 1e-3, cut off at two deviations.
    TruncatedNormal {
        /// A thousandth of the deviation.
        thousandths: u32,
    },
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
}

/// A tensor of a weight vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamTensor {
    /// PyTorch's name.
    pub name: String,
    /// PyTorch's shape.
    pub shape: Vec<usize>,
    /// First index in the weight vector.
    pub offset: usize,
    /// Number of values.
    pub len: usize,
    /// How it starts.
    pub init: Init,
}

/// A model as a graph of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Shape of a sample.
    pub input: Shape,
    /// Each reads only the batch and nodes before it; the last gives the logits.
    pub nodes: Vec<Node>,
    /// All tensors of a weight vector in its order, without gaps: the learnable ones in flat order, then the running statistics of
    /// batch norms. A weight vector on a device or in a file holds both; only the former are perturbed, replayed and fingerprinted.
    pub tensors: Vec<ParamTensor>,
    /// How many of the tensors are learnable.
    pub learnable: usize,
    /// Outputs of the last layer.
    pub classes: usize,
}

impl Graph {
    /// The learnable tensors, in flat order.
    pub fn params(&self) -> &[ParamTensor] {
        &self.tensors[..self.learnable]
    }

    /// The running statistics of batch norms.
    pub fn buffers(&self) -> &[ParamTensor] {
        &self.tensors[self.learnable..]
    }

    /// Length d of the flat parameter vector.
    pub fn param_count(&self) -> usize {
        end(self.params())
    }

    /// Length of a weight vector: the parameters, then the running statistics.
    pub fn state_len(&self) -> usize {
        end(&self.tensors)
    }

    /// The tensors of a node.
    pub fn tensors_of(&self, node: &Node) -> Vec<&ParamTensor> {
        let at = |offset: usize| self.tensors.binary_search_by_key(&offset, |t| t.offset).ok();
        node.layer.tensors().into_iter().filter_map(at).map(|i| &self.tensors[i]).collect()
    }

    /// Whether there is a batch norm.
    pub fn has_batch_norm(&self) -> bool {
        !self.buffers().is_empty()
    }

    /// Channels of all batch norms together.
    pub fn batch_norm_channels(&self) -> usize {
        self.buffers().iter().map(|b| b.len).sum::<usize>() / 2
    }

    /// Rows of a sample where its tokens are rows: the most of any layer.
    pub fn tokens(&self) -> usize {
        self.nodes.iter().map(|n| n.layer.rows()).max().unwrap_or(1)
    }

    /// A sample's forward pass, 2 per multiply-add of linear layers, convolutions and attention.
    pub fn flops_forward(&self) -> u64 {
        self.nodes.iter().map(|n| n.layer.flops_forward()).sum()
    }

    /// The largest number of values a sample has between layers, its input included.
    pub fn max_activation(&self) -> usize {
        self.nodes.iter().map(|n| n.layer.output_len()).fold(self.input.len(), usize::max)
    }

    /// The last node that reads each node's output; of the last node, the loss behind it.
    pub fn last_readers(&self) -> Vec<usize> {
        let mut last: Vec<usize> = (1..=self.nodes.len()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            for source in [Some(node.input), node.residual].into_iter().flatten() {
                if let Source::Node(n) = source {
                    last[n] = last[n].max(i);
                }
            }
        }
        last
    }
}

fn end(tensors: &[ParamTensor]) -> usize {
    tensors.last().map_or(0, |p| p.offset + p.len)
}
