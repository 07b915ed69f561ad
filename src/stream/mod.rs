//! Distributions of the perturbation stream: their names.

use serde::{Deserialize, Serialize};

/// A distribution of the perturbation stream (perturbation-stream, Distributions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Signs, 128 to a Philox block.
    Rademacher,
    /// Centred population count of a word, an integer in [-16, 16].
    Binomial,
    /// Box-Muller pairs.
    Gaussian,
    /// Odd multiples of 2^-24 in (-1, 1).
    Uniform,
    /// A Gaussian vector scaled to norm sqrt(d).
    Sphere,
}

impl Distribution {
    /// The lower-case name, as in configs and ledgers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rademacher => "rademacher",
            Self::Binomial => "binomial",
            Self::Gaussian => "gaussian",
            Self::Uniform => "uniform",
            Self::Sphere => "sphere",
        }
    }
}

impl std::fmt::Display for Distribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

impl std::str::FromStr for Distribution {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Rademacher, Self::Binomial, Self::Gaussian, Self::Uniform, Self::Sphere]
            .into_iter()
            .find(|d| d.name() == name)
            .ok_or_else(|| format!("`{name}` is no distribution; expected rademacher, binomial, gaussian, uniform or sphere"))
    }
}
