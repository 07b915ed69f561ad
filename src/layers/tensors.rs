//! The tensors of a weight vector, and how a model gets them.

use super::error::ModelError;
use super::limits::{MAX_VALUES, too_large};

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

/// The tensors of a model in the making.
#[derive(Debug, Default)]
pub struct Tensors {
    params: Vec<ParamTensor>,
    total: usize,
    buffers: Vec<ParamTensor>,
}

impl Tensors {
    /// Whether anything is learnt so far.
    pub fn is_empty(&self) -> bool {
        self.params.is_empty()
    }

    /// Appends one that is learnt, `kind` of the layer `layer`, and gives its offset. `place` names the layer in messages.
    ///
    /// # Errors
    /// More values in all than kernels can count.
    pub fn learnt(
        &mut self,
        place: &str,
        layer: &str,
        kind: &str,
        shape: Vec<usize>,
        init: Init,
    ) -> Result<usize, ModelError> {
        let len = shape.iter().fold(1u128, |n, &s| n.saturating_mul(s as u128));
        let end = (self.total as u128).saturating_add(len);
        if end > MAX_VALUES {
            return Err(too_large(place, end));
        }
        let offset = self.total;
        self.total = end as usize;
        let name = if layer.is_empty() { kind.to_owned() } else { format!("{layer}.{kind}") };
        self.params.push(ParamTensor { name, shape, offset, len: len as usize, init });
        Ok(offset)
    }

    /// Appends a channel's running statistics of the batch norm `layer`: offsets of mean and variance, from the first of all running statistics
    /// on ([`super::Kind::put_running_behind`]).
    pub fn running(&mut self, layer: &str, channels: usize) -> [usize; 2] {
        let mut tensor = |kind: &str, init| {
            let offset = self.buffers.last().map_or(0, |b| b.offset + b.len);
            let (name, shape) = (format!("{layer}.{kind}"), vec![channels]);
            self.buffers.push(ParamTensor { name, shape, offset, len: channels, init });
            offset
        };
        [tensor("running_mean", Init::Zeros), tensor("running_var", Init::Ones)]
    }

    /// All of them, the running statistics behind the others; how many are learnt, and the first running statistic's offset.
    pub fn finish(mut self) -> (Vec<ParamTensor>, usize, usize) {
        for buffer in &mut self.buffers {
            buffer.offset += self.total;
        }
        let learnable = self.params.len();
        self.params.extend(self.buffers);
        (self.params, learnable, self.total)
    }
}
