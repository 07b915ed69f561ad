//! The integer coefficients of a round (perturbation-stream, Exact replay, steps 1 to 4), in f64 on the host.

/// What step 1 needs besides a probe's own weight and difference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepRule {
    /// Rate of the update.
    pub lr: f64,
    /// What a number is.
    pub number: Number,
    /// Standard deviation of a perturbation.
    pub tau: f64,
    /// The distribution's [`scale`](crate::stream::Distribution::scale).
    pub scale: f64,
}

/// What a probe's number is, and so what makes a slope of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A difference of losses this far apart along the perturbation: `2 eps`, or `eps` with one side.
    Difference(f64),
    /// The majority's sign, of this many seeds a round (methods.md, Uplink).
    Sign(f64),
}

impl StepRule {
    /// Step 1, evaluated left to right: `-lr * weight * dl / (2 eps) * tau * scale` (with one side `/ eps`), of a sign
    /// `-lr * dl * tau * scale / S`; 0 for a `dl` that is not finite.
    pub fn coefficient(&self, weight: f64, dl: Option<f32>) -> f64 {
        match (dl.filter(|dl| dl.is_finite()).map(f64::from), self.number) {
            (Some(dl), Number::Difference(apart)) => -self.lr * weight * dl / apart * self.tau * self.scale,
            (Some(dl), Number::Sign(seeds)) => -self.lr * dl * self.tau * self.scale / seeds,
            (None, _) => 0.0,
        }
    }

    /// Step 1 for all probes `(weight, dl)` of a round.
    pub fn coefficients(&self, probes: impl IntoIterator<Item = (f64, Option<f32>)>) -> Vec<f64> {
        probes.into_iter().map(|(weight, dl)| self.coefficient(weight, dl)).collect()
    }
}

/// Adds up the coefficients of entries that have one pool index, in their order: a sum an index, in the order in which they first appear,
/// and for each entry whether it is its index's first (methods.md, Seed pool).
pub fn pooled(a: &[f64], indices: impl Iterator<Item = u32>) -> (Vec<f64>, Vec<bool>) {
    let (mut sums, mut first) = (Vec::new(), Vec::with_capacity(a.len()));
    let mut place = std::collections::HashMap::new();
    for (a, k) in a.iter().zip(indices) {
        let at = *place.entry(k).or_insert(sums.len());
        first.push(at == sums.len());
        if at == sums.len() {
            sums.push(*a);
        } else {
            sums[at] += a;
        }
    }
    (sums, first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::quantise;

    #[test]
    fn nothing_to_do_is_skipped() {
        for a in [vec![], vec![0.0, -0.0], vec![f64::MAX, f64::MAX], vec![f64::INFINITY], vec![f64::NAN, 1.0]] {
            let c = quantise(&a, 1);
            assert!(c.skipped && c.scale_exp == 0 && c.q == vec![0; a.len()], "{a:?}");
        }
        let rule = StepRule { lr: 0.1, number: Number::Difference(2e-3), tau: 0.75, scale: 1.0 };
        assert_eq!(rule.coefficients([(0.5, None), (0.5, Some(f32::NAN))]), [0.0, 0.0]);
    }

    #[test]
    fn entries_of_one_pool_index_are_added_up() {
        let (sums, first) = pooled(&[1.0, 2.0, 4.0, 8.0, 16.0], [3, 0, 3, 5, 0].into_iter());
        assert_eq!((sums, first), (vec![5.0, 18.0, 8.0], vec![true, true, false, true, false]));
    }

    #[test]
    fn a_sign_moves_by_the_rate_alone() {
        let rule = StepRule { lr: 0.25, number: Number::Sign(2.0), tau: 0.5, scale: 1.0 };
        assert_eq!(rule.coefficients([(0.5, Some(1.0)), (0.5, Some(-1.0))]), [-0.0625, 0.0625]);
    }
}
