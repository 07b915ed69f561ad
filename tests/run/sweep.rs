//! Sweeps: the bits of runs by themselves, no run twice, goes on after a stop, shared by processes.

use std::fs;
use std::path::{Path, PathBuf};

use zowarmup::fed::observer::Silent;
use zowarmup::fed::sweep::{self, Cell, CellOutcome, CellResult, Description, Outcome, Watcher, Workers};
use zowarmup::fed::{Observer, RoundMetrics, run};

use super::common::*;

/// Rounds of the sweep: of each seed a warm-up of 3, twice 6 behind it, and 9 of the high-resource clients.
const SWEPT: usize = 2 * (WARMUP + 6 + 6 + WARMUP + 6);

fn cells(place: &Place, text: &str) -> Vec<Cell> {
    fs::write(place.path("sweep.toml"), text).unwrap();
    Description::load(&place.path("sweep.toml")).unwrap().1
}

/// Counts rounds, and asks for the end after so many.
struct Counting {
    rounds: usize,
    stop: usize,
    ended: usize,
}

impl Counting {
    fn new(stop: usize) -> Self {
        Self { rounds: 0, stop, ended: 0 }
    }
}

impl Observer for Counting {
    fn round(&mut self, _: &RoundMetrics) {
        self.rounds += 1;
    }

    fn stop(&mut self) -> bool {
        self.rounds >= self.stop
    }
}

impl Watcher for Counting {
    fn outcome(&mut self, _: &CellOutcome) {
        self.ended += 1;
    }

    fn observer(&mut self) -> &mut dyn Observer {
        self
    }
}

fn swept(cells: &[Cell], dir: &Path, watcher: &mut dyn Watcher) -> Outcome {
    sweep::run(cells, dir, Some("reference"), watcher).unwrap()
}

fn assert_as_single_runs(place: &Place, cells: &[Cell], dir: &Path) {
    for cell in cells {
        let alone = place.path(&format!("alone-{}", cell.name));
        if !alone.exists() {
            run::start(cell.config.as_ref().unwrap(), Some(&alone), &twins(), &mut Silent).unwrap();
        }
        assert_same(&alone, &dir.join(&cell.name));
    }
}

#[test]
fn cells_have_the_bits_of_runs_by_themselves_and_are_run_once() {
    let place = Place::new();
    let (cells, dir) = (cells(&place, &sweep_of(6)), place.path("sweep"));
    let mut counting = Counting::new(usize::MAX);
    let outcome = swept(&cells, &dir, &mut counting);
    assert!(!outcome.interrupted && outcome.cells.iter().all(|cell| cell.done().is_some()), "{outcome:?}");
    assert_eq!((counting.rounds, counting.ended), (SWEPT, 6));
    assert_as_single_runs(&place, &cells, &dir);
    assert!(json(&dir.join("tau-0.5-s0/manifest.json"))["fork"].is_object());
    assert_eq!(fs::read_dir(dir.join("warmups")).unwrap().count(), 2);
    // Figures of a row are means over its seeds.
    let row = outcome.row(2);
    let accuracies: Vec<f64> = outcome.cells[4..].iter().map(|c| c.done().unwrap().final_accuracy.unwrap()).collect();
    assert_eq!((row.done, row.diverged, row.missing), (2, 0, 0));
    assert!((row.of.last.unwrap().mean - (accuracies[0] + accuracies[1]) / 2.0).abs() < 1e-15);

    // Again: nothing is run, and the outcome is the same.
    let mut counting = Counting::new(usize::MAX);
    assert_eq!(swept(&cells, &dir, &mut counting), outcome);
    assert_eq!(counting.rounds, 0);
}

#[test]
fn a_sweep_that_was_stopped_anywhere_goes_on() {
    let place = Place::new();
    let cells = cells(&place, &sweep_of(6));
    let dir = place.path("sweep");
    let mut rounds = 0;
    // In a warm-up, at its end, in a fork, between cells; then to the end.
    for stop in [1, 2, 4, 5, 1, 20, usize::MAX] {
        let mut counting = Counting::new(stop);
        let outcome = swept(&cells, &dir, &mut counting);
        rounds += counting.rounds;
        assert_eq!(outcome.interrupted, stop != usize::MAX, "{stop}");
        let pending = outcome.cells.iter().filter(|cell| cell.result == CellResult::Pending).count();
        assert_eq!(pending > 0, stop != usize::MAX);
    }
    assert_eq!(rounds, SWEPT);
    assert_as_single_runs(&place, &cells, &dir);
}

#[test]
fn two_at_once_share_the_cells() {
    let place = Place::new();
    let cells = cells(&place, &sweep_of(6));
    let dir = place.path("sweep");
    let work = || {
        let mut counting = Counting::new(usize::MAX);
        (swept(&cells, &dir, &mut counting), counting.rounds)
    };
    let ((first, a), (second, b)) = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        (work(), other.join().unwrap())
    });
    assert_eq!(a + b, SWEPT, "{a} and {b}");
    assert_eq!(first, second);
    assert!(first.cells.iter().all(|cell| cell.done().is_some()), "{first:?}");
    assert_as_single_runs(&place, &cells, &dir);
}

#[test]
fn several_workers_give_the_same_bits_and_run_nothing_twice() {
    let place = Place::new();
    let (cells, dir) = (cells(&place, &sweep_of(6)), place.path("sweep"));
    let mut counting = Counting::new(usize::MAX);
    let reference = [Some("reference".to_owned())];
    let run = |workers: &Workers, counting: &mut Counting| {
        sweep::run_shard(&cells, sweep::Shard::ALL, &dir, workers, counting).unwrap()
    };
    let workers = Workers::each(&reference, 3);
    assert_eq!((workers.count(), Workers::each(&[], 8).at_most(2).count()), (3, 2));
    let outcome = run(&workers, &mut counting);
    assert!(!outcome.interrupted && outcome.cells.iter().all(|cell| cell.done().is_some()), "{outcome:?}");
    assert_eq!((counting.rounds, counting.ended), (SWEPT, 6));
    assert_as_single_runs(&place, &cells, &dir);
    // And one alone sees them all as done.
    let mut counting = Counting::new(usize::MAX);
    assert_eq!(run(&Workers::one(Some("reference")), &mut counting), outcome);
    assert_eq!(counting.rounds, 0);
}

#[test]
fn several_workers_stop_when_they_are_told_to_and_go_on() {
    let place = Place::new();
    let (cells, dir) = (cells(&place, &sweep_of(6)), place.path("sweep"));
    let workers = Workers::each(&[Some("reference".to_owned())], 2);
    let mut rounds = 0;
    for stop in [3, 10, usize::MAX] {
        let mut counting = Counting::new(stop);
        let outcome = sweep::run_shard(&cells, sweep::Shard::ALL, &dir, &workers, &mut counting).unwrap();
        rounds += counting.rounds;
        if stop == usize::MAX {
            assert!(!outcome.interrupted && outcome.cells.iter().all(|cell| cell.done().is_some()), "{outcome:?}");
        }
    }
    assert_eq!(rounds, SWEPT);
    assert_as_single_runs(&place, &cells, &dir);
}

#[test]
fn a_cell_that_fails_or_diverges_does_not_end_the_rest() {
    let place = Place::new();
    let rows = r#"
base = "small.toml"
[[row]]
label = "too little memory"
set = ["device.memory_budget=1KiB"]
[[row]]
label = "diverges"
set = ["zo.lr=1e38", "zo.distribution=gaussian"]
[[row]]
label = "cold"
set = ["warmup.client_lr=1e30"]
[[row]]
label = "cold too"
set = ["warmup.client_lr=1e30", "zo.tau=0.5"]
[[row]]
label = "plain"
"#;
    let (cells, dir) = (cells(&place, rows), place.path("sweep"));
    let outcome = swept(&cells, &dir, &mut Counting::new(usize::MAX));
    let failures: Vec<(&str, &str)> = outcome.failures().map(|(cell, why)| (cell.name.as_str(), why)).collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].0 == "too-little-memory-s0" && failures[0].1.contains("memory_budget"), "{failures:?}");
    let diverged: Vec<bool> = outcome.cells.iter().map(CellOutcome::diverged).collect();
    assert_eq!(diverged, [false, true, true, true, false]);
    assert!(outcome.cells[4].done().is_some());
    assert_eq!((outcome.row(1).diverged, outcome.row(1).of.last, outcome.row(0).missing), (1, None, 1));
    // What diverged isn't run again.
    let mut counting = Counting::new(usize::MAX);
    swept(&cells, &dir, &mut counting);
    assert_eq!(counting.rounds, 0);
}

#[test]
fn a_row_that_has_changed_since_is_told() {
    let place = Place::new();
    let dir: PathBuf = place.path("sweep");
    let row = |tau: &str| format!("base = \"small.toml\"\n[[row]]\nlabel = \"a\"\nset = [\"zo.tau={tau}\"]\n");
    swept(&cells(&place, &row("0.5")), &dir, &mut Counting::new(usize::MAX));
    let outcome = swept(&cells(&place, &row("0.25")), &dir, &mut Counting::new(usize::MAX));
    let why = outcome.failures().next().unwrap().1.to_owned();
    assert!(
        ["a-s0", "zo.tau = 0.5", "has 0.25 now", "another label", "--out", "remove"]
            .iter()
            .all(|word| why.contains(word)),
        "{why}"
    );
    assert!(outcome.cells[0].done().is_none());
}
