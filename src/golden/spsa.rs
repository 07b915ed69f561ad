//! Golden two-sided differences.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::{GoldenError, Mode};
use crate::files::{self, Limit};
use crate::ledger::parse_hex64;
use crate::model::ModelSpec;
use crate::stream::Distribution;

/// No file of differences is larger.
const LIMIT: Limit = Limit { bytes: 1 << 20, what: "a file of differences" };

/// Losses at `w + eps z` and `w - eps z` of a golden pass's parameters and batch.
#[derive(Clone, Debug, PartialEq)]
pub struct SpsaGolden {
    /// The golden pass, as a path from here: it lies beside the file.
    pub golden: PathBuf,
    /// Which statistics batch norm uses.
    pub mode: Mode,
    /// The model table.
    pub spec: ModelSpec,
    /// Length of the flat vector.
    pub params: usize,
    /// The perturbation's seed.
    pub seed: u64,
    /// Its standard deviation.
    pub tau: f64,
    /// The differences.
    pub cases: Vec<SpsaCase>,
}

/// One difference.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct SpsaCase {
    /// What z is drawn from.
    pub distribution: Distribution,
    /// The step.
    pub epsilon: f64,
    /// Mean loss at `w + eps z`.
    pub loss_plus: f64,
    /// Mean loss at `w - eps z`.
    pub loss_minus: f64,
    /// Their difference.
    pub dl: f64,
}

#[derive(Deserialize)]
struct Raw {
    format: String,
    version: u32,
    golden: String,
    mode: String,
    model: Value,
    params: usize,
    seed: String,
    tau: f64,
    cases: Vec<SpsaCase>,
}

impl SpsaCase {
    /// How far a `dl` computed in f32 may be off: `2e-6 (1 + loss) + 1e-3 |dl|` (the golden folder's README).
    pub fn tolerance(&self) -> f64 {
        2e-6 * (1.0 + self.loss_plus.abs().max(self.loss_minus.abs())) + 1e-3 * self.dl.abs()
    }
}

impl SpsaGolden {
    /// Reads a `spsa-*.json`. The golden pass it names is not read here.
    ///
    /// # Errors
    /// A file that can't be read, isn't such a file, or holds a kind of model that is not available.
    pub fn read(path: &Path) -> Result<Self, GoldenError> {
        let field = |message: String| GoldenError::Field { path: path.to_owned(), message };
        let model = |source| GoldenError::Model { path: path.to_owned(), source };
        let raw: Raw = serde_json::from_slice(&files::read(path, LIMIT)?).map_err(|e| field(e.to_string()))?;
        if raw.format != "zo-spsa-golden" || raw.version != 1 {
            return Err(field(format!(
                "format: expected `zo-spsa-golden` version 1, found `{}` version {}",
                raw.format, raw.version
            )));
        }
        let spec = ModelSpec::from_json(&raw.model).map_err(model)?;
        let expected = spec.graph().map_err(model)?.param_count();
        if raw.params != expected {
            return Err(field(format!("params: expected {expected}, found {}", raw.params)));
        }
        let seed = parse_hex64(&raw.seed)
            .ok_or_else(|| field(format!("seed: expected 16 hex digits, found `{}`", raw.seed)))?;
        if !(raw.tau.is_finite() && raw.tau > 0.0) {
            return Err(field(format!("tau: expected a number above 0, found {}", raw.tau)));
        }
        if let Some(i) = raw.cases.iter().position(|c| c.epsilon.is_nan() || c.epsilon <= 0.0) {
            return Err(field(format!(
                "cases[{i}].epsilon: expected a number above 0, found {}",
                raw.cases[i].epsilon
            )));
        }
        let golden = files::beside(path, &raw.golden).ok_or_else(|| {
            field(format!("golden: expected the name of a file beside this one, found {:?}", raw.golden))
        })?;
        Ok(Self {
            golden,
            mode: raw.mode.parse().map_err(field)?,
            spec,
            params: raw.params,
            seed,
            tau: raw.tau,
            cases: raw.cases,
        })
    }
}
