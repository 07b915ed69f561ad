//! Samples of a golden file: `x` f32 `[N, ...]`, as the model gets them, and `y` i64 `[N]`.

use super::GoldenError;
use crate::model::Graph;
use crate::weights::TensorFile;

/// Reads the samples of a model. A federation's need not be finite: a client may hold one that isn't.
///
/// # Errors
/// Tensors that are missing or not the model's; a label that is no class.
pub fn samples(file: &TensorFile<'_>, graph: &Graph) -> Result<(Vec<f32>, Vec<u32>), GoldenError> {
    let shape = file.shape("x")?;
    let samples = shape.first().copied().unwrap_or(0);
    if samples == 0 || shape[1..].iter().try_fold(1usize, |n, &s| n.checked_mul(s)) != Some(graph.input.len()) {
        let expected = graph.input.len();
        return Err(file
            .error("x", format!("expected [N, ...] of {expected} values a sample, found {shape:?}"))
            .into());
    }
    let x = file.any_f32s("x", &shape)?;
    let mut y = Vec::with_capacity(samples);
    for label in file.i64s("y", &[samples])? {
        let class = u32::try_from(label).ok().filter(|&c| (c as usize) < graph.classes);
        y.push(class.ok_or_else(|| {
            file.error("y", format!("expected labels from 0 to {}, found {label}", graph.classes - 1))
        })?);
    }
    Ok((x, y))
}
