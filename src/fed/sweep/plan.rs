//! Which cells share a warm-up: those whose configs differ in nothing that comes before the pivot.

use super::Cell;
use crate::config::{Config, NormStatistics};
use crate::fed::settings;
use crate::files::sha256_hex;

/// A warm-up that several cells begin with.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedWarmup {
    /// The name of its folder among the warm-ups.
    pub name: String,
    /// A run of the warm-up alone.
    pub config: Config,
}

/// What is to be run.
#[derive(Debug)]
pub struct Plan {
    /// Warm-ups, in the order of the first cell that needs each.
    pub warmups: Vec<SharedWarmup>,
    /// Of each cell, which of them it begins with; none: it has a warm-up of its own, or none at all.
    pub of_cell: Vec<Option<usize>>,
}

impl Plan {
    /// Of the cells.
    pub fn of(cells: &[Cell]) -> Self {
        let keys: Vec<Option<String>> = cells.iter().map(|cell| key(cell.config.as_ref().ok()?)).collect();
        let mut shared: Vec<&String> = Vec::new();
        let (mut warmups, mut of_cell) = (Vec::new(), Vec::new());
        for (cell, key) in cells.iter().zip(&keys) {
            let several = |key: &&String| keys.iter().flatten().filter(|other| other == key).count() > 1;
            let Some((key, config)) = key.as_ref().filter(several).zip(cell.config.as_ref().ok()) else {
                of_cell.push(None);
                continue;
            };
            let at = shared.iter().position(|other| *other == key);
            if at.is_none() {
                shared.push(key);
                warmups.push(warmup_of(config, key));
            }
            of_cell.push(at.or(Some(shared.len() - 1)));
        }
        Self { warmups, of_cell }
    }
}

/// What the pivot of a config follows from, as a digest; none for one without a warm-up to share.
fn key(config: &Config) -> Option<String> {
    if config.warmup.rounds == 0 || config.zo.rounds == 0 {
        return None;
    }
    Some(sha256_hex(settings::before_the_pivot(config).as_bytes()))
}

fn warmup_of(config: &Config, key: &str) -> SharedWarmup {
    let mut config = config.clone();
    config.zo.rounds = 0;
    config.zo.norm_statistics = NormStatistics::Frozen;
    let name = format!("{}-s{}-{}", config.name, config.seed, &key[..8]);
    SharedWarmup { name, config }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(sets: &[&str]) -> Cell {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        let config = Config::load(None, &sets).unwrap();
        Cell { name: sets.join(" "), row: 0, seed: config.seed, set: Vec::new(), config: Ok(config) }
    }

    #[test]
    fn cells_share_what_comes_before_the_pivot() {
        let cells = [
            cell(&[]),
            cell(&["zo.tau=0.5", "name=other"]),
            cell(&["seed=1"]),
            cell(&["warmup.rounds=10"]),
            cell(&["zo.rounds=5", "eval.every=3", "device.memory_budget=1GiB"]),
            cell(&["warmup.rounds=330", "zo.rounds=0"]),
            cell(&["warmup.rounds=0"]),
            cell(&["warmup.rounds=0", "zo.tau=0.5"]),
            cell(&["seed=1", "zo.lr=0.1"]),
            cell(&["seeds.shuffle=4"]),
            cell(&["data.normalisation=mnist"]),
        ];
        let plan = Plan::of(&cells);
        let none = None;
        assert_eq!(plan.of_cell, [Some(0), Some(0), Some(1), none, Some(0), none, none, none, Some(1), none, none]);
        assert_eq!(plan.warmups.len(), 2);
        assert_eq!((plan.warmups[0].config.zo.rounds, plan.warmups[0].config.warmup.rounds), (0, 30));
        assert!(plan.warmups[1].name.starts_with("digits-mlp-s1-"), "{}", plan.warmups[1].name);
        // Names depend on nothing else in the sweep.
        assert_eq!(
            Plan::of(&cells[1..]).warmups[0].name.split('-').next_back(),
            plan.warmups[0].name.split('-').next_back()
        );
    }
}
