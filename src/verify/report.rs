//! What a check of golden files found.

use serde::Serialize;

/// What was found, as `verify --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The device's name.
    pub device: String,
    /// A file each.
    pub files: Vec<FileReport>,
    /// All of them passed.
    pub passed: bool,
}

/// One golden file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Its path as given.
    pub file: String,
    /// The model's kind.
    pub kind: &'static str,
    /// All tensors are within their tolerance.
    pub passed: bool,
    /// What was compared.
    pub tensors: Vec<TensorReport>,
}

/// One comparison.
#[derive(Clone, Debug, Serialize)]
pub struct TensorReport {
    /// The golden tensor's name, or a difference's distribution and step.
    pub name: String,
    /// Relative error of a tensor; absolute error of a difference.
    pub error: f64,
    /// The most it may be.
    pub tolerance: f64,
}

impl TensorReport {
    /// Whether the error is within the tolerance; one that is no number isn't.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// `||ours - theirs|| / ||theirs||`, of an all-zero tensor `||ours||`; infinite where lengths differ.
pub(super) fn relative_error(ours: &[f32], theirs: &[f32]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(theirs).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let size = norm(&mut theirs.iter().map(|b| f64::from(*b)));
    if size > 0.0 { difference / size } else { difference }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_golden_norm() {
        assert_eq!(relative_error(&[3.0, 4.5], &[3.0, 4.0]), 0.1);
        assert_eq!(relative_error(&[0.25], &[0.0]), 0.25);
        assert_eq!(relative_error(&[1.0], &[]), f64::INFINITY);
        let nan = TensorReport { name: String::new(), error: f64::NAN, tolerance: 1.0 };
        assert!(!nan.passed());
    }
}
