//! What a config's zeroth-order phase is to a ledger and to the engine.

use super::norm_statistics;
use crate::caps::Precision;
use crate::config::{NormStatistics, Normalise, Uplink, ZoConfig, ZoOptimizer};
use crate::engine::{ProbeSettings, Sides};
use crate::fed::experiment::Experiment;
use crate::fed::folder::PIVOT;
use crate::ledger::{self, FORMAT, Header, Optimizer, VERSION, VERSION_2};

/// How a config perturbs.
pub fn settings(experiment: &Experiment) -> ProbeSettings {
    let zo = &experiment.config.zo;
    ProbeSettings {
        distribution: zo.distribution,
        tau: zo.tau,
        epsilon: zo.epsilon,
        sides: if zo.sides == 1 { Sides::One } else { Sides::Two },
        batch_statistics: norm_statistics(experiment) == NormStatistics::Refreshed,
    }
}

/// The header of an experiment's ledger, whose base has this SHA-256; with the relative error of differences where products aren't f32.
pub fn header(experiment: &Experiment, base_sha256: &str, dl_error: Option<f64>) -> Header {
    let (zo, precision) = (&experiment.config.zo, experiment.precision());
    let optimizer = optimizer(zo);
    let exact = zo.distribution.is_exact() && optimizer == Optimizer::Sgd {};
    let refreshed = norm_statistics(experiment) == NormStatistics::Refreshed;
    let mut header = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        model: experiment.model.clone(),
        params: experiment.graph.param_count() as u64,
        distribution: zo.distribution,
        tau: zo.tau,
        epsilon: zo.epsilon,
        exact,
        optimizer: (!exact).then_some(optimizer),
        base: PIVOT.to_owned(),
        base_sha256: base_sha256.to_owned(),
        run_seed: experiment.config.seeds.probes,
        seed_pool: (zo.seed_pool > 0).then_some(zo.seed_pool),
        sides: (zo.sides == 1).then_some(1),
        uplink: match zo.uplink {
            Uplink::F32 | Uplink::Weights => None,
            Uplink::F16 => Some(ledger::Uplink::F16),
            Uplink::Sign => Some(ledger::Uplink::Sign),
        },
        shared_seeds: zo.shared_seeds,
        normalise: (zo.normalise == Normalise::Deviation).then_some(ledger::Normalise::Deviation),
        precision: (precision != Precision::F32).then(|| precision.name().to_owned()),
        dl_error,
        norm_statistics: refreshed.then(|| NormStatistics::Refreshed.name().to_owned()),
    };
    // Rounds with steps or a dense part are lines of the second version.
    if header.needs_version_2() || zo.local_steps > 1 || zo.participants.is_mixed() {
        header.version = VERSION_2;
    }
    header
}

fn optimizer(zo: &ZoConfig) -> Optimizer {
    match zo.optimizer {
        ZoOptimizer::Sgd => Optimizer::Sgd {},
        ZoOptimizer::Momentum => Optimizer::Momentum { beta: zo.momentum },
        ZoOptimizer::Adam => Optimizer::Adam {
            beta1: zo.beta1,
            beta2: zo.beta2,
            epsilon: zo.optimizer_epsilon,
            bias_correction: zo.bias_correction,
        },
        ZoOptimizer::Hessian => Optimizer::Hessian { nu: zo.nu, epsilon: zo.optimizer_epsilon },
    }
}
