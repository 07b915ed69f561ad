//! A server's step: the sum of a round's pairs in f32, and each optimiser against its formula in f64, whole and cut into small bindings.

mod support;

use serde_json::json;
use support::{Narrow, bits, device, graph};
use zowarmup::device::Device;
use zowarmup::engine::{Engine, NamedValues, ServerOptimizer};
use zowarmup::model::Graph;
use zowarmup::stream::{self, Distribution};

/// A model with batch norms, some 5,000 parameters: more than a binding of 10 KiB.
fn model() -> Graph {
    graph(json!({"kind": "resnet", "input": [1, 8, 8], "depth": 10, "width": 2, "norm": "batch", "classes": 3}))
}

fn devices() -> Vec<(&'static str, Box<dyn Device>)> {
    vec![
        ("twins", device(true, None)),
        ("adapter", device(false, None)),
        ("twins in pieces", Narrow::boxed(device(true, None), 10 << 10)),
        ("adapter in pieces", Narrow::boxed(device(false, None), 10 << 10)),
    ]
}

/// `||a - b|| / ||b||`.
fn error(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    let difference = squares(&mut a.iter().zip(b).map(|(&a, b)| f64::from(a) - b));
    (difference / squares(&mut b.iter().copied())).sqrt()
}

#[test]
fn the_sum_of_pairs_is_that_of_the_streams() {
    let graph = model();
    let (seeds, a) = ([7u64, 1 << 40, 99, 3, 12], [0.5f32, -0.25, 1e-3, 0.0, -2.0]);
    for (name, device) in devices() {
        let initial = graph.init_weights(3);
        let mut engine = Engine::new(device, graph.clone(), &initial).unwrap();
        for dist in Distribution::ALL {
            let mut expected = vec![0f64; graph.state_len()];
            for (&seed, &a) in seeds.iter().zip(&a) {
                let mut elements = vec![0f32; graph.param_count()];
                stream::fill(dist, seed, 0, &mut elements);
                expected.iter_mut().zip(&elements).for_each(|(sum, &e)| *sum += f64::from(a) * f64::from(e));
            }
            engine.accumulate(dist, &seeds, &a).unwrap();
            // Five products and sums, and a gaussian element's own 1e-5.
            let found = error(&engine.step_values().unwrap(), &expected);
            assert!(found < 2e-5, "{name}: {dist}: {found:e}");
        }
        engine.accumulate(Distribution::Uniform, &[], &[]).unwrap();
        assert_eq!(engine.step_values().unwrap(), vec![0.0; graph.state_len()], "{name}");
        assert_eq!(bits(&engine.weights().unwrap()), bits(&initial), "{name}: the weights moved");
    }
}

/// The formulas of docs/methods.md in f64: weights after each step.
fn formula(optimizer: &ServerOptimizer, start: &[f32], params: usize, steps: &[Vec<f32>], lr: f64) -> Vec<Vec<f64>> {
    let mut w: Vec<f64> = start.iter().map(|&w| f64::from(w)).collect();
    let second = match *optimizer {
        ServerOptimizer::Adam { epsilon, bias_correction: false, .. } => epsilon * epsilon,
        ServerOptimizer::Hessian { .. } => 1.0,
        _ => 0.0,
    };
    let (mut m, mut v) = (vec![0f64; w.len()], vec![second; w.len()]);
    let mut after = Vec::new();
    for (t, step) in (1..).zip(steps) {
        for (i, &d) in step.iter().enumerate() {
            let d = f64::from(d);
            let moved = match *optimizer {
                _ if i >= params => d,
                ServerOptimizer::Sgd => lr * d,
                ServerOptimizer::Momentum { beta } => {
                    m[i] = beta * m[i] + d;
                    lr * m[i]
                }
                ServerOptimizer::Adam { beta1, beta2, epsilon, bias_correction } => {
                    m[i] = beta1 * m[i] + (1.0 - beta1) * d;
                    v[i] = beta2 * v[i] + (1.0 - beta2) * d * d;
                    let correct = |beta: f64| if bias_correction { 1.0 - beta.powi(t) } else { 1.0 };
                    lr * (m[i] / correct(beta1)) / ((v[i] / correct(beta2)).sqrt() + epsilon)
                }
                ServerOptimizer::Hessian { nu, epsilon } => {
                    v[i] = nu * v[i] + (1.0 - nu) * d * d;
                    lr * d / (v[i] + epsilon).sqrt()
                }
            };
            w[i] += moved;
        }
        after.push(w.clone());
    }
    after
}

const OPTIMIZERS: [ServerOptimizer; 5] = [
    ServerOptimizer::Sgd,
    ServerOptimizer::Momentum { beta: 0.9 },
    ServerOptimizer::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-3, bias_correction: false },
    ServerOptimizer::Adam { beta1: 0.8, beta2: 0.99, epsilon: 1e-8, bias_correction: true },
    ServerOptimizer::Hessian { nu: 0.99, epsilon: 1e-8 },
];

/// Three steps of random size, zeros among them.
fn steps(len: usize) -> Vec<Vec<f32>> {
    let step = |seed: u64| {
        let mut values = vec![0f32; len];
        stream::fill(Distribution::Gaussian, seed, 0, &mut values);
        values.iter_mut().step_by(7).for_each(|x| *x = 0.0);
        values.iter_mut().for_each(|x| *x *= 0.01 * seed as f32);
        values
    };
    [1, 2, 3].map(step).into()
}

/// Sets the step by adding it to weights that are put back.
fn set_step(engine: &mut Engine, step: &[f32]) {
    let before = engine.weights().unwrap();
    engine.add(step).unwrap();
    engine.set_weights(&before).unwrap();
}

#[test]
fn optimizers_follow_their_formulas() {
    let graph = model();
    let initial = graph.init_weights(3);
    let steps = steps(graph.state_len());
    for (name, device) in devices() {
        let mut engine = Engine::new(device, graph.clone(), &initial).unwrap();
        for optimizer in OPTIMIZERS {
            engine.set_weights(&initial).unwrap();
            engine.reset_moments(&optimizer).unwrap();
            let expected = formula(&optimizer, &initial, graph.param_count(), &steps, 0.05);
            for ((t, step), expected) in (1..).zip(&steps).zip(&expected) {
                set_step(&mut engine, step);
                assert_eq!(bits(&engine.step_values().unwrap()), bits(step));
                let after = engine.advance(&optimizer, 0.05, t).unwrap();
                assert_eq!(after, engine.fingerprint().unwrap());
                // Some twenty roundings a step, of moments and of weights.
                let found = error(&engine.weights().unwrap(), expected);
                assert!(after.finite && found < 1e-6, "{name}: {optimizer:?}: step {t}: {found:e}");
            }
        }
    }
}

#[test]
fn pieces_and_a_restored_state_change_no_bit() {
    let graph = model();
    let initial = graph.init_weights(3);
    let steps = steps(graph.state_len());
    for reference in [true, false] {
        for optimizer in OPTIMIZERS {
            let mut whole = Engine::new(device(reference, None), graph.clone(), &initial).unwrap();
            let mut cut =
                Engine::new(Narrow::boxed(device(reference, None), 10 << 10), graph.clone(), &initial).unwrap();
            for engine in [&mut whole, &mut cut] {
                engine.reset_moments(&optimizer).unwrap();
                for (t, step) in (1..).zip(&steps[..2]) {
                    set_step(engine, step);
                    engine.advance(&optimizer, 0.05, t).unwrap();
                }
            }
            let saved = whole.save().unwrap();
            assert_eq!(saved, cut.save().unwrap(), "{optimizer:?}");
            assert_eq!(saved.len(), 1 + optimizer.moments().len());
            // Another engine goes on from what was saved.
            let mut resumed = Engine::new(device(reference, None), graph.clone(), &initial).unwrap();
            resumed.reset_moments(&optimizer).unwrap();
            resumed.restore(&saved).unwrap();
            for engine in [&mut whole, &mut resumed] {
                set_step(engine, &steps[2]);
                engine.advance(&optimizer, 0.05, 3).unwrap();
            }
            let after: Vec<NamedValues> = whole.save().unwrap();
            assert!(after == resumed.save().unwrap() && after != saved, "{optimizer:?}");
        }
    }
}

#[test]
fn another_optimizers_moments_are_given_back() {
    let graph = model();
    let initial = graph.init_weights(3);
    let mut engine = Engine::new(device(true, None), graph.clone(), &initial).unwrap();
    let held = engine.device().allocated_bytes();
    let [sgd, momentum, adam, ..] = OPTIMIZERS;
    engine.reset_moments(&adam).unwrap();
    assert_eq!(engine.save().unwrap().len(), 3);
    // Saved by one optimiser, restored for another.
    let saved = engine.save().unwrap();
    engine.reset_moments(&momentum).unwrap();
    let error = engine.restore(&saved).unwrap_err().to_string();
    assert!(error.contains("second moment is no part of this state"), "{error}");
    engine.reset_moments(&sgd).unwrap();
    engine.workspace().clear();
    assert_eq!((engine.save().unwrap().len(), engine.device().allocated_bytes()), (1, held));
    assert!(engine.step_values().is_err() && engine.add_step().is_err() && engine.advance(&sgd, 1.0, 1).is_err());
    assert!(engine.add(&[1.0]).is_err());
}
