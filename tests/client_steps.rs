//! Clients' steps with every option, against the formula in f64 with the engine's own gradients; what a server is given of them; and that no
//! cut of memory or bindings changes a bit.

mod support;

use serde_json::json;
use support::{Images, Narrow, bits, device, graph};
use zowarmup::device::{Device, as_f32};
use zowarmup::engine::{ClientStep, Engine, Moves, SampleSet, TrainClient, TrainSettings};
use zowarmup::kernels::gather::{self, Move};
use zowarmup::model::Graph;
use zowarmup::recording::{Recording, Span};

const SAMPLES: usize = 60;

fn cnn() -> Graph {
    graph(json!({"kind": "cnn", "input": [2, 8, 8], "channels": [4, 6], "hidden": 12, "classes": 5}))
}

fn batch_norm() -> Graph {
    graph(json!({"kind": "resnet", "input": [2, 8, 8], "depth": 10, "width": 2, "norm": "batch", "classes": 5}))
}

fn images() -> Images {
    Images::new(SAMPLES, 5, (2, 64))
}

/// The images as f32, as the bytes' table has them.
fn floats(images: &Images) -> Vec<f32> {
    images.pixels().iter().map(|&p| f32::from(p) / 128.0 - 1.0).collect()
}

/// Three clients of several batches each, the last batch of one shorter.
fn clients() -> Vec<TrainClient> {
    let order: Vec<u32> = (0..SAMPLES as u32).map(|i| i * 7 % SAMPLES as u32).collect();
    let client = |samples: &[u32], batch: usize| TrainClient {
        batches: samples.chunks(batch).map(<[u32]>::to_vec).collect(),
        share: samples.len() as f32 / SAMPLES as f32,
    };
    vec![client(&order[..10], 10), client(&order[10..33], 8), client(&order[33..], 9)]
}

const EVERYTHING: ClientStep<'static> = ClientStep {
    lr: 0.1,
    momentum: 0.9,
    weight_decay: 0.01,
    proximal_mu: 0.5,
    clip_norm: 1.0,
    moves: None,
    masks: None,
};

/// None, one option alone, each in turn, and all.
fn steps(clip_norm: f32) -> [ClientStep<'static>; 6] {
    let plain = ClientStep::plain(0.1);
    [
        plain,
        ClientStep { momentum: 0.9, ..plain },
        ClientStep { weight_decay: 0.1, ..plain },
        ClientStep { proximal_mu: 2.0, ..plain },
        ClientStep { clip_norm, ..plain },
        ClientStep { clip_norm, ..EVERYTHING },
    ]
}

/// The sum of share times change in f64, with gradients of the engine at f32 weights; and the lengths of these, sorted.
fn by_formula(
    engine: &mut Engine,
    start: &[f32],
    x: &[f32],
    labels: &[u32],
    step: &ClientStep<'_>,
) -> (Vec<f64>, Vec<f64>) {
    let params = engine.graph().param_count();
    let mut sum = vec![0f64; start.len()];
    let mut norms = Vec::new();
    for client in clients() {
        let mut w: Vec<f64> = start.iter().map(|&w| f64::from(w)).collect();
        let mut u = vec![0f64; params];
        for batch in &client.batches {
            let rows = |i: &u32| x[*i as usize * 128..][..128].to_vec();
            let (x, labels): (Vec<f32>, Vec<u32>) =
                (batch.iter().flat_map(rows).collect(), batch.iter().map(|&i| labels[i as usize]).collect());
            engine.set_weights(&w.iter().map(|&w| w as f32).collect::<Vec<_>>()).unwrap();
            let pass = engine.gradients(&x, &labels, true).unwrap();
            let added = |(i, g): (usize, &f32)| {
                f64::from(*g)
                    + f64::from(step.weight_decay) * w[i]
                    + f64::from(step.proximal_mu) * (w[i] - f64::from(start[i]))
            };
            let g: Vec<f64> = pass.gradients.iter().enumerate().map(added).collect();
            let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let limit = f64::from(step.clip_norm);
            let factor = if limit > 0.0 && norm > limit { limit / norm } else { 1.0 };
            norms.push(norm);
            for i in 0..params {
                u[i] = f64::from(step.momentum) * u[i] + factor * g[i];
                w[i] -= f64::from(step.lr) * u[i];
            }
            w[params..].iter_mut().zip(&pass.statistics).for_each(|(w, &s)| *w = f64::from(s));
        }
        let share = f64::from(client.share);
        sum.iter_mut().zip(&w).zip(start).for_each(|((sum, w), &w0)| *sum += share * (w - f64::from(w0)));
    }
    engine.set_weights(start).unwrap();
    norms.sort_by(f64::total_cmp);
    (sum, norms)
}

/// `||a - b|| / ||b||`.
fn error(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
    (squares(&mut a.iter().zip(b).map(|(&a, b)| f64::from(a) - b)) / squares(&mut b.iter().copied())).sqrt()
}

fn engine(device: Box<dyn Device>, graph: &Graph) -> (Engine, Vec<f32>) {
    let start = graph.init_weights(5);
    (Engine::new(device, graph.clone(), &start).unwrap(), start)
}

#[test]
fn every_option_follows_its_formula() {
    let images = images();
    let (x, labels) = (floats(&images), images.set().labels.to_vec());
    for (name, graph, reference) in
        [("cnn", cnn(), true), ("cnn", cnn(), false), ("resnet with batch norm", batch_norm(), true)]
    {
        let (mut engine, start) = engine(device(reference, None), &graph);
        let samples = engine.upload(&images.set()).unwrap();
        // Half of them are longer than this.
        let (_, norms) = by_formula(&mut engine, &start, &x, &labels, &ClientStep::plain(0.1));
        let clip_norm = norms[norms.len() / 2] as f32 * 0.999;
        for step in steps(clip_norm) {
            let (expected, norms) = by_formula(&mut engine, &start, &x, &labels, &step);
            let clipped = norms.iter().filter(|&&norm| norm > f64::from(step.clip_norm)).count();
            assert!(step.clip_norm == 0.0 || clipped > 0, "none of {norms:?} are clipped");
            engine.train_delta(&samples, &clients(), &step).unwrap();
            let found = error(&engine.step_values().unwrap(), &expected);
            // Each of some four steps is off by the roundings of f32 weights, 2^-24 of weights that are tens of times the change, and by
            // what gradients make of that.
            assert!(found < 1e-5, "{name}: {found:e}");
            assert_eq!(bits(&engine.weights().unwrap()), bits(&start), "{name}: the shared weights moved");
        }
    }
}

#[test]
fn plain_changes_are_those_of_the_average() {
    let images = images();
    for graph in [cnn(), batch_norm()] {
        let (mut engine, start) = engine(device(true, None), &graph);
        let samples = engine.upload(&images.set()).unwrap();
        engine.train_delta(&samples, &clients(), &ClientStep::plain(0.1)).unwrap();
        let step = engine.step_values().unwrap();
        engine.train(&samples, &clients(), &TrainSettings { client_lr: 0.1, server_lr: 1.0 }).unwrap();
        let moved = engine.weights().unwrap();
        let change: Vec<f64> = moved.iter().zip(&start).map(|(&w, &w0)| f64::from(w) - f64::from(w0)).collect();
        // The average is rounded at the size of the weights.
        assert!(error(&step, &change) < 1e-5);
        engine.set_weights(&start).unwrap();
        engine.train_average(&samples, &clients(), &ClientStep::plain(0.1), 1.0).unwrap();
        assert_eq!(bits(&engine.weights().unwrap()), bits(&moved));
    }
}

#[test]
fn mean_gradients_are_those_of_whole_clients() {
    let images = images();
    let (x, labels) = (floats(&images), images.set().labels.to_vec());
    for graph in [cnn(), batch_norm()] {
        let (mut engine, start) = engine(device(true, None), &graph);
        let samples = engine.upload(&images.set()).unwrap();
        let parts: [Vec<u32>; 3] = [(0..20).collect(), vec![], (20..60).rev().collect()];
        let mut expected = vec![0f64; start.len()];
        let mut loss = 0.0;
        for (part, share) in [(&parts[0], 0.25), (&parts[2], -0.5)] {
            let rows = part.iter().flat_map(|&i| x[i as usize * 128..][..128].to_vec()).collect::<Vec<f32>>();
            let classes: Vec<u32> = part.iter().map(|&i| labels[i as usize]).collect();
            let pass = engine.gradients(&rows, &classes, true).unwrap();
            expected.iter_mut().zip(&pass.gradients).for_each(|(sum, &g)| *sum += share * f64::from(g));
            loss += f64::from(pass.loss) / 2.0;
        }
        let clients: Vec<(&[u32], f32)> = parts.iter().map(Vec::as_slice).zip([0.25, 9.0, -0.5]).collect();
        let found = engine.mean_gradient(&samples, &clients).unwrap();
        // The same kernels on the same rows: two products and a sum.
        assert!(error(&engine.step_values().unwrap(), &expected) < 1e-6);
        assert!((found - loss).abs() < 1e-6, "{found} {loss}");
        assert_eq!(bits(&engine.weights().unwrap()), bits(&start));
        engine.mean_gradient(&samples, &[]).unwrap();
        assert_eq!(engine.step_values().unwrap(), vec![0.0; start.len()]);
    }
}

/// Everything that first-order rounds give, as bits.
fn outcome(device: Box<dyn Device>, graph: &Graph) -> Vec<Vec<u32>> {
    let images = images();
    let (mut engine, _) = engine(device, graph);
    let samples = engine.upload(&images.set()).unwrap();
    let mut out = Vec::new();
    engine.train_delta(&samples, &clients(), &EVERYTHING).unwrap();
    out.push(bits(&engine.step_values().unwrap()));
    let all: Vec<u32> = (0..SAMPLES as u32).collect();
    engine.mean_gradient(&samples, &[(&all[..41], 0.5), (&all[41..], 0.5)]).unwrap();
    out.push(bits(&engine.step_values().unwrap()));
    engine.train_average(&samples, &clients(), &EVERYTHING, 0.5).unwrap();
    out.push(bits(&engine.weights().unwrap()));
    out
}

#[test]
fn no_cut_changes_a_bit() {
    let (graph, several) =
        (cnn(), graph(json!({"kind": "mlp", "input": [2, 8, 8], "hidden": [40, 40, 40], "classes": 5})));
    for reference in [true, false] {
        let whole = outcome(device(reference, None), &graph);
        for kib in [160, 640] {
            assert!(whole == outcome(device(reference, Some(kib << 10)), &graph), "{reference} in {kib} KiB");
        }
        // 8,645 parameters: two pieces.
        let whole = outcome(device(reference, None), &several);
        assert!(whole == outcome(Narrow::boxed(device(reference, None), 24 << 10), &several), "{reference} in pieces");
    }
}

#[test]
fn samples_may_be_f32() {
    let images = images();
    let (x, labels) = (floats(&images), images.set().labels.to_vec());
    for reference in [true, false] {
        let graph = cnn();
        let (mut engine, start) = engine(device(reference, None), &graph);
        let both = [
            engine.upload(&images.set()).unwrap(),
            engine.upload(&SampleSet::of_floats(&x, &labels, (2, 64))).unwrap(),
        ];
        let [bytes, floats] = both.each_ref().map(|samples| {
            engine.set_weights(&start).unwrap();
            let evaluation = engine.evaluate(samples).unwrap();
            engine.train(samples, &clients(), &TrainSettings { client_lr: 0.1, server_lr: 1.0 }).unwrap();
            (evaluation, bits(&engine.weights().unwrap()))
        });
        assert!(bytes == floats, "{reference}");
    }
}

#[test]
fn batches_are_moved_as_told() {
    // Moves of a client's batch: the same as training on images that were moved before.
    let images = images();
    let labels = images.set().labels.to_vec();
    let how = |i: usize| Move { dx: (i * 5 % 5) as u8, dy: (i * 3 % 5) as u8, flip: i % 3 == 1 };
    let mut moved = images.pixels().to_vec();
    for (i, image) in moved.chunks_mut(128).enumerate() {
        let before = image.to_vec();
        let Move { dx, dy, flip } = how(i);
        for (f, to) in image.iter_mut().enumerate() {
            let (c, y, x) = (f / 64, f % 64 / 8, f % 8);
            let x = if flip { 7 - x } else { x };
            let (y, x) = (y as i32 + i32::from(dy) - 2, x as i32 + i32::from(dx) - 2);
            let inside = (0..8).contains(&y) && (0..8).contains(&x);
            *to = if inside { before[c * 64 + y as usize * 8 + x as usize] } else { 0 };
        }
    }
    let table = || (0..2).flat_map(|_| (0..256).map(|b| b as f32 / 128.0 - 1.0)).collect();
    let work = clients();
    let moves = |place: usize, batch: usize| Moves {
        width: 8,
        pad: 2,
        rows: work[place].batches[batch].iter().map(|&i| how(i as usize)).collect(),
    };
    for (reference, budget) in [(true, None), (true, Some(160 << 10)), (false, None)] {
        let (mut engine, _) = engine(device(reference, budget), &cnn());
        let here = engine.upload(&images.set()).unwrap();
        let there = engine.upload(&SampleSet::of_bytes(&moved, &labels, (2, 64), table())).unwrap();
        let step = ClientStep { moves: Some(&moves), ..ClientStep::plain(0.1) };
        engine.train_delta(&here, &work, &step).unwrap();
        let ours = bits(&engine.step_values().unwrap());
        engine.train_delta(&there, &work, &ClientStep::plain(0.1)).unwrap();
        assert!(ours == bits(&engine.step_values().unwrap()), "{reference} {budget:?}");
        engine.train_delta(&here, &work, &ClientStep::plain(0.1)).unwrap();
        assert!(ours != bits(&engine.step_values().unwrap()));
    }
}

/// One image of one channel, 2 x 3, through the twin.
fn moved(how: Move) -> Vec<f32> {
    let mut device = device(true, None);
    let mut make = |bytes: u64| Span::of(device.create_buffer("buffer", bytes).unwrap(), bytes);
    let buffers = gather::Buffers { index: make(4), pixels: make(8), table: make(1024), x: make(24) };
    let moves = make(4);
    let mut rec = Recording::new();
    rec.upload(buffers.pixels.buffer, 0, &[1u8, 2, 3, 4, 5, 6, 0, 0]);
    // A black pixel is worth -1.
    let table: Vec<f32> = (0..256).map(|b| if b == 0 { -1.0 } else { b as f32 }).collect();
    rec.upload(buffers.table.buffer, 0, &table);
    rec.upload(moves.buffer, 0, &[how.word()]);
    let row = gather::Row { features: 6, spatial: 6, values: gather::Values::Bytes, last: 1 };
    gather::record(&mut rec, &buffers, 1, row, 0, Some(&gather::Moved { moves, width: 3, pad: 1 }));
    rec.read_back(buffers.x);
    as_f32(&device.run(&rec).unwrap()[0])
}

#[test]
fn a_crop_moves_the_image_and_is_mirrored_afterwards() {
    let of = |dx, dy, flip| moved(Move { dx, dy, flip });
    assert_eq!(of(1, 1, false), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(of(1, 1, true), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    // The crop begins a row above and a column to the right.
    assert_eq!(of(2, 0, false), [-1.0, -1.0, -1.0, 2.0, 3.0, -1.0]);
    assert_eq!(of(2, 0, true), [-1.0, -1.0, -1.0, -1.0, 3.0, 2.0]);
    assert_eq!(of(0, 2, false), [-1.0, 4.0, 5.0, -1.0, -1.0, -1.0]);
}
