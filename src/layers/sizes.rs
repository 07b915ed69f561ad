//! What a way is chosen for: a layer's product by its sizes, and which of its passes.

use std::fmt;

use crate::kernels::conv::Geometry;

/// A layer's product of matrices, by its sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sizes {
    /// A linear layer.
    Linear {
        /// Input features.
        inputs: u32,
        /// Output features.
        outputs: u32,
        /// Rows of a sample: 1, or its tokens.
        rows: u32,
    },
    /// A convolution.
    Conv {
        /// Channels, height and width before.
        input: [u32; 3],
        /// After.
        output: [u32; 3],
        /// Side of the kernel.
        kernel: u32,
        /// Step.
        stride: u32,
        /// Zeros on every side.
        padding: u32,
    },
    /// Attention: scores, and sums of values. No weights take part, so its pass forward is the same whether they are perturbed.
    Attention {
        /// Tokens of a sample.
        tokens: u32,
        /// Heads.
        heads: u32,
        /// Values of a token.
        dim: u32,
    },
}

impl Sizes {
    /// Of a convolution.
    pub fn of_conv(geometry: &Geometry) -> Self {
        let Geometry { input, output, kernel, stride, padding, .. } = *geometry;
        Self::Conv { input, output, kernel, stride, padding }
    }

    /// Operations of a pass over a sample.
    pub fn cost(&self) -> u64 {
        match *self {
            Self::Linear { inputs, outputs, rows } => 2 * u64::from(inputs) * u64::from(outputs) * u64::from(rows),
            Self::Conv { input, output, kernel, .. } => {
                2 * output.iter().map(|v| u64::from(*v)).product::<u64>() * u64::from(input[0] * kernel * kernel)
            }
            Self::Attention { tokens, dim, .. } => 4 * u64::from(tokens) * u64::from(tokens) * u64::from(dim),
        }
    }

    /// Columns of the product that a forward pass computes: outputs.
    pub fn columns(&self) -> u32 {
        match *self {
            Self::Linear { outputs, .. } => outputs,
            Self::Conv { output, .. } => output[0],
            Self::Attention { dim, .. } => dim,
        }
    }

    /// Columns of that which gives the input's gradient: inputs.
    pub fn inputs(&self) -> u32 {
        match *self {
            Self::Linear { inputs, .. } => inputs,
            Self::Conv { input, .. } => input[0],
            Self::Attention { dim, .. } => dim,
        }
    }

    /// The passes that a way is chosen for.
    pub fn passes(&self) -> &'static [Pass] {
        match self {
            Self::Linear { .. } | Self::Conv { .. } => &Pass::ALL,
            Self::Attention { .. } => &[Pass::Forward],
        }
    }

    /// Rows and columns of the product that a pass by tiles computes. Rows that are a lane's, of samples, tokens or pixels, are as many as there
    /// may be; of attention, which has no weights, a weight gradient has none.
    pub fn extent(&self, pass: Pass) -> (u32, u32) {
        match (pass, *self) {
            (Pass::Forward | Pass::Perturbed, _) => (u32::MAX, self.columns()),
            (Pass::Input, _) => (u32::MAX, self.inputs()),
            (Pass::Weight, Self::Linear { inputs, outputs, .. }) => (outputs, inputs),
            (Pass::Weight, Self::Conv { input, output, kernel, .. }) => (output[0], input[0] * kernel * kernel),
            (Pass::Weight, Self::Attention { .. }) => (0, 0),
        }
    }
}

impl fmt::Display for Sizes {
    /// `linear 64 to 10`, `linear 192 to 576 over 65 tokens`, `attention of 65 tokens 8 heads of 64`, `conv 64x32x32 to 128x16x16 kernel 3 stride 2 padding 1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Linear { inputs, outputs, rows: 1 } => write!(f, "linear {inputs} to {outputs}"),
            Self::Linear { inputs, outputs, rows } => write!(f, "linear {inputs} to {outputs} over {rows} tokens"),
            Self::Conv { input: [c, h, w], output: [out_c, out_h, out_w], kernel, stride, padding } => {
                write!(
                    f,
                    "conv {c}x{h}x{w} to {out_c}x{out_h}x{out_w} kernel {kernel} stride {stride} padding {padding}"
                )
            }
            Self::Attention { tokens, heads, dim } => {
                write!(f, "attention of {tokens} tokens {heads} heads of {}", dim / heads)
            }
        }
    }
}

/// A pass of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pass {
    /// Forward, weights as they are.
    Forward,
    /// Forward, weights perturbed.
    Perturbed,
    /// The weight's gradient.
    Weight,
    /// The input's gradient.
    Input,
}

impl Pass {
    /// All of them.
    pub const ALL: [Pass; 4] = [Pass::Forward, Pass::Perturbed, Pass::Weight, Pass::Input];

    /// Those that give outputs.
    pub const FORWARD: [Pass; 2] = [Pass::Forward, Pass::Perturbed];

    /// Those that give gradients.
    pub const BACKWARD: [Pass; 2] = [Pass::Weight, Pass::Input];

    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Forward => "forward",
            Pass::Perturbed => "perturbed",
            Pass::Weight => "weight gradient",
            Pass::Input => "input gradient",
        }
    }
}
