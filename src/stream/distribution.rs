//! The distributions' names and constants (perturbation-stream, Distributions).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the elements of a perturbation are drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// +1 or -1, a bit each.
    Rademacher,
    /// Centred popcount of a word, an integer in [-16, 16].
    Binomial,
    /// Standard normal by Box-Muller.
    Gaussian,
    /// Uniform in (-1, 1).
    Uniform,
    /// A gaussian direction scaled to the sphere of radius `sqrt(d)`.
    Sphere,
}

/// A distribution's name that doesn't exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown distribution `{0}`, expected rademacher, binomial, gaussian, uniform or sphere")]
pub struct UnknownDistribution(pub String);

impl Distribution {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Rademacher,
        Self::Binomial,
        Self::Gaussian,
        Self::Uniform,
        Self::Sphere,
    ];

    /// The name in configs and ledgers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rademacher => "rademacher",
            Self::Binomial => "binomial",
            Self::Gaussian => "gaussian",
            Self::Uniform => "uniform",
            Self::Sphere => "sphere",
        }
    }

    /// The factor that gives an element unit variance. Of `sphere` 1: its own factor depends on the seed.
    pub const fn scale(self) -> f64 {
        match self {
            Self::Rademacher | Self::Gaussian | Self::Sphere => 1.0,
            // The quotient 1 / sqrt(8) of the rounded root, not the correctly rounded 1/sqrt(8).
            Self::Binomial => f64::from_bits(0x3FD6_A09E_667F_3BCC),
            // sqrt(3), correctly rounded.
            Self::Uniform => f64::from_bits(0x3FFB_B67A_E858_4CAA),
        }
    }

    /// The largest magnitude of an element, rounded up to an integer (`m` of the exact replay).
    pub const fn max_abs(self) -> u32 {
        match self {
            Self::Rademacher | Self::Uniform => 1,
            Self::Binomial => 16,
            // sqrt(-2 ln 2^-24) = 5.77
            Self::Gaussian | Self::Sphere => 6,
        }
    }

    /// Whether elements are integers, and so a replay is bit-identical everywhere.
    pub const fn is_exact(self) -> bool {
        matches!(self, Self::Rademacher | Self::Binomial)
    }

    /// The third word of the counter, and the number by which `stream_element` of the shaders knows it.
    pub const fn stream_id(self) -> u32 {
        match self {
            Self::Rademacher => 0,
            Self::Binomial => 1,
            Self::Gaussian | Self::Sphere => 2,
            Self::Uniform => 3,
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Distribution {
    type Err = UnknownDistribution;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|d| d.name() == text)
            .ok_or_else(|| UnknownDistribution(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_scales() {
        for dist in Distribution::ALL {
            assert_eq!(dist.to_string().parse(), Ok(dist));
            assert_eq!(serde_json::to_string(&dist).unwrap(), format!("\"{dist}\""));
        }
        assert!("normal".parse::<Distribution>().is_err());
        assert_eq!(Distribution::Binomial.scale(), 1.0 / 8f64.sqrt());
        assert_eq!(Distribution::Uniform.scale(), 3f64.sqrt());
    }
}
