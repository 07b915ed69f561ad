//! A round as a step of the weights: data, before anything is applied.

use super::coefficients::{Number, StepRule, pooled};
use crate::engine::ServerOptimizer;
use crate::ledger::{Coefficients, Entry, Header, Optimizer, Round, Uplink, quantise};
use crate::stream::Distribution;

/// What a round does to the weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing.
    Skip,
    /// `w_i += f32(sum_j q_j e_i(seed_j)) * 2^-E`: the same bits on every device (perturbation-stream, Exact replay, step 5).
    Exact {
        /// A seed an entry that moves anything.
        seeds: Vec<u64>,
        /// An integer coefficient an entry.
        q: Vec<i32>,
        /// E.
        scale_exp: i32,
    },
    /// `w_i += sum_j a_j e_i(seed_j)` in f32; of `sphere` each coefficient is multiplied by the seed's own factor first.
    Float {
        /// A seed an entry.
        seeds: Vec<u64>,
        /// A coefficient an entry, `tau` and the distribution's scale in it.
        a: Vec<f64>,
    },
    /// The same sum without the rate, less than which the optimiser makes of it, times the rate, is added (methods.md, Zeroth order).
    Optimised {
        /// A seed an entry.
        seeds: Vec<u64>,
        /// A coefficient an entry: `-g = sum_j a_j e(seed_j)`.
        a: Vec<f64>,
        /// The round's rate.
        lr: f64,
    },
}

/// How pairs of seed and number become a step: what a ledger's header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What perturbations are drawn from.
    pub distribution: Distribution,
    /// Standard deviation of a perturbation.
    pub tau: f64,
    /// Step of the difference.
    pub epsilon: f64,
    /// Differences are between the weights moved and not moved, not moved both ways.
    pub one_sided: bool,
    /// Numbers are signs of slopes.
    pub signs: bool,
    /// Entries have pool indices; those of one index are added up before they are rounded.
    pub pool: bool,
    /// What the server makes of the estimate.
    pub optimizer: ServerOptimizer,
    /// Rounds carry integers, and a replay is bit-identical.
    pub exact: bool,
}

impl Rule {
    /// The rule of a ledger.
    pub fn of(header: &Header) -> Self {
        Self {
            distribution: header.distribution,
            tau: header.tau,
            epsilon: header.epsilon,
            one_sided: header.sides == Some(1),
            signs: header.uplink == Some(Uplink::Sign),
            pool: header.seed_pool.is_some(),
            optimizer: match header.optimizer {
                None | Some(Optimizer::Sgd {}) => ServerOptimizer::Sgd,
                Some(Optimizer::Momentum { beta }) => ServerOptimizer::Momentum { beta },
                Some(Optimizer::Adam { beta1, beta2, epsilon, bias_correction }) => {
                    ServerOptimizer::Adam { beta1, beta2, epsilon, bias_correction }
                }
                Some(Optimizer::Hessian { nu, epsilon }) => ServerOptimizer::Hessian { nu, epsilon },
            },
            exact: header.exact,
        }
    }

    /// The rule of a client's own steps: plain ones of the differences that it saw itself.
    pub fn of_clients(&self) -> Self {
        let exact = self.distribution.is_exact();
        Self { optimizer: ServerOptimizer::Sgd, signs: false, exact, ..self.clone() }
    }

    /// Step 1 of the exact replay for some entries: a coefficient each, in f64.
    fn coefficients(&self, lr: f64, entries: &[Entry]) -> Vec<f64> {
        let number = match (self.signs, self.one_sided) {
            (true, _) => Number::Sign(entries.len() as f64),
            (_, true) => Number::Difference(self.epsilon),
            (_, false) => Number::Difference(2.0 * self.epsilon),
        };
        let rule = StepRule { lr, number, tau: self.tau, scale: self.distribution.scale() };
        rule.coefficients(entries.iter().map(|p| (p.weight, p.dl)))
    }

    /// The integers of entries' numbers: those of one pool index are one number, which stands in the first of them.
    fn integers(&self, lr: f64, entries: &[Entry]) -> Coefficients {
        let (a, m) = (self.coefficients(lr, entries), self.distribution.max_abs());
        if !self.pool {
            return quantise(&a, m);
        }
        let (sums, first) = pooled(&a, entries.iter().map(|p| p.k.unwrap_or(0)));
        let Coefficients { scale_exp, q, skipped } = quantise(&sums, m);
        let mut sums = q.into_iter();
        let q = first.iter().map(|first| if *first { sums.next().unwrap_or(0) } else { 0 }).collect();
        Coefficients { scale_exp, q, skipped }
    }

    /// Fills in what a new round's numbers come to: `scale_exp`, `q` and `skipped`, where the rule is exact.
    pub fn settle(&self, round: &mut Round) {
        if !self.exact {
            return;
        }
        let integers = self.integers(round.lr, &round.probes);
        for (entry, &q) in round.probes.iter_mut().zip(&integers.q) {
            entry.q = Some(q);
        }
        round.scale_exp = Some(integers.scale_exp);
        round.skipped = integers.skipped;
    }

    /// What a settled round does: from its integers where it has them, else from its numbers.
    pub fn step(&self, round: &Round) -> Step {
        let seeds = || round.probes.iter().map(|p| p.seed).collect();
        match round.scale_exp {
            _ if round.skipped => Step::Skip,
            Some(scale_exp) => {
                let moving = round.probes.iter().filter_map(|p| Some((p.seed, p.q.filter(|&q| q != 0)?)));
                let (seeds, q) = moving.unzip();
                Step::Exact { seeds, q, scale_exp }
            }
            None if self.optimizer == ServerOptimizer::Sgd => {
                Step::Float { seeds: seeds(), a: self.coefficients(round.lr, &round.probes) }
            }
            None => {
                let (seeds, a) = self.direction(round);
                Step::Optimised { seeds, a, lr: round.lr }
            }
        }
    }

    /// The negative of the estimated gradient of a round, before rates and optimisers: `sum_j a_j e(seed_j)`.
    pub fn direction(&self, round: &Round) -> (Vec<u64>, Vec<f64>) {
        (round.probes.iter().map(|p| p.seed).collect(), self.coefficients(1.0, &round.probes))
    }

    /// The step that a client makes on its own weights with the entries of one of its local steps, settled or not: one number an entry.
    pub fn local_step(&self, lr: f64, entries: &[Entry]) -> LocalStep {
        let rule = self.of_clients();
        if !rule.exact {
            return LocalStep::Float(rule.coefficients(lr, entries));
        }
        match rule.integers(lr, entries) {
            Coefficients { skipped: true, .. } => LocalStep::Skip,
            Coefficients { scale_exp, q, .. } => LocalStep::Exact { q, scale_exp },
        }
    }
}

/// A step of a client's own weights: as [`Step`], with a number for each of the entries that it was made of.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalStep {
    /// Nothing.
    Skip,
    /// Integer coefficients.
    Exact {
        /// One an entry.
        q: Vec<i32>,
        /// E.
        scale_exp: i32,
    },
    /// Coefficients before a sphere's factors.
    Float(Vec<f64>),
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
        Round { round: 3, lr: 0.5, scale_exp: None, skipped: false, probes, dense: None, fingerprint: 0 }
    }

    fn rule(distribution: Distribution) -> Rule {
        Rule {
            distribution,
            tau: 0.5,
            epsilon: 1e-2,
            one_sided: false,
            signs: false,
            pool: false,
            optimizer: ServerOptimizer::Sgd,
            exact: distribution.is_exact(),
        }
    }

    #[test]
    fn a_round_is_settled_once_and_stepped_from_its_integers() {
        let rule = rule(Distribution::Rademacher);
        let mut settled = round(&[0.5, f32::NAN, -0.25]);
        rule.settle(&mut settled);
        let Step::Exact { seeds, q, scale_exp } = rule.step(&settled) else { panic!("{settled:?}") };
        // One that moves nothing is left out.
        assert_eq!(seeds, [7, 9]);
        // a = -0.5 * 0.25 * 0.5 / 0.02 * 0.5 = -1.5625, 0, 0.78125; their sum 2.34375 = 0.586 * 2^2.
        assert_eq!((scale_exp, &q[..]), (21, &[-3_276_800, 1_638_400][..]));
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
            let rule = Rule::of(&ledger.header);
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
    fn a_local_step_is_that_of_its_own_entries() {
        let mut pool = Rule { pool: true, one_sided: true, ..rule(Distribution::Rademacher) };
        let mut entries = round(&[0.5, 0.25, -0.25]).probes;
        entries.iter_mut().zip([4, 9, 4]).for_each(|(entry, k)| entry.k = Some(k));
        // a = -2 * 0.25 * dl / 0.01 * 0.5: -12.5, -6.25, 6.25; of index 4 together -6.25: A = 12.5 = 0.78 * 2^4.
        let LocalStep::Exact { q, scale_exp } = pool.local_step(2.0, &entries) else { panic!() };
        assert_eq!((scale_exp, q), (19, vec![-3_276_800, -3_276_800, 0]));
        pool.distribution = Distribution::Gaussian;
        assert_eq!(pool.local_step(2.0, &entries), LocalStep::Float(vec![-12.5, -6.25, 6.25]));
        // A client knows its own differences, whatever it sends; whatever the server makes of them.
        pool.signs = true;
        pool.optimizer = ServerOptimizer::Momentum { beta: 0.9 };
        assert_eq!(pool.local_step(2.0, &entries), LocalStep::Float(vec![-12.5, -6.25, 6.25]));
        let (mut settled, exact) =
            (round(&[0.5]), Rule { optimizer: pool.optimizer, exact: false, ..rule(Distribution::Rademacher) });
        exact.settle(&mut settled);
        assert!(matches!(exact.step(&settled), Step::Optimised { a, lr, .. } if lr == 0.5 && a == [-3.125]));
    }
}
