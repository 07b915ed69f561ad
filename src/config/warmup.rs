//! `[warmup]`: the first-order phase.

use super::error::ConfigError;
use super::names::WarmupAlgorithm;
use super::ranges::{KEPT, MANY, MILLION, POSITIVE, RATE, SHARE, kept, positive, rate, share};
use super::reader::Section;
use serde::Serialize;

/// Most local epochs of a round, whose order is drawn as a whole.
const MOST_EPOCHS: u32 = 1000;

/// `[warmup]`: rounds of backprop, on the high-resource clients (`heterofl`: on all).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WarmupConfig {
    /// Rounds; 0 skips the phase.
    pub rounds: u32,
    /// How the server joins weights.
    pub algorithm: WarmupAlgorithm,
    /// Passes over a client's samples each round.
    pub local_epochs: u32,
    /// Samples of a local step.
    pub batch: u32,
    /// Rate of a client's local steps.
    pub client_lr: f64,
    /// Factor on that rate, each round.
    pub client_lr_decay: f64,
    /// What a client's steps keep of the step before; 0 at the start of each round.
    pub momentum: f64,
    /// This times the weights is added to a client's gradient.
    pub weight_decay: f64,
    /// Norm that a client's gradient is scaled to where it is longer; 0: never.
    pub clip_norm: f64,
    /// `fedprox`: this times what a client's weights have moved by is added to its gradient.
    pub proximal_mu: f64,
    /// Rate of the server's step towards the clients' mean.
    pub server_lr: f64,
    /// `fedavgm`: what the server's steps keep of the step before.
    pub server_momentum: f64,
    /// `fedadam`: decay of the mean of steps.
    pub server_beta1: f64,
    /// `fedadam`: decay of the mean of squared steps.
    pub server_beta2: f64,
    /// `fedadam`: added to the root of the latter.
    pub server_epsilon: f64,
    /// `fedadam`: both means start at 0 and are divided by what they lack for it.
    pub server_bias_correction: bool,
    /// Share of the clients of the phase in each round.
    pub participation: f64,
}

impl WarmupConfig {
    pub(super) fn read(s: &Section<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            rounds: s.count("rounds", 200, 0..=MANY)?,
            algorithm: s.choice("algorithm", WarmupAlgorithm::FedAvg, WarmupAlgorithm::NAMES)?,
            local_epochs: s.count("local_epochs", 3, 1..=MOST_EPOCHS)?,
            batch: s.count("batch", 64, 1..=MILLION)?,
            client_lr: s.number("client_lr", 0.05, RATE, rate)?,
            client_lr_decay: s.number("client_lr_decay", 1.0, POSITIVE, positive)?,
            momentum: s.number("momentum", 0.0, KEPT, kept)?,
            weight_decay: s.number("weight_decay", 0.0, RATE, rate)?,
            clip_norm: s.number("clip_norm", 0.0, RATE, rate)?,
            proximal_mu: s.number("proximal_mu", 0.01, RATE, rate)?,
            server_lr: s.number("server_lr", 1.0, RATE, rate)?,
            server_momentum: s.number("server_momentum", 0.9, KEPT, kept)?,
            server_beta1: s.number("server_beta1", 0.9, KEPT, kept)?,
            server_beta2: s.number("server_beta2", 0.999, KEPT, kept)?,
            server_epsilon: s.number("server_epsilon", 1e-3, POSITIVE, positive)?,
            server_bias_correction: s.flag("server_bias_correction", false)?,
            participation: s.number("participation", 1.0, SHARE, share)?,
        })
    }
}
