//! Forward and backward passes and differences of golden files, recomputed.

use super::report::relative_error;
use super::{TensorReport, VerifyError};
use crate::engine::{Engine, ProbeSettings, Sides};
use crate::golden::{Mode, PassGolden, SpsaGolden};

/// Largest relative error of logits, loss and statistics (docs/models.md, Golden files).
const FORWARD_TOLERANCE: f64 = 1e-4;
/// Largest relative error of a gradient.
const GRADIENT_TOLERANCE: f64 = 1e-3;

/// A golden pass: logits, loss, gradients and statistics.
pub(super) fn compare_pass(engine: &mut Engine, golden: &PassGolden) -> Result<Vec<TensorReport>, VerifyError> {
    let batch_statistics = golden.mode == Mode::Train;
    let outputs = engine.outputs(&golden.x, &golden.y, batch_statistics)?;
    let backward = engine.gradients(&golden.x, &golden.y, batch_statistics)?;
    let tensor = |name: String, ours: &[f32], theirs: &[f32], tolerance| TensorReport {
        name,
        error: relative_error(ours, theirs),
        tolerance,
    };
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
    Ok(list)
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
