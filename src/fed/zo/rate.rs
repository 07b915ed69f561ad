//! The rate of each round's update (methods.md, Rate).

use crate::config::{ZoConfig, ZoRate};
use crate::engine::power;
use crate::layers::kind;
use crate::model::Graph;

/// Of the automatic rate, for models of linear layers.
const LINEAR: f64 = 0.02;
/// The same with convolutions or attention.
const CONVOLUTIONS: f64 = 0.003;
/// What the guard does to the rate where the loss is above its running mean, and elsewhere.
const GUARD: (f64, f64) = (0.85, 1.01);
/// What the running mean keeps of itself.
const KEEPS: f64 = 0.7;

/// Rates of a phase, in the order of its rounds.
#[derive(Clone, Debug)]
pub struct Rates {
    lr: ZoRate,
    decay: f64,
    tau: f64,
    params: usize,
    constant: f64,
    /// The guard's factor, where there is one, and the running mean of the losses once there is any.
    guard: Option<(f64, Option<f64>)>,
}

impl Rates {
    /// Before the first round.
    pub fn new(zo: &ZoConfig, graph: &Graph) -> Self {
        let linear = graph.nodes.iter().all(|node| !kind(&node.layer).mixes_places());
        Self {
            lr: zo.lr,
            decay: zo.lr_decay,
            tau: zo.tau,
            params: graph.param_count(),
            constant: if linear { LINEAR } else { CONVOLUTIONS },
            guard: zo.rate_guard.then_some((1.0, None)),
        }
    }

    /// The rate of the phase's round `nth` (from 0), which tries `seeds` different seeds.
    pub fn of(&self, nth: u32, seeds: usize) -> f64 {
        let lr = match self.lr {
            ZoRate::Fixed(lr) => lr,
            ZoRate::Auto => self.constant * seeds as f64 / (self.tau * self.tau * (self.params as f64).sqrt()),
        };
        lr * power(self.decay, nth.into()) * self.guard.map_or(1.0, |(factor, _)| factor)
    }

    /// Follows a round's mean loss, (L+ + L-) / 2 over all of its probes; one that isn't finite says nothing.
    pub fn follow(&mut self, loss: Option<f64>) {
        let (Some((factor, mean)), Some(loss)) = (&mut self.guard, loss.filter(|loss| loss.is_finite())) else {
            return;
        };
        let before = mean.unwrap_or(loss);
        *factor *= if loss > before { GUARD.0 } else { GUARD.1 };
        *mean = Some(KEEPS * before + (1.0 - KEEPS) * loss);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::model::ModelSpec;

    fn rates(sets: &[&str], table: serde_json::Value) -> Rates {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        Rates::new(&Config::load(None, &sets).unwrap().zo, &graph)
    }

    #[test]
    fn the_automatic_rate_is_that_of_the_formula() {
        let mlp = serde_json::json!({"kind": "mlp", "input": 8, "hidden": [6], "classes": 4});
        let conv = serde_json::json!({"kind": "sequential", "input": [1, 4, 4], "classes": 2,
            "layers": [{"conv": 2, "kernel": 3}, "flatten", {"linear": 2}]});
        let auto = rates(&["zo.lr=auto", "zo.tau=0.5", "zo.lr_decay=0.5"], mlp);
        // 0.02 * 60 / (0.25 * sqrt(82)) / 4
        assert!((auto.of(2, 60) - 0.132_518).abs() < 1e-6, "{}", auto.of(2, 60));
        let conv = rates(&["zo.lr=auto", "zo.tau=1.0"], conv);
        let params = conv.params as f64;
        assert_eq!(conv.of(0, 5), 0.003 * 5.0 / params.sqrt());
    }

    #[test]
    fn the_guard_lowers_the_rate_above_the_running_mean() {
        let mlp = serde_json::json!({"kind": "mlp", "input": 8, "hidden": [6], "classes": 4});
        let mut rates = rates(&["zo.lr=1.0", "zo.rate_guard=true"], mlp);
        assert_eq!(rates.of(0, 1), 1.0);
        // The first loss is the mean.
        rates.follow(Some(2.0));
        assert_eq!(rates.of(1, 1), 1.01);
        // Above it; the mean is 2.3 then, and below that.
        rates.follow(Some(3.0));
        assert_eq!(rates.of(2, 1), 1.01 * 0.85);
        rates.follow(Some(2.2));
        assert_eq!(rates.of(3, 1), 1.01 * 0.85 * 1.01);
        rates.follow(None);
        rates.follow(Some(f64::NAN));
        assert_eq!(rates.of(4, 1), 1.01 * 0.85 * 1.01);
    }
}
