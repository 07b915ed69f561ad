//! Random numbers: the counter-based generator that devices share, the seeds derived with it, and the host's own streams.
//! Everything that a device must reproduce belongs to `philox` and `seeds`; what only the host draws belongs to `host` and
//! `distributions`.

pub mod distributions;
pub mod host;
pub mod philox;
pub mod seeds;

pub use philox::philox;
pub use seeds::{pool_index, pool_seed, probe_seed};
