//! Forward passes of lanes, with and without perturbation.

use bytemuck::cast_slice;

use super::problem;
use super::workload::{Check, Prepared, Timed, Workload, bound_of};
use super::{BenchError, Options, Unit};
use crate::device::ReferenceDevice;
use crate::device::{DeviceError, as_f32};
use crate::engine::{Engine, EngineError, RecordedPass, SampleSet, Samples};
use crate::fed::experiment::Experiment;
use crate::fed::zo;
use crate::kernels::params::Lane;
use crate::model::Graph;
use crate::rng::probe_seed;
use crate::selftest::{relative, rounding};
use crate::stream::Distribution;

/// What a pass ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The last layer's outputs, lane after lane.
    Logits,
    /// A loss a row.
    Losses,
}

/// A model, its samples, and the lanes that pass through it.
pub struct Case<'a> {
    /// The model.
    pub graph: Graph,
    /// Its weights.
    pub weights: Vec<f32>,
    /// Samples; lanes take them in order.
    pub set: SampleSet<'a>,
    /// Lanes; output rows in the lanes' order.
    pub lanes: Vec<Lane>,
    /// Output.
    pub output: Output,
    /// Rows of a lane that the twins compute, too: first, middle and last, or less of a model that takes them long.
    pub checked: usize,
}

/// The digits MLP: the lanes of a round of probes.
pub fn mlp(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (2, 5) } else { (options.clients, 71) };
    let experiment = problem::mlp(clients, images)?;
    let shape = format!("{clients} clients x 3 probes x 2 x {images} images");
    lanes_of(engine, &experiment, 3, ["mlp-forward", "mlp-forward-perturbed"], &shape)
}

/// The small CNN: eight lanes.
pub fn cnn(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (clients, images) = if options.small { (1, 2) } else { (4, 32) };
    let experiment = problem::cnn(clients, images)?;
    let shape = format!("{} lanes x {images} images", 2 * clients);
    lanes_of(engine, &experiment, 1, ["cnn-forward", "cnn-forward-perturbed"], &shape)
}

/// The passes of an experiment's probes, plain and perturbed.
fn lanes_of(
    engine: &mut Engine,
    experiment: &Experiment,
    probes: u32,
    names: [&'static str; 2],
    shape: &str,
) -> Result<Prepared, BenchError> {
    let settings = zo::settings(experiment);
    let mut lanes = Vec::new();
    let (mut x_row, mut out_row) = (0, 0);
    for (client, indices) in experiment.split.clients.iter().enumerate() {
        let rows = indices.len() as u32;
        for probe in 0..probes {
            let seed = probe_seed(0, 0, client as u32, probe);
            for sign in [1.0, -1.0] {
                let coef = sign * settings.coefficient(1.0);
                let (seed_lo, seed_hi) = (seed as u32, (seed >> 32) as u32);
                lanes.push(Lane { seed_lo, seed_hi, coef, x_row, rows, out_row, ..Lane::default() });
                out_row += rows;
            }
        }
        // A set that is too small is dealt again and again.
        x_row = (x_row + rows) % (experiment.data.train.len() as u32 - rows);
    }
    let (graph, weights) = (experiment.graph.clone(), experiment.initial.clone());
    let case = Case { graph, weights, set: experiment.train_set(), lanes, output: Output::Losses, checked: 3 };
    case.prepare(engine, &[(names[0], None), (names[1], Some(settings.distribution))], shape)
}

impl Case<'_> {
    /// Makes the passes ready: a workload for each name, with weights perturbed as it says.
    pub fn prepare(
        &self,
        engine: &mut Engine,
        names: &[(&'static str, Option<Distribution>)],
        shape: &str,
    ) -> Result<Prepared, BenchError> {
        engine.replace_model(self.graph.clone(), &self.weights)?;
        let samples = engine.upload(&self.set)?;
        let mut twin = Engine::new(Box::new(ReferenceDevice::new(None)), self.graph.clone(), &self.weights)?;
        let twin_samples = twin.upload(&self.set)?;
        let rows: f64 = self.lanes.iter().map(|l| f64::from(l.rows)).sum();
        let work = rows * self.graph.flops_forward() as f64;
        let mut workloads = Vec::new();
        for &(name, perturbed) in names {
            let pass = self.pass(engine, &samples, &self.lanes, perturbed)?;
            let (picked, at) = self.picked();
            let expected = self.pass(&mut twin, &twin_samples, &picked, perturbed)?;
            let expected = read(&mut twin, expected)?;
            let width = if self.output == Output::Losses { 1 } else { self.graph.classes };
            workloads.push(Workload {
                name,
                shape: shape.to_owned(),
                work,
                unit: Unit::Flops,
                bound: bound_of(engine, work),
                timed: Timed::Recording(pass.recording.clone()),
                check: compare(pass, expected, at, width, self.tolerance(engine)),
            });
        }
        Ok(Prepared { workloads, buffers: samples.buffers().collect() })
    }

    fn pass(
        &self,
        engine: &mut Engine,
        samples: &Samples,
        lanes: &[Lane],
        perturbed: Option<Distribution>,
    ) -> Result<RecordedPass, EngineError> {
        let indices: Vec<u32> = (0..samples.len() as u32).collect();
        match self.output {
            Output::Logits => engine.logits_pass(samples, &indices, lanes.to_vec(), perturbed),
            Output::Losses => engine.losses_pass(samples, &indices, lanes.to_vec(), perturbed),
        }
    }

    /// First, middle and last row of the first, middle and last lanes, each as a lane of its own for the twins, which are slow, and
    /// where their output rows lie in the whole pass.
    fn picked(&self) -> (Vec<Lane>, Vec<usize>) {
        let (mut lanes, mut at) = (Vec::new(), Vec::new());
        let count = self.lanes.len();
        let mut which = vec![0, 1.min(count - 1), count / 2, count - 1];
        which.dedup();
        for i in which {
            let lane = self.lanes[i];
            for row in [lane.rows - 1, lane.rows / 2, 0].into_iter().take(self.checked) {
                at.push((lane.out_row + row) as usize);
                lanes.push(Lane { x_row: lane.x_row + row, rows: 1, out_row: lanes.len() as u32, ..lane });
            }
        }
        (lanes, at)
    }

    /// Both sides' worst rounding in sums of each layer, and of the loss; and of operands, where they are rounded to f16: two of 2^-11 each a layer,
    /// which the twins' engine leaves as they are.
    fn tolerance(&self, engine: &Engine) -> f64 {
        let ways = engine.ways();
        let layers = self.graph.nodes.len() as f64;
        let operands = match (ways.are_f32(&crate::layers::Pass::ALL), ways.are_split()) {
            (true, _) => 0.0,
            (false, true) => layers * 2f64.powi(-21),
            (false, false) => layers * 2f64.powi(-10),
        };
        let sums: usize = self.graph.nodes.iter().map(|n| n.layer.summands()).sum();
        let loss = if self.output == Output::Losses { self.graph.classes + 40 } else { 0 };
        rounding(2 * (sums + loss) as u32) + operands
    }
}

fn read(engine: &mut Engine, pass: RecordedPass) -> Result<Vec<f32>, DeviceError> {
    let mut rec = pass.recording;
    rec.read_back(pass.output);
    Ok(as_f32(&engine.device_mut().run(&rec)?.concat()))
}

/// Runs `pass` and compares rows `at` of its output, `width` values each, with those the twins gave.
fn compare(pass: RecordedPass, expected: Vec<f32>, at: Vec<usize>, width: usize, tolerance: f64) -> Check {
    Box::new(move |engine| {
        let all = read(engine, pass)?;
        let ours: Vec<f32> = at.iter().flat_map(|&row| all[row * width..][..width].to_vec()).collect();
        let error = relative(cast_slice(&ours), cast_slice(&expected[..ours.len()]));
        // Also false for NaN.
        let fits = error <= tolerance;
        Ok(if fits { Ok(()) } else { Err(format!("relative error {error:.2e}, at most {tolerance:.2e} is rounding")) })
    })
}
