//! `[zo]`: the zeroth-order phase.

use super::error::ConfigError;
use super::names::{NormStatistics, Normalise, Uplink, ZoOptimizer, ZoParticipants};
use super::ranges::{KEPT, MANY, MILLION, POSITIVE, RATE, SHARE, kept, positive, rate, share};
use super::reader::Section;
use crate::caps::Precision;
use crate::stream::Distribution;
use serde::{Serialize, Serializer};

/// Most probes of a client and step, and most local steps. What a round may have of all clients together is [`MOST_PAIRS`].
const MOST_PROBES: u32 = 100_000;
/// Most (seed, number) pairs of a zeroth-order round: clients times local steps times probes.
pub(super) const MOST_PAIRS: u64 = 1 << 22;

/// `zo.epsilon` where it is left out: the paper's, and what f16 leaves differences apart at.
pub(super) fn usual_epsilon(precision: Precision) -> f64 {
    match precision {
        Precision::F32 | Precision::F16x3 => 1e-4,
        Precision::F16 => 1e-3,
    }
}

/// `zo.lr`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ZoRate {
    /// This.
    Fixed(f64),
    /// By the number of weights and of a round's seeds.
    Auto,
}

impl Serialize for ZoRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fixed(lr) => serializer.serialize_f64(*lr),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

/// `[zo]`: the zeroth-order phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZoConfig {
    /// Rounds; 0 skips the phase.
    pub rounds: u32,
    /// Probes S of a client and step.
    pub probes: u32,
    /// Standard deviation of a perturbation's entries.
    pub tau: f64,
    /// Finite-difference step along the perturbation.
    pub epsilon: f64,
    /// Distribution of the perturbation.
    pub distribution: Distribution,
    /// Evaluations of a probe along its perturbation: 2, both ways, or 1, beside one of the weights themselves a step.
    pub sides: u32,
    /// Rate of the round's update.
    pub lr: ZoRate,
    /// Factor on the rate, each round.
    pub lr_decay: f64,
    /// The rate falls where the loss rises above its running mean, and rises slowly elsewhere.
    pub rate_guard: bool,
    /// What the rate is divided by.
    pub normalise: Normalise,
    /// Steps of a client in a round.
    pub local_steps: u32,
    /// Rate of a client's own steps where there are several; 0: the round's.
    pub local_lr: f64,
    /// Samples of a client's step; 0: all of them, or as many equal parts as there are steps.
    pub batch: u32,
    /// Seeds of the pool that probes draw from; 0: none, every seed is new.
    pub seed_pool: u32,
    /// All clients of a round try the same seeds.
    pub shared_seeds: bool,
    /// What a client sends of a probe.
    pub uplink: Uplink,
    /// Who takes part.
    pub participants: ZoParticipants,
    /// Share of them in each round.
    pub participation: f64,
    /// How the server applies the estimate.
    pub optimizer: ZoOptimizer,
    /// `momentum`: what a step keeps of the step before.
    pub momentum: f64,
    /// `adam`: decay of the mean of estimates.
    pub beta1: f64,
    /// `adam`: decay of the mean of squared estimates.
    pub beta2: f64,
    /// `adam`: added to the root of the latter; `hessian`: added under the root.
    pub optimizer_epsilon: f64,
    /// `adam`: both means start at 0 and are divided by what they lack for it.
    pub bias_correction: bool,
    /// `hessian`: decay of the diagonal.
    pub nu: f64,
    /// Batch norm's statistics.
    pub norm_statistics: NormStatistics,
}

impl ZoConfig {
    /// Products of this precision decide what epsilon is where it is left out.
    pub(super) fn read(s: &Section<'_>, precision: Precision) -> Result<Self, ConfigError> {
        let distributions = &["rademacher", "binomial", "gaussian", "uniform", "sphere"];
        let lr = s.number_or("lr", 0.05, "auto", "a finite number of at least 0, or \"auto\"", rate)?;
        let zo = Self {
            rounds: s.count("rounds", 300, 0..=MANY)?,
            probes: s.count("probes", 3, 1..=MOST_PROBES)?,
            tau: s.number("tau", 0.75, POSITIVE, positive)?,
            epsilon: s.number("epsilon", usual_epsilon(precision), POSITIVE, positive)?,
            distribution: s.choice("distribution", Distribution::Rademacher, distributions)?,
            sides: s.count("sides", 2, 1..=2)?,
            lr: lr.map_or(ZoRate::Auto, ZoRate::Fixed),
            lr_decay: s.number("lr_decay", 1.0, POSITIVE, positive)?,
            rate_guard: s.flag("rate_guard", false)?,
            normalise: s.choice("normalise", Normalise::None, Normalise::NAMES)?,
            local_steps: s.count("local_steps", 1, 1..=MOST_PROBES)?,
            local_lr: s.number("local_lr", 0.0, RATE, rate)?,
            batch: s.count("batch", 0, 0..=MILLION)?,
            seed_pool: s.count("seed_pool", 0, 0..=MANY)?,
            shared_seeds: s.flag("shared_seeds", false)?,
            uplink: s.choice("uplink", Uplink::F32, Uplink::NAMES)?,
            participants: s.choice("participants", ZoParticipants::All, ZoParticipants::NAMES)?,
            participation: s.number("participation", 1.0, SHARE, share)?,
            optimizer: s.choice("optimizer", ZoOptimizer::Sgd, ZoOptimizer::NAMES)?,
            momentum: s.number("momentum", 0.9, KEPT, kept)?,
            beta1: s.number("beta1", 0.9, KEPT, kept)?,
            beta2: s.number("beta2", 0.999, KEPT, kept)?,
            optimizer_epsilon: s.number("optimizer_epsilon", 1e-3, POSITIVE, positive)?,
            bias_correction: s.flag("bias_correction", false)?,
            nu: s.number("nu", 0.99, KEPT, kept)?,
            norm_statistics: s.choice("norm_statistics", NormStatistics::Frozen, NormStatistics::NAMES)?,
        };
        if !((zo.epsilon * zo.tau) as f32).is_normal() {
            let expected = format!("a value whose product with zo.tau ({}) is a normal f32", zo.tau);
            return Err(s.error("epsilon", zo.epsilon, expected));
        }
        zo.check(s).map(|()| zo)
    }

    /// What the keys of this section decide together.
    fn check(&self, s: &Section<'_>) -> Result<(), ConfigError> {
        let quoted = |name: &str| format!("\"{name}\"");
        let high = matches!(self.participants, ZoParticipants::HighFirstOrder | ZoParticipants::HighGradient);
        let steps = self.local_steps;
        if self.local_lr > 0.0 && steps == 1 {
            return Err(s.error(
                "local_lr",
                self.local_lr,
                "0 with zo.local_steps = 1: it is the rate of steps that a client takes on its own copy",
            ));
        }
        if self.uplink == Uplink::Sign {
            let expected = match () {
                () if !self.shared_seeds => {
                    "another uplink, or zo.shared_seeds = true: the majority is one of clients that tried the same seed"
                }
                () if steps > 1 => "another uplink, or zo.local_steps = 1: a sign says nothing about a step's length",
                () if self.normalise != Normalise::None => {
                    "another uplink, or zo.normalise = \"none\": a sign has no deviation"
                }
                () if high => {
                    "another uplink, or zo.participants \"all\", \"low\" or \"high\": a majority has no weight beside gradients"
                }
                () => return Ok(()),
            };
            return Err(s.error("uplink", quoted("sign"), expected));
        }
        if self.normalise == Normalise::Deviation {
            let expected = match () {
                () if self.sides != 1 => "\"none\", or zo.sides = 1: the deviation is of losses at perturbed weights",
                () if self.probes < 2 => "\"none\", or zo.probes of at least 2: one loss has no deviation",
                () if steps > 1 => "\"none\", or zo.local_steps = 1: the deviation is that of one step's losses",
                () => return Ok(()),
            };
            return Err(s.error("normalise", quoted("deviation"), expected));
        }
        if self.norm_statistics == NormStatistics::Refreshed && (steps > 1 || self.batch > 0 || high) {
            let expected = "\"frozen\" or \"recomputed\" where a client takes several steps, steps on a part of its samples, or steps by backprop: the statistics would be those of different weights or samples than the ledger's";
            return Err(s.error("norm_statistics", quoted("refreshed"), expected));
        }
        Ok(())
    }
}
