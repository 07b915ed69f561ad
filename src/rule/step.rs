//! A round as a step of the weights: data, before anything is applied.

use super::coefficients::{StepRule, quantise};
use super::{RuleError, sphere};
use crate::ledger::{Header, Optimizer, Round};
use crate::stream::Distribution;

/// What a round does to the weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    Skip,
    /// `w_i += f32(sum_j q_j e_i(seed_j)) * 2^-E`: the same bits on every device (perturbation-stream, Exact replay, step 5).
    Exact {
        /// A seed an entry.
        seeds: Vec<u64>,
        /// An integer coefficient an entry.
        q: Vec<i32>,
        /// E.
        scale_exp: i32,
    },
    /// `w_i += sum_j a_j e_i(seed_j)` in f32.
    Float {
        /// A seed an entry.
        seeds: Vec<u64>,
        /// A coefficient an entry, `tau` and the distribution's scale (of `sphere` the seed's own factor) in it.
        a: Vec<f32>,
    },
}

/// How pairs of seed and number become a step: what a ledger's header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What perturbations are drawn from.
    pub distribution: Distribution,
    /// Standard deviation of a perturbation.
    pub tau: f64,
    /// Step of the two-sided difference.
    pub epsilon: f64,
    /// Length d of the flat parameter vector.
    pub params: usize,
    /// Rounds carry integers, and a replay is bit-identical.
    pub exact: bool,
}

impl Rule {
    /// The rule of a ledger.
    ///
    /// # Errors
    /// [`RuleError::Unsupported`]: an optimiser with state.
    pub fn of(header: &Header) -> Result<Self, RuleError> {
        match header.optimizer {
            None | Some(Optimizer::Sgd {}) => Ok(Self {
                distribution: header.distribution,
                tau: header.tau,
                epsilon: header.epsilon,
                params: header.params as usize,
                exact: header.exact,
            }),
            Some(Optimizer::Momentum { .. } | Optimizer::Adam { .. }) => Err(RuleError::Unsupported {
                field: "optimizer",
                message: "only sgd can be replayed in this version".to_owned(),
            }),
        }
    }

    /// Step 1 of the exact replay for a round: a coefficient an entry, in f64.
    fn coefficients(&self, round: &Round) -> Vec<f64> {
        let rule = StepRule { lr: round.lr, epsilon: self.epsilon, tau: self.tau, scale: self.distribution.scale() };
        rule.coefficients(round.probes.iter().map(|p| (p.weight, p.dl)))
    }

    /// Fills in what a new round's numbers come to: `scale_exp`, `q` and `skipped`, where the rule is exact.
    pub fn settle(&self, round: &mut Round) {
        if !self.exact {
            return;
        }
        let integers = quantise(&self.coefficients(round), self.distribution.max_abs());
        for (entry, &q) in round.probes.iter_mut().zip(&integers.q) {
            entry.q = Some(q);
        }
        round.scale_exp = Some(integers.scale_exp);
        round.skipped = integers.skipped;
    }

    /// What a settled round does: from its integers where it has them, else from its numbers.
    pub fn step(&self, round: &Round) -> Step {
        let seeds: Vec<u64> = round.probes.iter().map(|p| p.seed).collect();
        match round.scale_exp {
            _ if round.skipped => Step::Skip,
            Some(scale_exp) => {
                Step::Exact { seeds, q: round.probes.iter().map(|p| p.q.unwrap_or(0)).collect(), scale_exp }
            }
            None => {
                let a = self.coefficients(round).into_iter().zip(&seeds);
                let a = a.map(|(a, &seed)| match self.distribution {
                    Distribution::Sphere if a != 0.0 => (a * sphere::factor(seed, self.params)) as f32,
                    _ => a as f32,
                });
                Step::Float { a: a.collect(), seeds }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Entry;

    fn round(dl: &[f32]) -> Round {
        let entry = |(j, &dl): (usize, &f32)| Entry {
            client: j as u32,
            step: None,
            k: None,
            seed: 7 + j as u64,
            weight: 0.25,
            dl: Some(dl).filter(|dl| dl.is_finite()),
            q: None,
        };
        let probes = dl.iter().enumerate().map(entry).collect();
        Round { round: 3, lr: 0.5, scale_exp: None, skipped: false, probes, fingerprint: 0 }
    }

    fn rule(distribution: Distribution) -> Rule {
        Rule { distribution, tau: 0.5, epsilon: 1e-2, params: 100, exact: distribution.is_exact() }
    }

    #[test]
    fn a_round_is_settled_once_and_stepped_from_its_integers() {
        let rule = rule(Distribution::Rademacher);
        let mut settled = round(&[0.5, f32::NAN, -0.25]);
        rule.settle(&mut settled);
        let Step::Exact { seeds, q, scale_exp } = rule.step(&settled) else { panic!("{settled:?}") };
        assert_eq!(seeds, [7, 8, 9]);
        // a = -0.5 * 0.25 * 0.5 / 0.02 * 0.5 = -1.5625, 0, 0.78125; their sum 2.34375 = 0.586 * 2^2.
        assert_eq!((scale_exp, &q[..]), (21, &[-3_276_800, 0, 1_638_400][..]));
        // What stands in a ledger counts, not what its numbers would come to.
        settled.probes[0].q = Some(1);
        assert!(matches!(rule.step(&settled), Step::Exact { q, .. } if q[0] == 1));
        let mut nothing = round(&[0.0, f32::NAN]);
        rule.settle(&mut nothing);
        assert_eq!(rule.step(&nothing), Step::Skip);
    }

    #[test]
    fn the_golden_ledgers_are_settled_alike() {
        for name in ["replay-small", "replay-binomial"] {
            let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
            let ledger = crate::ledger::Ledger::read(&golden.join("ledger.jsonl")).unwrap();
            let rule = Rule::of(&ledger.header).unwrap();
            assert_eq!(ledger.rounds.len(), 5);
            for round in &ledger.rounds {
                let mut ours = round.clone();
                (ours.scale_exp, ours.skipped) = (None, false);
                ours.probes.iter_mut().for_each(|p| p.q = None);
                rule.settle(&mut ours);
                assert_eq!(&ours, round, "{name}");
            }
        }
    }

    #[test]
    fn optimisers_with_state_are_refused() {
        let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/replay-small/ledger.jsonl");
        let mut header = crate::ledger::Ledger::read(&golden).unwrap().header;
        header.optimizer = Some(Optimizer::Momentum { beta: 0.9 });
        assert!(Rule::of(&header).unwrap_err().to_string().starts_with("optimizer: only sgd"));
    }

    #[test]
    fn a_sphere_takes_its_own_factor_for_each_seed() {
        let round = round(&[0.5, -0.25]);
        let (Step::Float { a: gaussian, .. }, Step::Float { a: sphere, .. }) =
            (rule(Distribution::Gaussian).step(&round), rule(Distribution::Sphere).step(&round))
        else {
            panic!("neither is exact")
        };
        for (j, (a, b)) in gaussian.iter().zip(&sphere).enumerate() {
            let factor = sphere::factor(7 + j as u64, 100);
            assert!((f64::from(*b) / (f64::from(*a) * factor) - 1.0).abs() < 1e-6 && factor != 1.0, "{a} {b} {factor}");
        }
    }
}
