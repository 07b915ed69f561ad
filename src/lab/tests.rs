//! The figures against exact expectations over all signs, and against a model computed on the host in f64.

use std::path::Path;

use super::readings::{Prober, Readings};
use super::truth::Truth;
use super::*;
use crate::config::Config;
use crate::device::{Selection, testing};
use crate::engine::Engine;
use crate::stream::{self, Distribution};

/// A net of two linear layers with tanh between, in f64: mean loss of some samples at some weights.
struct Net {
    hidden: usize,
    classes: usize,
    /// Inputs and label of each sample.
    samples: Vec<(Vec<f64>, usize)>,
}

impl Net {
    fn loss(&self, w: &[f64]) -> f64 {
        let features = self.samples[0].0.len();
        let (w1, rest) = w.split_at(self.hidden * features);
        let (b1, rest) = rest.split_at(self.hidden);
        let (w2, b2) = rest.split_at(self.classes * self.hidden);
        let linear = |w: &[f64], b: &[f64], x: &[f64]| -> Vec<f64> {
            w.chunks(x.len()).zip(b).map(|(w, b)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()).collect()
        };
        let of = |(x, y): &(Vec<f64>, usize)| {
            let h: Vec<f64> = linear(w1, b1, x).into_iter().map(f64::tanh).collect();
            let z = linear(w2, b2, &h);
            let most = z.iter().copied().fold(f64::MIN, f64::max);
            most + z.iter().map(|z| (z - most).exp()).sum::<f64>().ln() - z[*y]
        };
        self.samples.iter().map(of).sum::<f64>() / self.samples.len() as f64
    }

    fn at(&self, w: &[f64], step: f64, z: &[f64]) -> f64 {
        self.loss(&w.iter().zip(z).map(|(w, z)| w + step * z).collect::<Vec<_>>())
    }

    /// Gradient and trace of the Hessian by differences of this step along each axis.
    fn derivatives(&self, w: &[f64], step: f64) -> (Vec<f64>, f64) {
        let plain = self.loss(w);
        let mut trace = 0.0;
        let axis = |i: usize| {
            let mut unit = vec![0.0; w.len()];
            unit[i] = 1.0;
            let (above, below) = (self.at(w, step, &unit), self.at(w, -step, &unit));
            trace += (above + below - 2.0 * plain) / (step * step);
            (above - below) / (2.0 * step)
        };
        ((0..w.len()).map(axis).collect(), trace)
    }
}

/// Seeds whose first `d` signs are each of the 2^d possible ones once.
fn all_signs(d: usize) -> Vec<u64> {
    let mut found = vec![None; 1 << d];
    let mut left = found.len();
    let mut e = vec![0f32; d];
    for seed in 0.. {
        stream::fill(Distribution::Rademacher, seed, 0, &mut e);
        let pattern = e.iter().fold(0, |n, &e| 2 * n + usize::from(e > 0.0));
        if found[pattern].is_none() {
            found[pattern] = Some(seed);
            left -= 1;
            if left == 0 {
                break;
            }
        }
    }
    found.into_iter().flatten().collect()
}

/// What makes a seed's elements those of unit variance.
fn factor(distribution: Distribution, seed: u64, d: usize) -> f64 {
    match distribution {
        Distribution::Sphere => stream::sphere_factor(seed, d as u64),
        _ => distribution.scale(),
    }
}

fn signs(seed: u64, d: usize) -> Vec<f64> {
    let mut e = vec![0f32; d];
    stream::fill(Distribution::Rademacher, seed, 0, &mut e);
    e.into_iter().map(f64::from).collect()
}

/// Sides of a probe.
const SIDES: [u32; 2] = [1, 2];

/// Two inputs, two hidden units, two classes: 12 weights.
fn tiny() -> (Net, Vec<f64>) {
    let samples = vec![(vec![0.3, -1.1], 0), (vec![-0.7, 0.4], 1), (vec![1.3, 0.9], 1)];
    let w = [0.8, -0.5, 0.3, 0.9, 0.1, -0.2, 1.1, -0.7, -0.4, 0.6, 0.05, -0.1];
    (Net { hidden: 2, classes: 2, samples }, w.to_vec())
}

/// All directions of a tiny net, with its gradient.
fn everything(net: &Net, w: &[f64]) -> (Directions, Truth) {
    let seeds = all_signs(w.len());
    let draws = seeds.len();
    let directions = Directions::of_seeds(Distribution::Rademacher, seeds, draws, w.len());
    let gradient: Vec<f32> = net.derivatives(w, 1e-4).0.iter().map(|&g| g as f32).collect();
    (directions, Truth::of(vec![gradient], &[net.loss(w)], &[3], w.len()))
}

#[test]
fn over_all_signs_a_linear_loss_gives_its_gradient_and_the_variance_of_theory() {
    let (net, w) = tiny();
    let (directions, truth) = everything(&net, &w);
    let (d, n) = (w.len() as f64, (1u32 << w.len()) as f64);
    let slopes = directions.slopes(&truth.own, &truth.mean);
    for (i, [own, mean]) in slopes.iter().enumerate() {
        let z = signs(directions.seeds(0, slopes.len())[i], w.len());
        let expected: f64 = z.iter().zip(&truth.mean).map(|(z, g)| z * g).sum();
        assert!((own - expected).abs() < 1e-12 && (mean - expected).abs() < 1e-12);
    }
    let coefficients = vec![slopes.iter().map(|s| s[0]).collect::<Vec<_>>()];
    // Tensors of 5 and 7 weights; estimates of one probe, of 64, and of all.
    let (tensors, sizes) = ([0..5, 5..12], [1, 64, 1 << w.len()]);
    let moments = directions.moments(&coefficients, &truth.mean, &tensors, &sizes).remove(0);
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} against {b}");
    // The mean of all is the gradient: E z z^T = I.
    close(moments.mean_square, truth.square);
    let whole = &moments.estimates[2][0];
    for (tensor, part) in tensors.iter().zip(whole) {
        let square: f64 = truth.mean[tensor.clone()].iter().map(|g| g * g).sum();
        close(part[0], square);
        close(part[1], square);
    }
    // E |<G, z> z|^2 = d |G|^2, so the variance is (d - 1) |G|^2.
    close(moments.squares / n - moments.mean_square, (d - 1.0) * truth.square);
    assert_eq!(moments.estimates[1].len(), 64);
    close(moments.estimates[0].iter().map(|e| e[0][0] + e[1][0]).sum::<f64>() / n, truth.square);
    let squares: f64 = moments.estimates[0].iter().map(|e| e[0][1] + e[1][1]).sum();
    close(squares, moments.squares);
}

#[test]
fn over_all_signs_bias_and_trace_are_exact() {
    let (net, w) = tiny();
    let (directions, truth) = everything(&net, &w);
    let slopes = directions.slopes(&truth.own, &truth.mean);
    let seeds = directions.seeds(0, slopes.len()).to_vec();
    let (tau, plain) = (0.75, net.loss(&w));
    let mut biases = Vec::new();
    for (sides, epsilon) in [(2, 0.1), (2, 0.05), (1, 0.1), (1, 0.05)] {
        let setting = Setting { epsilon, tau, distribution: Distribution::Rademacher, sides };
        let (mut dl, mut bend, mut projected) = (Vec::new(), Vec::new(), 0.0);
        for &seed in &seeds {
            let z = signs(seed, w.len());
            let (above, below) = (net.at(&w, epsilon * tau, &z), net.at(&w, -epsilon * tau, &z));
            let difference = if sides == 2 { above - below } else { above - plain };
            let along: f64 = z.iter().zip(&truth.mean).map(|(z, g)| tau * z * g).sum();
            projected += difference / (f64::from(sides) * epsilon) * along / seeds.len() as f64;
            dl.push(difference as f32);
            bend.push((above + below) / 2.0 - plain);
        }
        let step = f64::from(sides) * epsilon * tau;
        let expected = slopes.iter().map(|s| step * s[0]).collect();
        let readings = Readings::of(setting, dl, expected, bend, seeds.len(), plain);
        let exact = (projected / (tau * tau * truth.square) - 1.0).abs();
        let bias = readings.bias(&truth, &slopes).value;
        // Each dl is rounded to 24 bits, and the gradient by differences of 1e-4 is good to 1e-8.
        assert!((bias - exact).abs() < 1e-6, "{setting:?}: {bias} against {exact}");
        biases.push(bias);
        // The mean over all signs of z^T H z is the trace; what is left is of fourth order, which a halved step quarters.
        let trace = readings.trace(&truth).unwrap().value;
        let exact = net.derivatives(&w, 1e-3).1;
        assert!((trace / exact - 1.0).abs() < 5.0 * epsilon * epsilon, "{trace} against {exact}");
    }
    // Of both kinds bias grows with the square of the step.
    for pair in biases.chunks(2) {
        assert!((pair[0] / pair[1] - 4.0).abs() < 0.1, "{biases:?}");
    }
}

/// Digits, three clients of 20 samples, a net of 6 hidden units.
fn subject() -> Subject {
    let text = r#"
        seed = 5
        data = { name = "digits", train_limit = 6, test_limit = 1 }
        split = { kind = "dirichlet", clients = 3, alpha = 0.5 }
        model = { kind = "sequential", layers = ["flatten", { linear = 6 }, "tanh", { linear = 10 }] }
        zo = { probes = 2, epsilon = 1e-3 }
    "#;
    Subject::of_config(&Config::parse(text, "small.toml", Path::new(""), &[]).unwrap()).unwrap()
}

/// A client's samples on the host.
fn net_of(subject: &Subject, client: u32) -> Net {
    let data = &subject.experiment.data;
    let sample = |&i: &u32| {
        let x = data.inputs(&data.train, &[i]).unwrap().into_iter().map(f64::from).collect();
        (x, data.train.labels[i as usize] as usize)
    };
    let samples = subject.experiment.split.clients[client as usize].iter().map(sample).collect();
    Net { hidden: 6, classes: 10, samples }
}

/// The device's probes of a subject at a setting, and their exact differences.
fn probed(subject: &Subject, setting: Setting, draws: usize) -> (Readings, Vec<f64>, Truth) {
    let clients = subject.clients(None);
    let (experiment, d) = (&subject.experiment, subject.experiment.graph.param_count());
    let mut engine = Engine::new(testing::device(), experiment.graph.clone(), &subject.weights).unwrap();
    let train = engine.upload(&experiment.train_set()).unwrap();
    let truth = Truth::compute(&mut engine, experiment, &clients, false, |_| {}).unwrap();
    let largest = subject.weights.iter().fold(0f32, |m, w| m.max(w.abs()));
    let directions = Directions::new(setting.distribution, 7, &clients, draws as u32, d);
    let slopes = directions.slopes(&truth.own, &truth.mean);
    let mut prober =
        Prober { engine: &mut engine, train: &train, experiment, clients: &clients, batch_statistics: false, largest };
    let readings = prober.read(&directions, draws, setting, &slopes).unwrap();
    let w: Vec<f64> = subject.weights.iter().map(|&w| f64::from(w)).collect();
    let mut exact = Vec::new();
    for (k, &client) in clients.iter().enumerate() {
        let net = net_of(subject, client);
        for &seed in directions.seeds(k, draws) {
            let mut e = vec![0f32; d];
            stream::fill(setting.distribution, seed, 0, &mut e);
            let step = setting.epsilon * setting.tau * factor(setting.distribution, seed, d);
            let e: Vec<f64> = e.into_iter().map(f64::from).collect();
            let other = if setting.sides == 2 { net.at(&w, -step, &e) } else { net.loss(&w) };
            exact.push(net.at(&w, step, &e) - other);
        }
    }
    (readings, exact, truth)
}

fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let list: Vec<f64> = values.collect();
    (list.iter().map(|v| v * v).sum::<f64>() / list.len() as f64).sqrt()
}

#[test]
fn gradients_are_those_of_differences() {
    let subject = subject();
    let setting = Point::of(&subject.experiment.config.zo).setting;
    let (_, _, truth) = probed(&subject, setting, 2);
    let w: Vec<f64> = subject.weights.iter().map(|&w| f64::from(w)).collect();
    for (k, client) in subject.clients(None).into_iter().enumerate() {
        let net = net_of(&subject, client);
        let (expected, _) = net.derivatives(&w, 1e-5);
        let distance = rms(truth.own[k].iter().zip(&expected).map(|(&g, e)| f64::from(g) - e));
        // Sums of at most 64 f32 terms, three layers deep.
        assert!(distance / rms(expected.iter().copied()) < 64.0 * f64::from(f32::EPSILON), "client {client}");
    }
}

#[test]
fn the_noise_of_differences_is_their_distance_from_exact_ones() {
    let subject = subject();
    // From where rounding is most of dl to where it is nearly nothing; small steps are judged by slopes, larger ones by neighbours.
    for (epsilon, distribution) in [
        (1e-7, Distribution::Rademacher),
        (1e-6, Distribution::Gaussian),
        (1e-4, Distribution::Rademacher),
        (1e-3, Distribution::Uniform),
        (1e-4, Distribution::Sphere),
    ] {
        for sides in SIDES {
            let setting = Setting { epsilon, tau: 0.75, distribution, sides };
            let (readings, exact, _) = probed(&subject, setting, 32);
            let error = rms(readings.dl.iter().zip(&exact).map(|(&dl, e)| f64::from(dl) - e));
            let expected = error / rms(readings.expected.iter().copied());
            let noise = readings.noise();
            // Root mean squares of 66 to 96 values each, whose deviation is a tenth: three of them, of both.
            assert!((0.6..1.6).contains(&(noise / expected)), "{setting:?}: {noise} against {expected}");
            assert!(readings.error() >= 0.9 * expected, "{setting:?}");
        }
    }
}

#[test]
fn a_measurement_is_what_the_host_computes_of_exact_differences() {
    let subject = subject();
    let clients = subject.clients(None);
    let own = Point::of(&subject.experiment.config.zo);
    let axes = Axes { distribution: Distribution::ALL.to_vec(), probes: vec![4], ..Axes::default() };
    let request = Request { rows: axes.star(own), draws: 8, clients: clients.clone() };
    let mut told = Vec::new();
    let report = measure(testing::device(), &subject, &request, &mut |done, of, _| told.push((done, of))).unwrap();
    assert_eq!((report.rows.len(), told.first(), told.last()), (6, Some(&(0, 8)), Some(&(8, 8))));
    let w: Vec<f64> = subject.weights.iter().map(|&w| f64::from(w)).collect();
    let (d, nets) = (w.len(), clients.iter().map(|&c| net_of(&subject, c)).collect::<Vec<_>>());
    let total: usize = nets.iter().map(|n| n.samples.len()).sum();
    let mut gradient = vec![0.0; d];
    let mut loss = 0.0;
    for net in &nets {
        let share = net.samples.len() as f64 / total as f64;
        loss += share * net.loss(&w);
        gradient.iter_mut().zip(net.derivatives(&w, 1e-5).0).for_each(|(g, own)| *g += share * own);
    }
    let square: f64 = gradient.iter().map(|g| g * g).sum();
    assert!((report.loss / loss - 1.0).abs() < 1e-6 && (report.gradient_norm / square.sqrt() - 1.0).abs() < 1e-5);
    for row in &report.rows {
        let distribution: Distribution = row.distribution.parse().unwrap();
        let s = row.probes as usize;
        // u of each probe, by hand.
        let mut all = vec![vec![0.0; d]; 8];
        for (net, &client) in nets.iter().zip(&clients) {
            for (p, u) in all.iter_mut().enumerate() {
                let seed = crate::rng::probe_seed(subject.experiment.config.seeds.probes, u32::MAX, client, p as u32);
                let scale = row.tau * factor(distribution, seed, d);
                let z: Vec<f64> =
                    (0..d as u64).map(|i| scale * f64::from(stream::element(distribution, seed, i))).collect();
                let dl = net.at(&w, row.epsilon, &z) - net.at(&w, -row.epsilon, &z);
                let c = net.samples.len() as f64 / total as f64 * dl / (2.0 * row.epsilon);
                u.iter_mut().zip(&z).for_each(|(u, z)| *u += c * z);
            }
        }
        let mean = |list: &[Vec<f64>]| -> Vec<f64> {
            (0..d).map(|i| list.iter().map(|u| u[i]).sum::<f64>() / list.len() as f64).collect()
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let cosines = all.chunks(s).map(|group| {
            let g = mean(group);
            dot(&g, &gradient) / (dot(&g, &g) * square).sqrt()
        });
        let (centre, count) = (mean(&all), all.chunks(s).count() as f64);
        let cosine = cosines.sum::<f64>() / count;
        let spread: f64 = all.iter().map(|u| u.iter().zip(&centre).map(|(u, c)| (u - c).powi(2)).sum::<f64>()).sum();
        let variance = spread / 7.0 / s as f64 / (row.tau.powi(4) * square);
        // Rounding of dl: 1e-4 of it at this step.
        assert!((row.cosine - cosine).abs() < 1e-3, "{row:?}: cosine {cosine}");
        assert!((row.variance / variance - 1.0).abs() < 1e-3, "{row:?}: variance {variance}");
        assert!(row.dl_noise < 1e-3 && row.dropped == 0 && row.dl_zero == 0.0, "{row:?}");
    }
    let shares: f64 = report.layers.iter().map(|l| l.share).sum();
    assert!((shares - 1.0).abs() < 1e-12 && report.layers.len() == 4);
    // The trace by its own error: twice three standard errors, and curvature of the fourth order.
    let mut trace = 0.0;
    for net in &nets {
        trace += net.samples.len() as f64 / total as f64 * net.derivatives(&w, 1e-4).1;
    }
    let measured = report.hessian.unwrap();
    assert!((measured.trace - trace).abs() < 4.0 * measured.error + 1e-3 * trace, "{measured:?} against {trace}");
}

#[test]
fn a_measurement_does_not_depend_on_the_memory() {
    let subject = subject();
    let request = Request { rows: vec![Point::of(&subject.experiment.config.zo)], draws: 4, clients: vec![0, 2] };
    let of = |budget: Option<u64>| {
        let selection = Selection { memory_budget: budget, ..testing::selection() };
        measure(testing::opened(&selection), &subject, &request, &mut |_, _, _| {}).unwrap()
    };
    assert_eq!(of(None), of(Some(1 << 20)));
}
