//! Federated runs: who takes part in a round, what a round does to the weights, and the folder a run leaves behind.
//!
//! `schedule` and `traffic` are pure arithmetic, `cost` adds them up for a whole run; `folder`, `metrics` and `checkpoint` are the files; `warmup` and `zo` are the
//! two kinds of rounds on an engine; `run` puts them in order.

pub mod checkpoint;
pub mod cost;
pub mod experiment;
pub mod folder;
pub mod interrupt;
pub mod metrics;
mod metrics_log;
pub mod observer;
pub mod recover;
pub mod run;
pub mod schedule;
pub mod traffic;
pub mod warmup;
pub mod zo;

pub use checkpoint::Checkpoint;
pub use folder::{FolderError, RunFolder};
pub use metrics::{Phase, RoundMetrics, Status, Summary};
pub use observer::{Observer, RunPlan};
