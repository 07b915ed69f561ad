//! A measurement from weights to table.

use std::ops::Range;

use super::directions::{Directions, Moments};
use super::readings::{Prober, Readings};
use super::report::{Hessian, LayerRow, Report, Row};
use super::request::{Point, Request, Setting};
use super::subject::Subject;
use super::suggest::{best_trace, suggest};
use super::truth::Truth;
use crate::device::Device;
use crate::engine::Engine;
use crate::fed::{FedError, zo};
use crate::stream::Distribution;

/// What is measured at one setting.
struct Measured {
    readings: Readings,
    moments: Moments,
    slopes: Vec<[f64; 2]>,
}

/// `E e^4` of a distribution's elements of unit variance.
fn kurtosis(distribution: Distribution) -> f64 {
    match distribution {
        Distribution::Rademacher => 1.0,
        // Of a sum of n signs 3 - 2 / n.
        Distribution::Binomial => 3.0 - 2.0 / 32.0,
        Distribution::Gaussian => 3.0,
        Distribution::Uniform => 1.8,
        // On the sphere |e|^2 is d as it is for signs, and so the variance is theirs.
        Distribution::Sphere => 1.0,
    }
}

/// Measures the subject's estimator on a device. `progress` is told steps done, of all, and what comes next.
///
/// # Errors
/// What the device or the host's memory can't hold.
pub fn measure(
    device: Box<dyn Device>,
    subject: &Subject,
    request: &Request,
    progress: &mut dyn FnMut(usize, usize, &str),
) -> Result<Report, FedError> {
    let experiment = &subject.experiment;
    let graph = &experiment.graph;
    let d = graph.param_count();
    let clients = &request.clients[..];
    let settings = request.settings();
    let steps = clients.len() + settings.len();
    let batch_statistics = zo::settings(experiment).batch_statistics;
    progress(0, steps, "gradients");
    let mut engine = Engine::new(device, graph.clone(), &subject.weights)?;
    let train = engine.upload(&experiment.train_set())?;
    let truth = Truth::compute(&mut engine, experiment, clients, batch_statistics, |k| {
        progress(k + 1, steps, "gradients");
    })?;
    let device = engine.device().info().name.clone();
    let parameters = &subject.weights[..d];
    let largest = parameters.iter().fold(0f32, |most, w| most.max(w.abs()));
    let mut prober = Prober { engine: &mut engine, train: &train, experiment, clients, batch_statistics, largest };
    let tensors: Vec<Range<usize>> = graph.params().iter().map(|t| t.offset..t.offset + t.len).collect();
    let mut sizes: Vec<usize> = request.rows.iter().map(|row| row.probes as usize).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let mut measured: Vec<(Setting, Measured)> = Vec::new();
    for distribution in Distribution::ALL {
        let these: Vec<Setting> = settings.iter().filter(|s| s.distribution == distribution).copied().collect();
        if these.is_empty() {
            continue;
        }
        let directions = Directions::new(distribution, experiment.config.seeds.probes, clients, request.draws, d);
        let slopes = directions.slopes(&truth.own, &truth.mean);
        let mut readings = Vec::new();
        for &setting in &these {
            progress(clients.len() + measured.len() + readings.len(), steps, distribution.name());
            readings.push(prober.read(&directions, request.draws as usize, setting, &slopes)?);
        }
        let coefficients: Vec<Vec<f64>> = readings.iter().map(|r| r.coefficients(&truth)).collect();
        let moments = directions.moments(&coefficients, &truth.mean, &tensors, &sizes);
        let all = readings.into_iter().zip(moments);
        measured.extend(these.into_iter().zip(all.map(|(readings, moments)| {
            let slopes = slopes.clone();
            Measured { readings, moments, slopes }
        })));
    }
    progress(steps, steps, "");
    let of = |setting: Setting| measured.iter().find(|(s, _)| *s == setting).map(|(_, m)| m);
    let precision = experiment.config.device.precision.name();
    let row = |point: &Point| Some(Row { precision, ..row(*point, of(point.setting)?, &truth, d, &sizes) });
    let rows: Vec<Row> = request.rows.iter().filter_map(row).collect();
    let own = request.rows.first().copied().unwrap_or_else(|| Point::of(&experiment.config.zo));
    let layers = of(own.setting).map(|m| layers(own, m, &truth, graph.params(), &sizes)).unwrap_or_default();
    let traces =
        measured.iter().filter(|(s, _)| (s.tau, s.distribution) == (own.setting.tau, own.setting.distribution));
    let traces = traces.filter_map(|(s, m)| Some(Hessian::of(m.readings.trace(&truth)?, s.epsilon)));
    let config = &experiment.config;
    let probing = zo::sampled(experiment, config.warmup.rounds).0.len();
    Ok(Report {
        device,
        at: subject.at.name(),
        params: d,
        clients: clients.len(),
        samples: truth.samples,
        draws: request.draws,
        loss: truth.loss,
        gradient_norm: truth.square.sqrt(),
        client_cosine: truth.client_cosine(),
        hessian: best_trace(traces.collect()),
        suggest: suggest(&rows, own, &config.zo, graph, probing),
        rows,
        layers,
    })
}

/// The estimates of a size.
fn estimates<'a>(moments: &'a Moments, sizes: &[usize], probes: u32) -> &'a [Vec<[f64; 2]>] {
    let place = sizes.iter().position(|&size| size == probes as usize);
    place.and_then(|i| moments.estimates.get(i)).map(Vec::as_slice).unwrap_or_default()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0u64), |(s, n), v| (s + v, n + 1));
    sum / n as f64
}

fn row(point: Point, measured: &Measured, truth: &Truth, d: usize, sizes: &[usize]) -> Row {
    let Measured { readings, moments, slopes } = measured;
    let Setting { epsilon, tau, distribution, sides } = point.setting;
    let cosine = |tensors: &Vec<[f64; 2]>| {
        let [product, square] = tensors.iter().fold([0.0; 2], |sum, t| [sum[0] + t[0], sum[1] + t[1]]);
        product / (square * truth.square).sqrt()
    };
    let draws = readings.dl.len() as f64 / truth.shares.len() as f64;
    // Probes are independent: the variance of the mean of S is that of one, over S.
    let of_one = (moments.squares - draws * moments.mean_square) / (draws - 1.0);
    let bias = readings.bias(truth, slopes);
    let s = f64::from(point.probes);
    Row {
        probes: point.probes,
        epsilon,
        tau,
        distribution: distribution.name(),
        precision: "f32",
        sides,
        cosine: mean(estimates(moments, sizes, point.probes).iter().map(cosine)),
        bias: bias.value,
        bias_error: bias.error,
        variance: of_one / s / (tau.powi(4) * truth.square),
        expected_variance: (d as f64 + kurtosis(distribution) - 2.0) / s * truth.spread(),
        dl_zero: readings.zeros(),
        dl_noise: readings.noise(),
        dl_error: readings.error(),
        dropped: readings.dropped(),
    }
}

fn layers(
    own: Point,
    measured: &Measured,
    truth: &Truth,
    tensors: &[crate::model::ParamTensor],
    sizes: &[usize],
) -> Vec<LayerRow> {
    let estimates = estimates(&measured.moments, sizes, own.probes);
    let of = |(t, tensor): (usize, &crate::model::ParamTensor)| {
        let square: f64 = truth.mean[tensor.offset..][..tensor.len].iter().map(|g| g * g).sum();
        let cosine = mean(estimates.iter().map(|e| e[t][0] / (e[t][1] * square).sqrt()));
        LayerRow { name: tensor.name.clone(), params: tensor.len, share: square / truth.square, cosine }
    };
    tensors.iter().enumerate().map(of).collect()
}
