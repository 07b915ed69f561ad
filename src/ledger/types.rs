//! The lines of a ledger as types. Field order is the order in the file.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use crate::stream::Distribution;

/// `format` of every header.
pub const FORMAT: &str = "zo-ledger";
/// `version` of a ledger that needs none of what the second version adds.
pub const VERSION: u32 = 1;
/// `version` of one that does (methods.md, Ledger).
pub const VERSION_2: u32 = 2;
/// `client` of an entry that all clients of the round share.
pub const EVERYONE: u32 = u32::MAX;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`] or [`VERSION_2`].
    pub version: u32,
    /// The model table.
    pub model: Value,
    /// Length d of the flat parameter vector.
    pub params: u64,
    /// What the perturbations are drawn from.
    pub distribution: Distribution,
    /// Standard deviation of a perturbation.
    pub tau: f64,
    /// Step of the two-sided difference.
    pub epsilon: f64,
    /// Whether rounds carry `scale_exp` and `q`, and a replay is bit-identical.
    pub exact: bool,
    /// The server's optimiser; present where not exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// File of the base weights, beside the ledger.
    pub base: String,
    /// SHA-256 of that file, 64 hex digits.
    pub base_sha256: String,
    /// The seed that probe seeds derive from.
    #[serde(with = "hex64")]
    pub run_seed: u64,
    /// K, where seeds come from a fixed pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed_pool: Option<u32>,
    /// 1 where differences are one-sided; absent where two-sided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sides: Option<u32>,
    /// What a client sends of a probe, where it isn't the difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uplink: Option<Uplink>,
    /// All clients of a round try the same seeds; an entry is their weighted mean.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared_seeds: bool,
    /// What rates are divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<Normalise>,
    /// The precision of products, where it isn't f32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// Relative error of differences in that precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dl_error: Option<f64>,
    /// The policy for running statistics, where a replay must know it (`refreshed`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub norm_statistics: Option<String>,
}

impl Header {
    /// Whether the header alone makes it a ledger of the second version: one of its fields, or an optimiser with state.
    pub fn needs_version_2(&self) -> bool {
        let added = self.sides.is_some() || self.uplink.is_some() || self.shared_seeds || self.normalise.is_some();
        let measured = self.precision.is_some() || self.dl_error.is_some();
        let state = self.optimizer.is_some_and(|optimizer| optimizer != Optimizer::Sgd {});
        added || measured || state || self.seed_pool.is_some()
    }
}

/// What a client sends of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Uplink {
    /// The slope, rounded to 16 bits.
    F16,
    /// The slope's sign: entries' `dl` is the majority's, +1 or -1.
    Sign,
}

/// What a round's rate is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalise {
    /// The deviation of the perturbed losses over epsilon.
    Deviation,
}

/// The server's optimiser of a ledger that is not exact.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Plain steps.
    Sgd {},
    /// Heavy-ball momentum.
    Momentum {
        /// Decay of the velocity.
        beta: f64,
    },
    /// Adam.
    Adam {
        /// Decay of the first moment.
        beta1: f64,
        /// Decay of the second moment.
        beta2: f64,
        /// Added to the root.
        epsilon: f64,
        /// Moments start at 0 and are corrected for it; else the second starts at the square of `epsilon`.
        #[serde(default)]
        bias_correction: bool,
    },
    /// Steps divided by the root of a diagonal.
    Hessian {
        /// Decay of the diagonal, which starts at 1.
        nu: f64,
        /// Added under the root.
        epsilon: f64,
    },
}

/// One ZO round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// Absolute, 0-based.
    pub round: u32,
    /// Rate of the round's update.
    pub lr: f64,
    /// `E` of the exact replay; absent where the ledger is not exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_exp: Option<i32>,
    /// The round changes nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
    /// In the order in which coefficients are added up.
    pub probes: Vec<Entry>,
    /// What is added to the weights after the round's step: the part of clients that went on with backprop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dense: Option<Dense>,
    /// Of the weights after the round.
    #[serde(with = "hex64")]
    pub fingerprint: u64,
}

/// A file of f32, one a parameter, under the model's tensor names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Its path, relative to the ledger's folder.
    pub file: String,
    /// SHA-256 of its content, 64 hex digits.
    pub sha256: String,
}

/// One probe of a round, as a ledger keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The client's index; [`EVERYONE`] where seeds are shared.
    pub client: u32,
    /// The client's local step, where a round has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// Index into the pool, where the header has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<u32>,
    /// The perturbation's seed.
    #[serde(with = "hex64")]
    pub seed: u64,
    /// The client's share divided by its number of probes in a step.
    pub weight: f64,
    /// `L(w + eps z) - L(w - eps z)`; `None` where it is not finite.
    #[serde(deserialize_with = "required_f32")]
    pub dl: Option<f32>,
    /// The integer coefficient; absent where the ledger is not exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<i32>,
}

// A function of its own makes a missing `dl` an error: only `null` means not finite.
fn required_f32<'de, D: Deserializer<'de>>(de: D) -> Result<Option<f32>, D::Error> {
    let value = Option::<f32>::deserialize(de)?;
    match value {
        Some(v) if !v.is_finite() => Err(D::Error::custom("expected a number that fits an f32, or null")),
        _ => Ok(value),
    }
}

/// Reads exactly 16 hex digits.
pub fn parse_hex64(text: &str) -> Option<u64> {
    (text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit()))
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten()
}

/// u64 as 16 hex digits.
mod hex64 {
    use super::*;

    pub fn serialize<S: Serializer>(value: &u64, ser: S) -> Result<S::Ok, S::Error> {
        ser.collect_str(&format_args!("{value:016x}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(de: D) -> Result<u64, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(de)?;
        parse_hex64(&text).ok_or_else(|| D::Error::custom(format!("expected 16 hex digits, found `{text}`")))
    }
}
