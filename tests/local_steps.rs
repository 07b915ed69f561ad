//! Local steps of zeroth-order clients: a copy that is moved gives what writing the weights out gives, whatever memory makes of it.

mod support;

use serde_json::json;
use support::{Images, Narrow, bits, device, graph};
use zowarmup::device::{Device, PlanningDevice, ReferenceDevice};
use zowarmup::engine::{
    Engine, EngineError, Fingerprint, LocalClient, LocalResults, LocalStep, LocalUpdate, ProbeClient, ProbeResult,
    ProbeSettings, SampleSet, Samples, ServerOptimizer, Settling, Sides, State, Update, ZoNeeds, check_zo_phase,
};
use zowarmup::model::Graph;
use zowarmup::rule::{Coefficients, quantise};
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

/// What reads the batch has no weights of a product, or is added to what does.
fn beginning_without_weights() -> Graph {
    graph(json!({"kind": "sequential", "input": [2, 8, 8], "classes": 5, "layers": [
        {"residual": ["tanh"]}, {"maxpool": 2}, "batchnorm",
        {"residual": [{"conv": 3, "kernel": 3, "padding": 1}, "relu"], "project": true}, "flatten", {"layernorm": true}, {"linear": 5}]}))
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
        ("beginning without weights", beginning_without_weights(), false),
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
    let phase = |local_steps| ZoNeeds {
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
        check_zo_phase(&device, &resnet18, &[&set], &ZoNeeds { optimizer, averages, ..phase(1) })
    };
    for (mib, optimizer, averages, name) in
        [(120, &adam, false, ServerOptimizer::SECOND), (80, &ServerOptimizer::Sgd, true, State::AVERAGE)]
    {
        let error = kept(mib, optimizer, averages).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("device.memory_budget"), "{error}");
        kept(mib + 60, optimizer, averages).unwrap();
    }
    // A round's pairs are all replayed at once.
    let many = |local_steps| ZoNeeds { probes: 100_000, ..phase(local_steps) };
    let device = ReferenceDevice::new(None);
    let error = check_zo_phase(&device, &resnet18, &[&set], &many(42)).unwrap_err().to_string();
    assert!(error.contains("zo.probes") && error.contains("8400000"), "{error}");
}

/// Rates of a round that the device settles: one of the server for each client, and the clients' own.
fn settling(settings: &ProbeSettings, rate: f64) -> Settling {
    let sides = if settings.sides == Sides::One { 1.0 } else { 2.0 };
    let of_client = |client: usize| -rate * (0.1 + 0.07 * client as f64);
    Settling { apart: sides * settings.epsilon, server: Some((0..5).map(of_client).collect()), own: -0.05 / 3.0 }
}

fn integers(settings: &ProbeSettings, settling: &Settling, factor: f64, results: &[ProbeResult]) -> Vec<f64> {
    let a = |r: &ProbeResult| factor * f64::from(r.dl) / settling.apart * settings.tau * settings.distribution.scale();
    results.iter().map(a).collect()
}

/// A round whose numbers the host settles, and the weights after it.
fn by_host(
    engine: &mut Engine,
    samples: &Samples,
    clients: &[LocalClient<'_>],
    settings: &ProbeSettings,
    settling: &Settling,
) -> (LocalResults, Coefficients, Fingerprint) {
    let m = settings.distribution.max_abs();
    let results = engine
        .probe_local(samples, clients, settings, &mut |step| {
            let own = quantise(&integers(settings, settling, settling.own, step.results), m);
            match own.skipped {
                true => LocalUpdate::None,
                false => LocalUpdate::Exact { q: own.q, scale_exp: own.scale_exp },
            }
        })
        .unwrap();
    let factors = settling.server.as_ref().unwrap();
    let of =
        |(results, factor): (&Vec<Vec<ProbeResult>>, &f64)| integers(settings, settling, *factor, &results.concat());
    let a: Vec<f64> = results.iter().zip(factors).flat_map(of).collect();
    let settled = quantise(&a, m);
    let seeds: Vec<u64> = clients.iter().flat_map(|c| c.steps.iter().flat_map(|s| s.seeds)).copied().collect();
    let update = Update::Exact { seeds: &seeds, q: &settled.q, scale_exp: settled.scale_exp };
    let after = engine.update(settings.distribution, &update).unwrap();
    (results, settled, after)
}

#[test]
fn a_round_in_one_submission_has_the_bits_of_one_in_several() {
    let graph = mlp();
    let all: Vec<u32> = (0..SAMPLES).collect();
    let seeds: Vec<Vec<Vec<u64>>> = (0..5).map(|c| (0..STEPS[c].len()).map(|s| seeds(c, s)).collect()).collect();
    for (reference, distribution, sides, steps, rate) in [
        (true, Distribution::Rademacher, Sides::Two, 4, 0.3),
        (true, Distribution::Binomial, Sides::One, 4, 0.3),
        (false, Distribution::Rademacher, Sides::Two, 4, 0.3),
        (false, Distribution::Rademacher, Sides::One, 1, 0.3),
        (false, Distribution::Binomial, Sides::Two, 1, 3e20),
        // Integers would pass 2^24 whatever their exponent: nothing moves.
        (false, Distribution::Rademacher, Sides::Two, 1, 1e40),
    ] {
        let settings = ProbeSettings { distribution, sides, ..SETTINGS };
        let settling = settling(&settings, rate);
        let clients: Vec<LocalClient<'_>> = STEPS
            .iter()
            .zip(&seeds)
            .map(|(own, seeds)| {
                let step = |(&(first, n, _), seeds)| ProbeClient { indices: &all[first..first + n], seeds };
                let own = own.iter().zip(seeds.iter().map(|s: &Vec<u64>| &s[..])).take(steps);
                LocalClient { steps: own.map(step).collect() }
            })
            .collect();
        let what = format!("{distribution}, {sides:?}, {steps} steps, rate {rate:e}, on the twins: {reference}");
        let (mut engine, samples) = engine(device(reference, None), &graph);
        // Two rounds: the second sees the weights that the first left.
        for round in 0..2 {
            let before = engine.weights().unwrap();
            engine.take_counters();
            let once = engine.probe_at_once(&samples, &clients, &settings, &settling).unwrap().unwrap();
            // The batch is gathered by itself.
            assert!(engine.take_counters().recordings <= 2, "{what}");
            let after = bits(&engine.weights().unwrap());
            engine.set_weights(&before).unwrap();
            let (results, settled, fingerprint) = by_host(&mut engine, &samples, &clients, &settings, &settling);
            let bits_of = |results: &LocalResults| results.concat().iter().map(|r| of(r)).collect::<Vec<_>>();
            assert_eq!(bits_of(&once.results), bits_of(&results), "{what}, round {round}");
            let applied = once.applied.unwrap();
            assert_eq!(
                (&applied.q, applied.scale_exp, applied.skipped),
                (&settled.q, settled.scale_exp, settled.skipped),
                "{what}"
            );
            assert_eq!((applied.after, after), (fingerprint, bits(&engine.weights().unwrap())), "{what}");
            // At 3e20 the second round may find weights that no loss is finite with.
            assert!(applied.skipped || rate < 1e40, "{what}");
            assert!(!applied.skipped || rate > 1.0, "{what}");
        }
    }
}

#[test]
fn rounds_that_the_device_does_not_settle_are_left_to_the_host() {
    let graph = mlp();
    let (mut engine, samples) = engine(device(true, None), &graph);
    let (indices, seeds): (Vec<u32>, Vec<u64>) = ((0..9).collect(), (0..256).collect());
    let mut of = |settings: &ProbeSettings, probes: usize, settling: &Settling| {
        let step = ProbeClient { indices: &indices, seeds: &seeds[..probes] };
        engine.probe_at_once(&samples, &[LocalClient { steps: vec![step] }], settings, settling).unwrap().is_some()
    };
    let plain = settling(&SETTINGS, 0.3);
    assert!(of(&SETTINGS, 255, &plain));
    assert!(!of(&SETTINGS, 256, &plain), "too many for a workgroup");
    assert!(!of(&SETTINGS, 1, &Settling { server: None, ..plain.clone() }), "there is nothing to settle");
    assert!(!of(&SETTINGS, 1, &Settling { own: 1e-300, ..plain.clone() }), "subnormal coefficients");
    assert!(!of(&ProbeSettings { distribution: Distribution::Gaussian, ..SETTINGS }, 1, &plain));
    assert!(!of(&ProbeSettings { batch_statistics: true, ..SETTINGS }, 1, &plain));
}
