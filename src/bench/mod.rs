//! Microbenchmarks: each workload is checked, warmed up and timed, and set beside the device's own measured rates.
//!
//! An entry is a row of [`ENTRIES`]: names and a function that makes their workloads on an engine; workloads of one entry are
//! timed in turn. `ceilings` measures the device's rates, `runner` checks and times (`times`), `problem` makes models and data, `workload` is
//! what is measured, `diff` compares results; the other files hold the workloads.

mod ceilings;
mod diff;
mod entries;
mod error;
mod forward;
mod methods;
mod options;
mod paper;
mod problem;
mod product;
mod round;
mod runner;
mod stream;
mod times;
mod workload;

pub use ceilings::{Ceiling, Ceilings, arithmetic, ceilings, latencies};
pub use diff::{Difference, Verdict, diff};
pub use entries::{ENTRIES, Entry, Selected, engine, select};
pub use error::BenchError;
pub use options::Options;
pub use runner::{Against, Outcome, check, run};
pub use times::Repeats;
pub use workload::{Check, Prepared, Step, Timed, Unit, Workload};
