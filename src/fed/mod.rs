//! Federated runs: who takes part in a round, what a round does to the weights, and the folder a run leaves behind.
//!
//! `schedule` and `traffic` are pure arithmetic, `cost` adds them up for a whole run, `outline` says what the model is; `folder` and `metrics` are the files, `check` and `origin` compare
//! them with what was written, `record` reads a run that has ended, `live` one in progress; `warmup` (with `heterofl`) and `zo` are the two kinds of rounds on an engine, `inclusion` what an evaluation means to clients; `run` puts them in order, `sweep` runs many, `replay` goes through
//! a ledger alone. `federation` does rounds in memory, with parts of one's own (`parts`).

mod augment;
mod base;
pub mod check;
pub mod cost;
pub mod dense;
pub mod disk;
mod drawn;
mod error;
pub mod experiment;
pub mod federation;
mod figures;
pub mod folder;
pub mod heterofl;
pub mod host;
pub mod inclusion;
pub mod live;
pub mod metrics;
pub mod observer;
pub mod origin;
pub mod outline;
pub mod parts;
mod planned;
mod progress;
pub mod record;
pub mod replay;
pub mod rounding;
pub mod run;
pub mod schedule;
mod sealed;
mod settings;
pub mod sweep;
pub mod traffic;
pub mod warmup;
mod warnings;
pub mod zo;

pub use error::FedError;
pub use folder::{FolderError, RunFolder};
pub use host::Host;
pub use metrics::{Phase, RoundMetrics, Status, Summary};
pub use observer::{Observer, RunPlan};
