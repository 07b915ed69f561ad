//! Microbenchmarks: each workload is checked, warmed up and timed, and set beside the device's own measured rates.
//!
//! An entry is a row of [`ENTRIES`]: names and a function that makes their workloads on an engine; workloads of one entry are
//! timed in turn. `ceilings` measures the device's rates, `runner` checks and times, `problem` makes models and data, the other
//! files hold the workloads.

mod ceilings;
mod forward;
mod methods;
mod paper;
mod problem;
mod product;
mod round;
mod runner;
mod stream;

pub use ceilings::{Ceiling, Ceilings, ceilings};
pub use runner::{Against, Check, Outcome, Prepared, Repeats, Step, Timed, Unit, Workload, check, run};

use crate::config::ConfigError;
use crate::data::DataError;
use crate::device::{Device, DeviceError};
use crate::engine::{Engine, EngineError};
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

/// A row of the table: workloads that share their data and are timed in turn.
pub struct Entry {
    /// Names on the command line and in the results.
    pub names: &'static [&'static str],
    /// Makes the workloads, in the order of the names.
    pub prepare: fn(&mut Engine, &Options) -> Result<Prepared, BenchError>,
}

/// What the command line asks of the workloads.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Clients of the batched workloads.
    pub clients: u32,
    /// Sizes that even an unoptimised build on a software adapter runs at once: shows that a workload works, not its speed.
    pub small: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { clients: 20, small: false }
    }
}

/// All entries, in the order in which they run.
pub const ENTRIES: &[Entry] = &[
    Entry {
        names: &["fill-constant", "fill-rademacher", "fill-binomial", "fill-gaussian", "fill-uniform"],
        prepare: stream::fills,
    },
    Entry { names: &["replay"], prepare: stream::replay },
    Entry { names: &["gemm"], prepare: product::gemm },
    Entry { names: &["conv"], prepare: product::conv },
    Entry { names: &["mlp-forward", "mlp-forward-perturbed"], prepare: forward::mlp },
    Entry { names: &["cnn-forward", "cnn-forward-perturbed"], prepare: forward::cnn },
    Entry { names: &["resnet-forward", "resnet-forward-perturbed"], prepare: paper::resnet_forward },
    Entry { names: &["resnet-forward-backward"], prepare: paper::resnet_backward },
    Entry { names: &["vit-forward"], prepare: paper::vit_forward },
    Entry { names: &["mlp-zo-round"], prepare: round::mlp_zo },
    Entry { names: &["cnn-zo-round"], prepare: round::cnn_zo },
    Entry {
        names: &["mlp-zo-plain", "mlp-zo-pool", "mlp-zo-shared", "mlp-zo-momentum", "mlp-zo-adam", "mlp-zo-local"],
        prepare: methods::mlp,
    },
    Entry { names: &["warmup-round"], prepare: round::warmup },
];

/// An entry and those of its names that are asked for.
pub struct Selected {
    /// The row.
    pub entry: &'static Entry,
    /// In the row's order.
    pub names: Vec<&'static str>,
}

/// The entries of these names in the table's order; no names: all.
pub fn select(names: &[String]) -> Result<Vec<Selected>, BenchError> {
    let known = || ENTRIES.iter().flat_map(|e| e.names).copied();
    if let Some(wanted) = names.iter().find(|name| !known().any(|k| k == **name)) {
        return Err(BenchError::Unknown { wanted: wanted.clone(), known: known().collect::<Vec<_>>().join(", ") });
    }
    let asked = |name: &&str| names.is_empty() || names.iter().any(|n| n == name);
    let rows =
        ENTRIES.iter().map(|entry| Selected { entry, names: entry.names.iter().copied().filter(asked).collect() });
    Ok(rows.filter(|s| !s.names.is_empty()).collect())
}

/// An engine to measure with. Entries that need a model put theirs in the place of the one it starts with.
pub fn engine(device: Box<dyn Device>) -> Result<Engine, BenchError> {
    let problem = problem::mlp(1, 1)?;
    Ok(Engine::new(device, problem.graph, &problem.initial)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;

    #[test]
    fn names_select_rows() {
        assert_eq!(select(&[]).unwrap().len(), ENTRIES.len());
        let three = ["replay", "fill-uniform", "fill-constant"].map(str::to_owned);
        let names: Vec<&str> = select(&three).unwrap().into_iter().flat_map(|s| s.names).collect();
        assert_eq!(names, ["fill-constant", "fill-uniform", "replay"]);
        assert!(select(&["replays".to_owned()]).is_err_and(|e| e.to_string().contains("fill-rademacher")));
    }

    #[test]
    fn every_entry_runs_small_on_the_twins() {
        let mut engine = engine(Box::new(ReferenceDevice::new(None))).unwrap();
        let options = Options { clients: 2, small: true };
        let ceilings = Ceilings { copy_gb_s: 1.0, madd_gflop_s: 1.0, store_gb_s: 1.0 };
        let repeats = Repeats { warm_up: 0, least: 1, most: 1, seconds: 0.0 };
        for selected in select(&[]).unwrap() {
            let outcomes = run(&mut engine, &selected, &options, &ceilings, &repeats).unwrap();
            assert_eq!(outcomes.iter().map(|o| o.name).collect::<Vec<_>>(), selected.names);
            assert!(
                outcomes
                    .iter()
                    .all(|o| o.dispatches.is_some() == (o.name.ends_with("round") || o.name.starts_with("mlp-zo")))
            );
        }
    }
}
