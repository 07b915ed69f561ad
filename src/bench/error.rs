//! What can go wrong in a benchmark.

use crate::config::ConfigError;
use crate::data::DataError;
use crate::device::DeviceError;
use crate::engine::EngineError;
use crate::model::ModelError;

/// What can go wrong in a benchmark.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// No entry of this name.
    #[error("there is no benchmark {wanted:?}; there are: {known}")]
    Unknown {
        /// The name asked for.
        wanted: String,
        /// All names.
        known: String,
    },
    /// The result differs from what it must be: no time is reported for a wrong result.
    #[error("benchmark {name} computes a wrong result: {why}")]
    Wrong {
        /// The entry.
        name: String,
        /// Where and by how much.
        why: String,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An embedded config can't be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Embedded data can't be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A workload's model can't be built.
    #[error(transparent)]
    Model(#[from] ModelError),
}
