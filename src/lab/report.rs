//! What a measurement gives.

use serde::{Serialize, Serializer};

use super::readings::Figure;

/// A number for JSON: null where it is not finite.
fn finite<S: Serializer>(x: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    x.is_finite().then_some(*x).serialize(serializer)
}

/// A row of the table: estimates of `probes` probes a client at a setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Probes S of a client.
    pub probes: u32,
    /// Step.
    pub epsilon: f64,
    /// Standard deviation of the perturbation.
    pub tau: f64,
    /// Its distribution.
    pub distribution: &'static str,
    /// What the forward passes compute in.
    pub precision: &'static str,
    /// 1 or 2.
    pub sides: u32,
    /// Mean cosine between an estimate and the true gradient.
    #[serde(serialize_with = "finite")]
    pub cosine: f64,
    /// `|<mean estimate, G> / (tau^2 |G|^2) - 1|`.
    #[serde(serialize_with = "finite")]
    pub bias: f64,
    /// Its standard error.
    #[serde(serialize_with = "finite")]
    pub bias_error: f64,
    /// `E |estimate - mean|^2 / |tau^2 G|^2`.
    #[serde(serialize_with = "finite")]
    pub variance: f64,
    /// What it would be of a linear loss.
    #[serde(serialize_with = "finite")]
    pub expected_variance: f64,
    /// Share of loss differences that are exactly zero.
    #[serde(serialize_with = "finite")]
    pub dl_zero: f64,
    /// Their rounding, relative to what they should be.
    #[serde(serialize_with = "finite")]
    pub dl_noise: f64,
    /// Their rounding and curvature together, likewise.
    #[serde(serialize_with = "finite")]
    pub dl_error: f64,
    /// Loss differences that are not finite.
    pub dropped: usize,
}

/// A tensor of the model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerRow {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: usize,
    /// Its share of the square of the true gradient.
    #[serde(serialize_with = "finite")]
    pub share: f64,
    /// Mean cosine between the first row's estimates of it and its true gradient.
    #[serde(serialize_with = "finite")]
    pub cosine: f64,
}

/// Trace of the Hessian of the mean loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Hessian {
    /// The trace.
    #[serde(serialize_with = "finite")]
    pub trace: f64,
    /// Its standard error.
    #[serde(serialize_with = "finite")]
    pub error: f64,
    /// The step with which it was measured.
    pub epsilon: f64,
}

/// What the figures suggest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// Rate of a round's update.
    pub lr: f64,
    /// Step.
    pub epsilon: f64,
    /// Probes S of a client.
    pub probes: u32,
    /// More probes than the table has would still pay.
    pub more_probes: bool,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The adapter's name.
    pub device: String,
    /// Which weights.
    pub at: &'static str,
    /// Parameters.
    pub params: usize,
    /// Clients.
    pub clients: usize,
    /// Their samples.
    pub samples: u64,
    /// Probes of a client at each setting.
    pub draws: u32,
    /// Mean loss over the samples.
    #[serde(serialize_with = "finite")]
    pub loss: f64,
    /// Length of its true gradient.
    #[serde(serialize_with = "finite")]
    pub gradient_norm: f64,
    /// Mean cosine of a client's gradient with the mean one.
    #[serde(serialize_with = "finite")]
    pub client_cosine: f64,
    /// Trace of the Hessian; null without two-sided rows.
    pub hessian: Option<Hessian>,
    /// The table; the config's own row is the first.
    pub rows: Vec<Row>,
    /// Each tensor, in flat order.
    pub layers: Vec<LayerRow>,
    /// What follows.
    pub suggest: Suggestion,
}

impl Hessian {
    /// A trace measured with a step.
    pub(super) fn of(figure: Figure, epsilon: f64) -> Self {
        Self { trace: figure.value, error: figure.error, epsilon }
    }
}
