//! Federations with parts of one's own: the examples run, and each part does what it says.

use zowarmup::config::Config;
use zowarmup::device::Selection;
use zowarmup::engine::{Engine, EngineError};
use zowarmup::fed::experiment::Experiment;
use zowarmup::fed::federation::Federation;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::parts::{Aggregation, ClientChange, HostOptimizer, Schedule};
use zowarmup::fed::{FedError, Phase, run};
use zowarmup::split::Split;

#[allow(dead_code, reason = "main is for cargo")]
#[path = "../examples/aggregation.rs"]
mod aggregation;
#[allow(dead_code, reason = "main is for cargo")]
#[path = "../examples/dataset.rs"]
mod dataset;
#[allow(dead_code, reason = "main is for cargo")]
#[path = "../examples/optimizer.rs"]
mod optimizer;
#[allow(dead_code, reason = "main is for cargo")]
#[path = "../examples/schedule.rs"]
mod schedule;

fn twins() -> Selection {
    Selection::of("reference")
}

fn config(sets: &[&str]) -> Config {
    let few = ["data.train_limit=20", "split.clients=8", "split.high_share=0.5", "warmup.rounds=2", "zo.rounds=2"];
    let sets: Vec<String> = few.iter().chain(sets).map(|s| (*s).to_owned()).collect();
    Config::load(None, &sets).unwrap()
}

fn federation(sets: &[&str]) -> Federation {
    Federation::new(Experiment::prepare(&config(sets)).unwrap(), &twins()).unwrap()
}

fn bits(federation: &mut Federation) -> Vec<u32> {
    federation.run().unwrap();
    federation.weights().unwrap().iter().map(|w| w.to_bits()).collect()
}

/// `||a - b|| / ||b||`.
fn apart(a: &[u32], b: &[u32]) -> f64 {
    let value = |bits: &u32| f64::from(f32::from_bits(*bits));
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    (squares(&mut a.iter().zip(b).map(|(a, b)| value(a) - value(b))) / squares(&mut b.iter().map(value))).sqrt()
}

#[test]
fn examples_are_a_page_each() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines < 60, "{}: {lines} lines", file.display());
    }
}

#[test]
fn the_example_of_a_schedule() {
    let accuracy = schedule::run(&twins(), 4, 6).unwrap();
    // Ten classes: far above a guess.
    assert!(accuracy > 0.2, "{accuracy}");
}

#[test]
fn the_example_of_a_data_set() {
    let accuracy = dataset::run(&twins(), 25, 2).unwrap();
    assert!(accuracy > 0.6, "{accuracy} of three classes");
}

#[test]
fn the_example_of_an_aggregation() {
    /// By size, as the warm-up joins them.
    struct Mean;
    impl Aggregation for Mean {
        fn join(&mut self, _round: u32, clients: &[ClientChange]) -> Vec<f32> {
            let total: usize = clients.iter().map(|c| c.samples).sum();
            let share = |c: &ClientChange| c.samples as f32 / total as f32;
            (0..clients[0].change.len()).map(|i| clients.iter().map(|c| share(c) * c.change[i]).sum()).collect()
        }
    }
    let [median, mean] =
        [aggregation::run(&twins(), aggregation::Median, 12), aggregation::run(&twins(), Mean, 12)].map(Result::unwrap);
    // The liar leaves the mean a guess among ten classes, or less.
    assert!(mean < 0.2 && median > mean + 0.1, "median {median}, mean {mean}");
}

#[test]
fn the_example_of_an_optimizer() {
    let accuracy = optimizer::run(&twins(), 6, 6).unwrap();
    assert!(accuracy > 0.2, "{accuracy}");
}

/// What a run in a folder does, round after round, with batch norms, whose statistics are taken at the pivot, and momentum of the server.
#[test]
fn without_parts_it_gives_the_bits_of_a_run() {
    let model = "model={kind=\"sequential\", layers=[\"flatten\", {linear=12}, \"batchnorm\", \"relu\", {dropout=0.2}, {linear=10}]}";
    for sets in [
        &["warmup.algorithm=fedavgm", "zo.optimizer=adam"][..],
        &[model, "zo.norm_statistics=recomputed", "zo.participants=high-first-order"],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("run");
        let summary = run::start(&config(sets), Some(&out), &twins(), &mut Silent).unwrap();
        let mut federation = federation(sets);
        let evaluation = federation.run().unwrap();
        assert_eq!(evaluation.accuracy(), summary.final_accuracy, "{sets:?}");
        let tensors = &federation.experiment().graph.tensors;
        let written = zowarmup::weights::load(&out.join("final.safetensors"), tensors).unwrap().values;
        assert_eq!(federation.weights().unwrap(), written, "{sets:?}");
    }
}

/// The mean by size.
struct BySize;

impl Aggregation for BySize {
    fn join(&mut self, _round: u32, clients: &[ClientChange]) -> Vec<f32> {
        assert!(clients.windows(2).all(|pair| pair[0].client < pair[1].client) && clients.iter().all(|c| c.loss > 0.0));
        let total: usize = clients.iter().map(|c| c.samples).sum();
        let mut joined = vec![0.0; clients[0].change.len()];
        for client in clients {
            let share = client.samples as f32 / total as f32;
            joined.iter_mut().zip(&client.change).for_each(|(sum, change)| *sum += share * change);
        }
        joined
    }
}

/// A step of the rate along the direction.
struct Plain;

impl HostOptimizer for Plain {
    fn step(&mut self, direction: &[f32], lr: f64) -> Vec<f32> {
        direction.iter().map(|d| lr as f32 * d).collect()
    }
}

#[test]
fn parts_that_do_what_the_config_says_give_the_same_but_for_rounding() {
    // Of the warm-up: probes would turn differences of weights into larger ones of their own.
    let sizes = ["split.size_alpha=5.0", "zo.rounds=0"];
    let plain = bits(&mut federation(&sizes));
    // A few dozen roundings of weights near 1.
    let near = |found: &[u32], what: &str| {
        let apart = apart(found, &plain);
        assert!(apart < 1e-5, "{what}: {apart}");
    };
    near(&bits(&mut federation(&sizes).with_aggregation(BySize).unwrap()), "an aggregation");
    near(&bits(&mut federation(&sizes).with_optimizer(Plain).unwrap()), "an optimiser");
    near(&bits(&mut federation(&sizes).with_aggregation(BySize).unwrap().with_optimizer(Plain).unwrap()), "both");
    let momentum = &[sizes[0], sizes[1], "warmup.algorithm=fedavgm", "warmup.rounds=4"];
    let own = bits(&mut federation(momentum).with_aggregation(BySize).unwrap());
    assert!(apart(&own, &bits(&mut federation(momentum))) < 1e-5);
}

struct These(Vec<u32>);

impl Schedule for These {
    fn clients(&mut self, _round: u32, _phase: Phase, _split: &Split) -> Vec<u32> {
        self.0.clone()
    }
}

#[test]
fn a_schedule_is_followed_in_both_phases_and_checked() {
    let mut some = federation(&[]).with_schedule(These(vec![5, 2, 5]));
    while let Some(round) = some.round().unwrap() {
        assert_eq!(round.clients, [2, 5]);
        assert!(round.train_loss.is_finite());
    }
    assert_eq!(some.next_round(), (4, Phase::Zo));
    assert_eq!(some.round().unwrap(), None);
    for (clients, part) in [(vec![], "at least one"), (vec![0, 8], "of 0 to 7, found 8")] {
        let error = federation(&[]).with_schedule(These(clients)).round().unwrap_err().to_string();
        assert!(error.contains("clients of round 0") && error.contains(part), "{error}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let heterofl = ["warmup.algorithm=heterofl", "zo.rounds=0"];
    let refused = federation(&heterofl).with_aggregation(BySize).map(drop).unwrap_err().to_string();
    assert!(refused.contains("warmup.algorithm = \"heterofl\""), "{refused}");
    assert!(federation(&heterofl).with_optimizer(Plain).is_err());
    struct Short;
    impl HostOptimizer for Short {
        fn step(&mut self, direction: &[f32], _lr: f64) -> Vec<f32> {
            direction[1..].to_vec()
        }
    }
    for rounds in [&[][..], &["warmup.rounds=0", "split.high_share=0"]] {
        let error = federation(rounds).with_optimizer(Short).unwrap().round().unwrap_err();
        let FedError::Engine(EngineError::Params { expected, found }) = error else { panic!("{error}") };
        assert_eq!(expected, found + 1);
    }
}

#[test]
fn an_optimizer_of_zeroth_order_rounds_gets_the_direction_of_the_config_s_own() {
    // One probe's direction is its stream: what the optimiser gets is what the plain rule adds, over the rate.
    struct Kept(std::rc::Rc<std::cell::RefCell<Vec<f32>>>);
    impl HostOptimizer for Kept {
        fn step(&mut self, direction: &[f32], lr: f64) -> Vec<f32> {
            *self.0.borrow_mut() = direction.to_vec();
            direction.iter().map(|d| lr as f32 * d).collect()
        }
    }
    let sets = ["warmup.rounds=0", "split.high_share=0", "zo.rounds=1", "zo.lr=0.5"];
    let kept = std::rc::Rc::default();
    let mut own = federation(&sets).with_optimizer(Kept(std::rc::Rc::clone(&kept))).unwrap();
    let before = own.weights().unwrap();
    let mut plain = federation(&sets);
    own.run().unwrap();
    plain.run().unwrap();
    let largest = kept.borrow().iter().fold(0f32, |most, d| most.max(d.abs()));
    assert!(largest > 0.0);
    for ((before, after), direction) in before.iter().zip(plain.weights().unwrap()).zip(kept.borrow().iter()) {
        // The plain rule rounds its coefficients to 2^-22 of the largest sum, and the sum of weights near 1 to 2^-24.
        let error = (after - before - 0.5 * direction).abs();
        assert!(error < 2e-6 * largest.max(1.0), "{error} of {direction}");
    }
}

#[test]
fn the_step_of_an_engine_can_be_set() {
    let experiment = Experiment::prepare(&config(&[])).unwrap();
    let device = zowarmup::device::open(&twins()).unwrap();
    let mut engine = Engine::new(device, experiment.graph.clone(), &experiment.initial).unwrap();
    let step: Vec<f32> = (0..experiment.initial.len()).map(|i| i as f32).collect();
    engine.set_step(&step).unwrap();
    assert_eq!(engine.step_values().unwrap(), step);
    assert!(matches!(engine.set_step(&step[1..]), Err(EngineError::Params { .. })));
}
