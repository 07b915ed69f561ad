//! How large tensors and activations may be.

use super::error::ModelError;

/// Kernels index with u32, and a buffer's bytes must fit one too.
pub const MAX_VALUES: u128 = 1 << 29;

/// Checks the values of an activation.
///
/// # Errors
/// More than [`MAX_VALUES`].
pub fn fits(place: &str, shape: [usize; 3]) -> Result<(), ModelError> {
    let len = shape.iter().fold(1u128, |n, &s| n.saturating_mul(s as u128));
    if len > MAX_VALUES { Err(too_large(place, len)) } else { Ok(()) }
}

/// That the layer `place` needs so many values.
pub fn too_large(place: &str, found: u128) -> ModelError {
    ModelError::Shape {
        layer: place.to_owned(),
        message: format!("expected at most {MAX_VALUES} values, found {found}"),
    }
}
