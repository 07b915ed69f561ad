//! Forward and backward passes and differences of golden files, recomputed.

use super::report::relative_error;
use super::{TensorReport, VerifyError};
use crate::engine::{ClientStep, Engine, ProbeSettings, SampleSet, Samples, Sides, TrainClient};
use crate::golden::{MaskedPass, Mode, PassGolden, SpsaGolden};

/// Largest relative error of logits, loss and statistics (docs/models.md, Golden files).
const FORWARD_TOLERANCE: f64 = 1e-4;
/// Largest relative error of a gradient.
const GRADIENT_TOLERANCE: f64 = 1e-3;

fn tensor(name: String, ours: &[f32], theirs: &[f32], tolerance: f64) -> TensorReport {
    TensorReport { name, error: relative_error(ours, theirs), tolerance }
}

/// A golden pass: logits, loss, gradients and statistics. Gives the samples of a pass with masks, for the workspace.
pub(super) fn compare_pass(
    engine: &mut Engine,
    golden: &PassGolden,
) -> Result<(Vec<TensorReport>, Option<Samples>), VerifyError> {
    let batch_statistics = golden.mode == Mode::Train;
    let outputs = engine.outputs(&golden.x, &golden.y, batch_statistics)?;
    let backward = engine.gradients(&golden.x, &golden.y, batch_statistics)?;
    let mut list = vec![
        tensor("out/logits".to_owned(), &outputs.logits, &golden.logits, FORWARD_TOLERANCE),
        tensor("out/loss".to_owned(), &[outputs.loss], &[golden.loss], FORWARD_TOLERANCE),
    ];
    for p in golden.graph.params() {
        let range = p.offset..p.offset + p.len;
        let ours = backward.gradients.get(range.clone()).unwrap_or_default();
        list.push(tensor(format!("grad/{}", p.name), ours, &golden.grads[range], GRADIENT_TOLERANCE));
    }
    if !golden.out_buffers.is_empty() {
        let first = golden.graph.param_count();
        for p in golden.graph.buffers() {
            let range = p.offset - first..p.offset - first + p.len;
            let ours = backward.statistics.get(range.clone()).unwrap_or_default();
            list.push(tensor(format!("out_buffer/{}", p.name), ours, &golden.out_buffers[range], FORWARD_TOLERANCE));
        }
    }
    let samples = match &golden.masked {
        Some(masked) => Some(compare_masked(engine, golden, masked, &mut list)?),
        None => None,
    };
    Ok((list, samples))
}

/// The pass in which dropouts drop, as a client's only step at a rate of 1: its change is the gradient but for the rounding of weights near
/// 1, 2^-24, a ten-thousandth of the tolerance where a gradient's values are a thousandth.
fn compare_masked(
    engine: &mut Engine,
    golden: &PassGolden,
    masked: &MaskedPass,
    list: &mut Vec<TensorReport>,
) -> Result<Samples, VerifyError> {
    let shape = (golden.graph.input.c, golden.graph.input.spatial());
    let samples = engine.upload(&SampleSet::of_floats(&golden.x, &golden.y, shape))?;
    let client = [TrainClient { batches: vec![(0..golden.y.len() as u32).collect()], share: 1.0 }];
    let seed = |_: usize, _: usize| masked.seed;
    let loss = engine.train_delta(&samples, &client, &ClientStep { masks: Some(&seed), ..ClientStep::plain(1.0) })?;
    list.push(tensor("masked/loss".to_owned(), &[loss as f32], &[masked.loss], FORWARD_TOLERANCE));
    let step = engine.step_values()?;
    for p in golden.graph.params() {
        let range = p.offset..p.offset + p.len;
        let ours: Vec<f32> = step.get(range.clone()).unwrap_or_default().iter().map(|change| -change).collect();
        list.push(tensor(format!("masked/grad/{}", p.name), &ours, &masked.grads[range], GRADIENT_TOLERANCE));
    }
    Ok(samples)
}

/// Golden differences.
pub(super) fn compare_spsa(
    engine: &mut Engine,
    spsa: &SpsaGolden,
    golden: &PassGolden,
) -> Result<Vec<TensorReport>, VerifyError> {
    let mut list = Vec::new();
    for case in &spsa.cases {
        let settings = ProbeSettings {
            distribution: case.distribution,
            tau: spsa.tau,
            epsilon: case.epsilon,
            sides: Sides::Two,
            batch_statistics: spsa.mode == Mode::Train,
        };
        let (_, _, dl) = engine.probe_given(&golden.x, &golden.y, spsa.seed, &settings)?;
        list.push(TensorReport {
            name: format!("{} {}", case.distribution, case.epsilon),
            error: (f64::from(dl) - case.dl).abs(),
            tolerance: case.tolerance(),
        });
    }
    Ok(list)
}
