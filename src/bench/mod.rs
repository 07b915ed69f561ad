//! Microbenchmarks: each workload is checked, warmed up and timed, and set beside the device's own measured rates.
//!
//! An entry is a row of [`ENTRIES`]: a name and a function that makes its [`Workload`] on a device. `ceilings` measures the
//! device's rates, `runner` checks and times, the other files hold the workloads.

mod ceilings;
mod runner;
mod stream;

pub use ceilings::{Ceiling, Ceilings, ceilings};
pub use runner::{Check, Outcome, Repeats, Step, Timed, Unit, Workload, run};

use crate::device::{Device, DeviceError};

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
}

/// A row of the table.
pub struct Entry {
    /// Name on the command line and in the results.
    pub name: &'static str,
    /// Makes the workload.
    pub prepare: fn(&mut dyn Device, &Options) -> Result<Workload, BenchError>,
}

/// What the command line asks of the workloads.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Clients of the batched workloads.
    pub clients: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { clients: 50 }
    }
}

/// All entries, in the order in which they run.
pub const ENTRIES: &[Entry] = &[
    Entry { name: "fill-constant", prepare: stream::fill_constant },
    Entry { name: "fill-rademacher", prepare: stream::fill_rademacher },
    Entry { name: "fill-binomial", prepare: stream::fill_binomial },
    Entry { name: "fill-gaussian", prepare: stream::fill_gaussian },
    Entry { name: "fill-uniform", prepare: stream::fill_uniform },
    Entry { name: "replay", prepare: stream::replay },
];

/// The entries of these names in the table's order; no names: all.
pub fn select(names: &[String]) -> Result<Vec<&'static Entry>, BenchError> {
    if let Some(wanted) = names.iter().find(|name| !ENTRIES.iter().any(|e| e.name == **name)) {
        let known: Vec<&str> = ENTRIES.iter().map(|e| e.name).collect();
        return Err(BenchError::Unknown { wanted: wanted.clone(), known: known.join(", ") });
    }
    Ok(ENTRIES.iter().filter(|e| names.is_empty() || names.iter().any(|n| n == e.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_select_rows() {
        assert_eq!(select(&[]).unwrap().len(), ENTRIES.len());
        let two = select(&["replay".to_owned(), "fill-uniform".to_owned()]).unwrap();
        assert_eq!(two.iter().map(|e| e.name).collect::<Vec<_>>(), ["fill-uniform", "replay"]);
        assert!(select(&["replays".to_owned()]).is_err_and(|e| e.to_string().contains("fill-rademacher")));
    }
}
