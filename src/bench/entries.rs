//! The table of workloads.

use super::{BenchError, Options, Prepared, forward, methods, paper, problem, product, round, stream};
use crate::caps::AdapterKind;
use crate::device::Device;
use crate::engine::Engine;

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
    Entry::new(&methods::MLP, methods::mlp),
    Entry::large(&methods::CNN, methods::cnn),
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
    use crate::bench::{Ceilings, Repeats, run};
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
                    .all(|o| o.dispatches.is_some() == (o.name.ends_with("round") || o.name.contains("-zo-")))
            );
        }
    }
}
