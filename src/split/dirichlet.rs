//! Class proportions from a Dirichlet distribution, and dealing samples by them.

use crate::rng::{distributions::gamma, host};
use libm::{exp, log};
use rand_pcg::Pcg64;

/// Logarithms of a Dirichlet(alpha, ..., alpha) sample of `n` entries, up to a constant. A Gamma(alpha) draw is a
/// Gamma(alpha + 1) draw times U^(1/alpha); for small alpha that underflows, its logarithm doesn't.
pub(super) fn log_proportions(rng: &mut Pcg64, alpha: f64, n: usize) -> Vec<f64> {
    let logs: Vec<f64> = (0..n).map(|_| log(gamma(rng, alpha + 1.0)) + log(host::unit(rng)) / alpha).collect();
    if logs.iter().all(|l| l.is_finite()) {
        return logs;
    }
    // Only at the ends of f64: there the limit itself. Tiny alpha: all mass on one entry; huge alpha: equal shares.
    let one = host::below(rng, n as u64) as usize;
    (0..n).map(|i| if alpha >= 1.0 || i == one { 0.0 } else { f64::MIN }).collect()
}

/// Deals samples to clients of the given sizes (together at most all samples). Each client in turn draws class proportions
/// and then, sample by sample, a class by them among the classes that still have samples; so it ends whatever is drawn.
pub(super) fn by_class(labels: &[u32], classes: u32, sizes: &[u32], alpha: f64, seed: u64) -> Vec<Vec<u32>> {
    let mut pools: Vec<Vec<u32>> = vec![Vec::new(); classes as usize];
    for (index, &label) in labels.iter().enumerate() {
        pools[label as usize].push(index as u32);
    }
    let mut rng = host::pcg(seed, "split/pools");
    pools.iter_mut().for_each(|pool| host::shuffle(&mut rng, pool));
    let mut rng = host::pcg(seed, "split/clients");
    sizes
        .iter()
        .map(|&size| {
            let logs = log_proportions(&mut rng, alpha, pools.len());
            let mut shares = Shares::new(&logs, &pools);
            let mut list = Vec::with_capacity(size as usize);
            while list.len() < size as usize {
                let total = shares.cumulative.last().copied().unwrap_or(0.0);
                // In (0, total]: the first class whose cumulative share reaches it has a share above 0.
                let point = host::unit(&mut rng) * total;
                let class = shares.cumulative.partition_point(|&c| c < point).min(pools.len() - 1);
                let Some(index) = pools[class].pop() else {
                    break;
                };
                list.push(index);
                if pools[class].is_empty() {
                    shares.close(class, &logs, &pools);
                }
            }
            list
        })
        .collect()
}

/// Proportions of the classes that have samples; the largest of them counts 1.
struct Shares {
    /// Of the classes that have samples.
    largest: f64,
    /// Of each class; 0 where it has no samples.
    own: Vec<f64>,
    /// Their running sums.
    cumulative: Vec<f64>,
}

impl Shares {
    fn new(logs: &[f64], pools: &[Vec<u32>]) -> Self {
        let open = |class: usize| !pools[class].is_empty();
        let largest = (0..logs.len()).filter(|&c| open(c)).map(|c| logs[c]).fold(f64::NEG_INFINITY, f64::max);
        let own: Vec<f64> =
            logs.iter().enumerate().map(|(c, log)| if open(c) { exp(log - largest) } else { 0.0 }).collect();
        let mut shares = Self { largest, cumulative: vec![0.0; own.len()], own };
        shares.add_up(0);
        shares
    }

    /// A class has no more samples. The sums before it stay as they are, unless the others' proportions change with the largest.
    fn close(&mut self, class: usize, logs: &[f64], pools: &[Vec<u32>]) {
        if logs[class] >= self.largest {
            *self = Self::new(logs, pools);
            return;
        }
        self.own[class] = 0.0;
        self.add_up(class);
    }

    fn add_up(&mut self, from: usize) {
        let mut sum = from.checked_sub(1).map_or(0.0, |before| self.cumulative[before]);
        for (own, to) in self.own[from..].iter().zip(&mut self.cumulative[from..]) {
            sum += own;
            *to = sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of an entry is 1/n, its variance (n - 1) / (n^2 (n alpha + 1)).
    #[test]
    fn proportions_have_the_moments_of_the_distribution() {
        let (n, draws) = (10usize, 4000);
        for alpha in [0.01, 0.1, 1.0, 10.0] {
            let mut rng = host::pcg(11, "test");
            let (mut mean, mut square) = (0.0, 0.0);
            for _ in 0..draws {
                let logs = log_proportions(&mut rng, alpha, n);
                let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let weights: Vec<f64> = logs.iter().map(|l| (l - largest).exp()).collect();
                let first = weights[0] / weights.iter().sum::<f64>();
                mean += first / draws as f64;
                square += first * first / draws as f64;
            }
            let (n, draws) = (n as f64, f64::from(draws));
            let variance = (n - 1.0) / (n * n * (n * alpha + 1.0));
            assert!((mean - 1.0 / n).abs() < 6.0 * (variance / draws).sqrt(), "alpha {alpha}: mean {mean}");
            // The second moment is of a variable in 0..1, so its own variance is at most itself.
            let second = variance + 1.0 / (n * n);
            assert!(
                (square - second).abs() < 6.0 * (second / draws).sqrt(),
                "alpha {alpha}: {square} against {second}"
            );
        }
    }

    /// Classes that end one by one leave the sums that those left give by themselves, to the bit.
    #[test]
    fn sums_follow_what_is_left() {
        let logs = log_proportions(&mut host::pcg(3, "test"), 0.3, 40);
        let mut pools = vec![vec![0u32]; 40];
        let mut shares = Shares::new(&logs, &pools);
        let mut order: Vec<u32> = (0..40).collect();
        host::shuffle(&mut host::pcg(4, "test"), &mut order);
        for class in order.into_iter().map(|c| c as usize).take(39) {
            pools[class].clear();
            shares.close(class, &logs, &pools);
            let largest =
                logs.iter().zip(&pools).filter(|(_, p)| !p.is_empty()).map(|(l, _)| *l).fold(f64::MIN, f64::max);
            let mut sum = 0.0;
            for (c, log) in logs.iter().enumerate() {
                if !pools[c].is_empty() {
                    sum += exp(log - largest);
                }
                assert_eq!(shares.cumulative[c].to_bits(), sum.to_bits(), "class {c} after {class}");
            }
        }
    }

    #[test]
    fn proportions_are_usable_at_the_ends_of_f64() {
        for alpha in [5e-324, 1e-300, 1e-30, 1e30, 1e300, f64::MAX] {
            let logs = log_proportions(&mut host::pcg(1, "test"), alpha, 10);
            assert!(logs.iter().all(|l| l.is_finite()), "{alpha}: {logs:?}");
            let lists = by_class(&[0, 1, 2, 0, 1, 2], 3, &[2, 2, 2], alpha, 5);
            assert!(lists.iter().all(|l| l.len() == 2), "{alpha}: {lists:?}");
        }
    }
}
