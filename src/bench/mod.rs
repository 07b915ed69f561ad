//! Microbenchmarks: each workload is checked, warmed up and timed, and set beside the device's own measured rates.
//!
//! An entry is a row of [`ENTRIES`]: names and a function that makes their workloads on an engine; workloads of one entry are
//! timed in turn. `ceilings` measures the device's rates, `runner` checks and times, `problem` makes models and data, the other
//! files hold the workloads.

mod ceilings;
mod diff;
mod forward;
mod methods;
mod paper;
mod problem;
mod product;
mod round;
mod runner;
mod stream;

pub use ceilings::{Ceiling, Ceilings, arithmetic, ceilings, latencies};
pub use diff::{Difference, Verdict, diff};
pub use runner::{Against, Check, Outcome, Prepared, Repeats, Step, Timed, Unit, Workload, check, run};

use crate::caps::AdapterKind;

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
    /// Fills a GPU. Software adapters, which it takes minutes, run it only where it is named, or a part of its name is.
    pub large: bool,
}

impl Entry {
    const fn new(
        names: &'static [&'static str],
        prepare: fn(&mut Engine, &Options) -> Result<Prepared, BenchError>,
    ) -> Self {
        Self { names, prepare, large: false }
    }

    const fn large(
        names: &'static [&'static str],
        prepare: fn(&mut Engine, &Options) -> Result<Prepared, BenchError>,
    ) -> Self {
        Self { names, prepare, large: true }
    }
}

/// What the command line asks of the workloads.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Clients of the batched workloads.
    pub clients: u32,
    /// Images of the large forward passes, and of a client in the large rounds; `None`: what fills a large GPU.
    pub batch: Option<u32>,
    /// Sizes that even an unoptimised build on a software adapter runs at once: shows that a workload works, not its speed.
    pub small: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { clients: 20, batch: None, small: false }
    }
}

/// All entries, in the order in which they run.
pub const ENTRIES: &[Entry] = &[
    Entry::new(&["fill-constant", "fill-rademacher", "fill-binomial", "fill-gaussian", "fill-uniform"], stream::fills),
    Entry::new(&["replay"], stream::replay),
    Entry::new(&["gemm"], product::gemm),
    Entry::new(&["conv"], product::conv),
    Entry::new(&["mlp-forward", "mlp-forward-perturbed"], forward::mlp),
    Entry::new(&["cnn-forward", "cnn-forward-perturbed"], forward::cnn),
    Entry::new(&["resnet-forward", "resnet-forward-perturbed"], paper::resnet_forward),
    Entry::new(&["resnet-forward-backward"], paper::resnet_backward),
    Entry::new(&["vit-forward"], paper::vit_forward),
    Entry::large(&["resnet-forward-large", "resnet-forward-large-perturbed"], paper::resnet_forward_large),
    Entry::large(&["vit-forward-large", "vit-forward-large-perturbed"], paper::vit_forward_large),
    Entry::new(&["mlp-zo-round"], round::mlp_zo),
    Entry::new(&["cnn-zo-round"], round::cnn_zo),
    Entry::new(
        &["mlp-zo-plain", "mlp-zo-pool", "mlp-zo-shared", "mlp-zo-momentum", "mlp-zo-adam", "mlp-zo-local"],
        methods::mlp,
    ),
    Entry::new(&["warmup-round"], round::warmup),
    Entry::large(&["resnet-zo-round"], round::resnet_zo),
    Entry::large(&["vit-zo-round"], round::vit_zo),
    Entry::large(&["resnet-warmup-round"], round::resnet_warmup),
];

/// An entry and those of its names that are asked for.
pub struct Selected {
    /// The row.
    pub entry: &'static Entry,
    /// In the row's order.
    pub names: Vec<&'static str>,
}

/// The entries of these names in the table's order: whole names, or else parts of names; no names: all that suit the kind of adapter.
pub fn select(names: &[String], kind: AdapterKind) -> Result<Vec<Selected>, BenchError> {
    let known = || ENTRIES.iter().flat_map(|e| e.names).copied();
    let mut wanted: Vec<&'static str> = Vec::new();
    for name in names {
        let whole = known().filter(|k| *k == name.as_str());
        let found: Vec<&str> = match whole.collect::<Vec<_>>() {
            none if none.is_empty() => known().filter(|k| k.contains(name.as_str())).collect(),
            one => one,
        };
        if found.is_empty() {
            let known = known().collect::<Vec<_>>().join(", ");
            return Err(BenchError::Unknown { wanted: name.clone(), known });
        }
        wanted.extend(found);
    }
    let software = kind.is_software();
    let asked = |entry: &Entry, name: &str| match names {
        [] => !(entry.large && software),
        _ => wanted.contains(&name),
    };
    let rows = ENTRIES.iter().map(|entry| {
        let names = entry.names.iter().copied().filter(|name| asked(entry, name)).collect();
        Selected { entry, names }
    });
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
    fn names_and_parts_of_names_select_rows() {
        let names = |wanted: &[&str], kind| -> Vec<&str> {
            let wanted: Vec<String> = wanted.iter().map(|name| (*name).to_owned()).collect();
            select(&wanted, kind).unwrap().into_iter().flat_map(|s| s.names).collect()
        };
        let (gpu, software) = (AdapterKind::Discrete, AdapterKind::Software);
        assert_eq!(select(&[], gpu).unwrap().len(), ENTRIES.len());
        assert!(!names(&[], software).contains(&"resnet-zo-round") && names(&[], software).contains(&"cnn-zo-round"));
        assert_eq!(names(&["resnet-zo-round"], software), ["resnet-zo-round"]);
        assert_eq!(names(&["replay", "fill-u", "fill-constant"], gpu), ["fill-constant", "fill-uniform", "replay"]);
        // A whole name is not a part of others.
        assert_eq!(names(&["warmup-round"], gpu), ["warmup-round"]);
        assert_eq!(names(&["vit"], gpu).len(), 4);
        let error = select(&["replays".to_owned()], gpu).map(drop).unwrap_err();
        assert!(error.to_string().contains("fill-rademacher"), "{error}");
    }

    #[test]
    fn every_entry_runs_small_on_the_twins() {
        let mut engine = engine(Box::new(ReferenceDevice::new(None))).unwrap();
        let options = Options { clients: 2, batch: None, small: true };
        let ceilings = Ceilings { copy_gb_s: 1.0, madd_gflop_s: 1.0, store_gb_s: 1.0, ..Ceilings::default() };
        let repeats = Repeats { warm_up: 0, least: 1, most: 1, seconds: 0.0 };
        for selected in select(&[], AdapterKind::Discrete).unwrap() {
            let outcomes = run(&mut engine, &selected, &options, &ceilings, &repeats).unwrap();
            assert_eq!(outcomes.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), selected.names);
            assert!(
                outcomes
                    .iter()
                    .all(|o| o.dispatches.is_some() == (o.name.ends_with("round") || o.name.starts_with("mlp-zo")))
            );
        }
    }
}
