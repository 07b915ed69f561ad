//! Local steps of zeroth-order clients: a copy that is moved gives what writing the weights out gives, whatever memory makes of it.

mod support;

use serde_json::json;
use support::{Images, Narrow, bits, device, graph};
use zowarmup::device::{Device, PlanningDevice, ReferenceDevice};
use zowarmup::engine::{
    Engine, EngineError, LocalClient, LocalStep, LocalUpdate, ProbeClient, ProbeResult, ProbeSettings, SampleSet,
    Samples, ServerOptimizer, Sides, State, Update, ZoPhase, check_zo_phase,
};
use zowarmup::model::Graph;
use zowarmup::stream::Distribution;

const SETTINGS: ProbeSettings = ProbeSettings {
    distribution: Distribution::Rademacher,
    tau: 0.75,
    epsilon: 1e-2,
    sides: Sides::Two,
    batch_statistics: false,
};

const SAMPLES: u32 = 40;

fn mlp() -> Graph {
    graph(json!({"kind": "mlp", "input": [2, 8, 8], "hidden": [24], "classes": 5}))
}

fn cnn() -> Graph {
    graph(json!({"kind": "cnn", "input": [2, 8, 8], "channels": [4, 6], "hidden": 12, "classes": 5}))
}

fn sequential() -> Graph {
    graph(json!({"kind": "sequential", "input": [2, 8, 8], "classes": 5, "layers": [
        {"conv": 4, "kernel": 3, "stride": 2, "padding": 1, "bias": false}, {"groupnorm": 2}, "gelu",
        {"avgpool": 2, "stride": 2}, {"groupnorm": 4}, "flatten", {"linear": 7, "bias": true}, "tanh", {"linear": 5, "bias": true}]}))
}

fn resnet() -> Graph {
    graph(json!({"kind": "resnet", "input": [2, 8, 8], "depth": 10, "width": 2, "norm": "batch", "classes": 5}))
}

fn vit() -> Graph {
    graph(json!({"kind": "vit", "input": [2, 8, 8], "dim": 12, "depth": 2, "heads": 3, "mlp": 20, "classes": 5}))
}

/// Clients of several numbers of steps, each step of a number of samples and seeds of its own: (first sample, samples, probes).
const STEPS: [&[(usize, usize, usize)]; 5] = [
    &[(0, 3, 2), (3, 9, 1), (12, 2, 3)],
    &[(1, 8, 3)],
    &[],
    &[(20, 11, 2), (31, 2, 2), (20, 11, 1), (33, 7, 2)],
    &[(5, 9, 2), (9, 4, 3)],
];

fn seeds(client: usize, step: usize) -> Vec<u64> {
    (0..STEPS[client][step].2 as u64).map(|p| p << 33 | (client * 10 + step) as u64).collect()
}

/// What a client makes of a step's results: descent with rate 0.05, some steps without a move.
fn moved(settings: &ProbeSettings, step: &LocalStep<'_>) -> LocalUpdate {
    if (step.client, step.step) == (3, 1) {
        return LocalUpdate::None;
    }
    let a = step.results.iter().zip(step.factors).map(|(result, factor)| {
        let scale = settings.tau * settings.distribution.scale() * factor;
        -0.05 * f64::from(result.dl) / (2.0 * settings.epsilon) * scale
    });
    if settings.distribution.is_exact() {
        let q = a.map(|a| (a * f64::from(1 << 18)).round() as i32).collect();
        LocalUpdate::Exact { q, scale_exp: 18 + step.client as i32 % 2 }
    } else {
        LocalUpdate::Float { a: a.map(|a| a as f32).collect() }
    }
}

type Bits = Vec<Vec<Vec<(u32, u32)>>>;

fn of(results: &[ProbeResult]) -> Vec<(u32, u32)> {
    results.iter().map(|r| (r.dl.to_bits(), r.loss.to_bits())).collect()
}

fn engine(device: Box<dyn Device>, graph: &Graph) -> (Engine, Samples) {
    let mut engine = Engine::new(device, graph.clone(), &graph.init_weights(5)).unwrap();
    let samples = engine.upload(&Images::new(SAMPLES as usize, 5, (2, 64)).set()).unwrap();
    (engine, samples)
}

/// All clients at once, and the launches that took.
fn local(device: Box<dyn Device>, graph: &Graph, settings: &ProbeSettings) -> (Bits, u64) {
    let (mut engine, samples) = engine(device, graph);
    let all: Vec<u32> = (0..SAMPLES).collect();
    let seeds: Vec<Vec<Vec<u64>>> = (0..5).map(|c| (0..STEPS[c].len()).map(|s| seeds(c, s)).collect()).collect();
    let clients: Vec<LocalClient<'_>> = STEPS
        .iter()
        .zip(&seeds)
        .map(|(steps, seeds)| {
            let step = |(&(first, n, _), seeds)| ProbeClient { indices: &all[first..first + n], seeds };
            LocalClient { steps: steps.iter().zip(seeds.iter().map(|s: &Vec<u64>| &s[..])).map(step).collect() }
        })
        .collect();
    let before = bits(&engine.weights().unwrap());
    engine.take_counters();
    let mut calls = Vec::new();
    let results = engine
        .probe_local(&samples, &clients, settings, &mut |step| {
            calls.push((step.client, step.step));
            moved(settings, step)
        })
        .unwrap();
    let dispatches = engine.take_counters().dispatches;
    assert_eq!(bits(&engine.weights().unwrap()), before, "the shared weights");
    calls.sort_unstable();
    assert_eq!(calls, [(0, 0), (0, 1), (3, 0), (3, 1), (3, 2), (4, 0)]);
    (results.iter().map(|steps| steps.iter().map(|results| of(results)).collect()).collect(), dispatches)
}

/// Client after client with the weights written out: a plain probe, a plain update.
fn written_out(device: &dyn Fn() -> Box<dyn Device>, graph: &Graph, settings: &ProbeSettings) -> Bits {
    let (mut engine, samples) = engine(device(), graph);
    let (all, initial): (Vec<u32>, _) = ((0..SAMPLES).collect(), graph.init_weights(5));
    let mut client = |client: usize| {
        engine.set_weights(&initial).unwrap();
        let mut steps = Vec::new();
        for (step, &(first, n, _)) in STEPS[client].iter().enumerate() {
            let seeds = seeds(client, step);
            let work = ProbeClient { indices: &all[first..first + n], seeds: &seeds };
            let results = engine.probe(&samples, &[work], settings).unwrap();
            steps.push(of(&results));
            let factors = match settings.distribution {
                Distribution::Sphere => engine.sphere_factors(&seeds).unwrap(),
                _ => vec![1.0; seeds.len()],
            };
            let step = LocalStep { client, step, results: &results, factors: &factors };
            match moved(settings, &step) {
                LocalUpdate::None => continue,
                LocalUpdate::Exact { q, scale_exp } => {
                    engine.update(settings.distribution, &Update::Exact { seeds: &seeds, q: &q, scale_exp })
                }
                LocalUpdate::Float { a } => {
                    engine.update(settings.distribution, &Update::Float { seeds: &seeds, a: &a })
                }
            }
            .unwrap();
        }
        steps
    };
    (0..5).map(&mut client).collect()
}

/// Distributions and sides for every kernel that sees perturbed weights.
const WAYS: [(Distribution, Sides); 5] = [
    (Distribution::Rademacher, Sides::Two),
    (Distribution::Sphere, Sides::One),
    (Distribution::Binomial, Sides::Two),
    (Distribution::Uniform, Sides::One),
    (Distribution::Gaussian, Sides::Two),
];

#[test]
fn a_moved_copy_gives_what_written_weights_give() {
    for (name, graph, adapter) in [
        ("mlp", mlp(), true),
        ("cnn", cnn(), true),
        ("sequential", sequential(), false),
        ("resnet", resnet(), false),
        ("vit", vit(), false),
    ] {
        // Pipelines take a software adapter a while: the twins see the other models and distributions.
        for reference in [true, false] {
            let ways = match (reference, adapter) {
                (true, _) => &WAYS[..],
                (false, true) => &WAYS[..2],
                (false, false) => continue,
            };
            for &(distribution, sides) in ways {
                let settings = ProbeSettings { distribution, sides, ..SETTINGS };
                let (together, _) = local(device(reference, None), &graph, &settings);
                let alone = written_out(&|| device(reference, None), &graph, &settings);
                let what = format!("{name}, {distribution}, {sides:?}, on the twins: {reference}");
                assert_eq!(together.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 0, 4, 2]);
                assert!(together == alone, "{what}:\n{together:?}\n{alone:?}");
                // A client that takes the same samples again has moved.
                assert_ne!(together[3][0][0], together[3][2][0], "{what}");
            }
        }
    }
}

#[test]
fn no_step_depends_on_the_group_it_is_taken_in() {
    let graph = mlp();
    for reference in [true, false] {
        for (distribution, sides) in [(Distribution::Rademacher, Sides::Two), (Distribution::Sphere, Sides::One)] {
            let settings = ProbeSettings { distribution, sides, ..SETTINGS };
            let (whole, plenty) = local(device(reference, None), &graph, &settings);
            // A copy takes 13,056 bytes: two at a time by the binding, one by the memory; and windows of one.
            let narrow = |binding| Narrow::boxed(device(reference, None), binding);
            let cuts = [
                ("two copies", narrow(103 * 256)),
                ("windows", narrow(49 * 256)),
                ("memory", device(reference, Some(112 << 10))),
            ];
            for (name, cut) in cuts {
                let (cut, dispatches) = local(cut, &graph, &settings);
                assert!(cut == whole, "{name}, {distribution}, on the twins: {reference}: other bits");
                assert!(dispatches > plenty, "{name}, {distribution}: nothing was cut");
            }
        }
    }
}

/// Batch norms that take the statistics of a step's samples, and weights in windows with running ones far away.
#[test]
fn copies_have_statistics_of_their_own() {
    let graph = resnet();
    for batch_statistics in [false, true] {
        let settings = ProbeSettings { batch_statistics, ..SETTINGS };
        let (whole, _) = local(device(true, None), &graph, &settings);
        let (cut, _) = local(Narrow::boxed(device(true, None), 40 * 256), &graph, &settings);
        assert!(whole == cut && whole == written_out(&|| device(true, None), &graph, &settings), "{batch_statistics}");
    }
}

#[test]
fn a_copy_that_does_not_fit_is_refused_before_the_first_round() {
    // 11,173,962 weights.
    let resnet18 = graph(json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10}));
    let (pixels, labels) = (vec![0; 100 * 3072], vec![0; 100]);
    let set = SampleSet::of_bytes(&pixels, &labels, (3, 1024), vec![0.0; 768]);
    let phase = |local_steps| ZoPhase {
        clients: &[50, 50],
        probes: 3,
        local_steps,
        settings: SETTINGS,
        optimizer: &ServerOptimizer::Sgd,
        averages: false,
        statistics: &[],
    };
    let check = |mib: u64, local_steps| {
        let device = PlanningDevice::like(&ReferenceDevice::new(Some(mib << 20)));
        check_zo_phase(&device, &resnet18, &[&set], &phase(local_steps))
    };
    check(80, 1).unwrap();
    let error = check(80, 4).unwrap_err();
    let EngineError::Copy { bytes, missing, key: "zo.local_steps" } = &error else { panic!("{error}") };
    assert!(*bytes == 4 * 11_173_962u64.next_multiple_of(64) && *missing > 0 && missing < bytes, "{error}");
    assert!(error.to_string().contains("device.memory_budget") && error.to_string().contains("zo.local_steps"));
    check(200, 4).unwrap();
    // A server's step and moments are as long as the weights, and so is a running mean of these.
    let adam = ServerOptimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, bias_correction: true };
    let kept = |mib: u64, optimizer, averages| {
        let device = PlanningDevice::like(&ReferenceDevice::new(Some(mib << 20)));
        check_zo_phase(&device, &resnet18, &[&set], &ZoPhase { optimizer, averages, ..phase(1) })
    };
    for (mib, optimizer, averages, name) in
        [(160, &adam, false, ServerOptimizer::SECOND), (80, &ServerOptimizer::Sgd, true, State::AVERAGE)]
    {
        let error = kept(mib, optimizer, averages).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("device.memory_budget"), "{error}");
        kept(mib + 60, optimizer, averages).unwrap();
    }
    // A round's pairs are all replayed at once.
    let many = |local_steps| ZoPhase { probes: 100_000, ..phase(local_steps) };
    let device = ReferenceDevice::new(None);
    let error = check_zo_phase(&device, &resnet18, &[&set], &many(42)).unwrap_err().to_string();
    assert!(error.contains("zo.probes") && error.contains("8400000"), "{error}");
}
