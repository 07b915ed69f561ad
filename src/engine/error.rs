//! What can go wrong in the engine.

use crate::data::DataError;
use crate::device::DeviceError;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Samples could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Weights of the wrong length.
    #[error("the model has {expected} parameters, {found} were given")]
    Params {
        /// The model's.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// Values for a tensor that the model doesn't have so.
    #[error("the model has no running statistics {name} of {values} values")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// Values given.
        values: usize,
    },
    /// A vector that a state doesn't have so.
    #[error("the state's vector {name} {why}")]
    State {
        /// The vector.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A batch norm would take mean and deviation of a single value.
    #[error(
        "{layer}: a batch norm can't take the statistics of one value a channel, and {rows} sample of 1 x 1 pixels is one ({key}; a group norm, model.norm = \"group\" or a layer groupnorm, has no such limit)"
    )]
    OneValue {
        /// The norm.
        layer: String,
        /// Samples whose statistics it would take.
        rows: u32,
        /// The config's key behind the number of samples.
        key: &'static str,
    },
    /// A count that kernels or buffers can't hold.
    #[error("{what}: {found}, at most {most} can be computed{}", key_hint(key))]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many there may be.
        most: u64,
        /// The config's key to lower; empty: none.
        key: &'static str,
    },
    /// A client's own copy of the weights doesn't fit.
    #[error(
        "local steps: a client's copy of the weights takes {bytes} bytes, {missing} more than there are (a larger device.memory_budget or {key} = 1 would make it fit)"
    )]
    Copy {
        /// Bytes of the copy.
        bytes: u64,
        /// Bytes that are missing.
        missing: u64,
        /// The config's key that asks for it.
        key: &'static str,
    },
    /// Samples that can't be cut don't fit at once.
    #[error(
        "batch norm takes the statistics of {rows} samples at once: their activations take {needed} bytes, {missing} more than there are (a larger device.memory_budget, a smaller {key} or a group norm, model.norm = \"group\" or a layer groupnorm, would make it fit)"
    )]
    Whole {
        /// Samples.
        rows: u32,
        /// Bytes of their activations.
        needed: u64,
        /// Bytes that are missing.
        missing: u64,
        /// The config's key behind the number of samples.
        key: &'static str,
    },
}

fn key_hint(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(" (config key {key})") }
}
