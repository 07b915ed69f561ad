//! The integers of a round's coefficients (perturbation-stream, Exact replay, steps 2 to 4), in f64.

use super::{EXP_RANGE, MAX_SUM};

/// The integers of a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coefficients {
    /// `E`: a coefficient is `q * 2^-E`.
    pub scale_exp: i32,
    /// One for each probe.
    pub q: Vec<i32>,
    /// The round changes nothing: all `q` and `E` are 0.
    pub skipped: bool,
}

/// Steps 2 to 4: the coefficients `a` on a common power of two, `m` being the distribution's
/// [`max_abs`](crate::stream::Distribution::max_abs).
pub fn quantise(a: &[f64], m: u32) -> Coefficients {
    let m = f64::from(m);
    let total = a.iter().fold(0.0, |sum, a| sum + a.abs() * m);
    let skipped = || Coefficients { scale_exp: 0, q: vec![0; a.len()], skipped: true };
    if total == 0.0 || !total.is_finite() {
        return skipped();
    }
    let mut scale_exp = (23 - frexp_exponent(total)).clamp(*EXP_RANGE.start(), *EXP_RANGE.end());
    loop {
        let scale = power_of_two(scale_exp);
        let rounded = || a.iter().map(|a| (a * scale).round_ties_even());
        if rounded().map(f64::abs).sum::<f64>() * m <= MAX_SUM as f64 {
            // Each is at most 2^24 in magnitude here.
            return Coefficients { scale_exp, q: rounded().map(|q| q as i32).collect(), skipped: false };
        }
        if scale_exp == *EXP_RANGE.start() {
            return skipped();
        }
        scale_exp -= 1;
    }
}

/// `k` of `x = f * 2^k`, `0.5 <= f < 1`, for a finite `x > 0`, subnormal or not.
fn frexp_exponent(x: f64) -> i32 {
    let field = |x: f64| (x.to_bits() >> 52 & 0x7ff) as i32;
    if field(x) == 0 { field(x * power_of_two(54)) - 1022 - 54 } else { field(x) - 1022 }
}

/// `2^e` for `-1022 <= e <= 1023`, by its bits.
fn power_of_two(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frexp() {
        for (x, k) in
            [(1.0, 1), (0.5, 0), (0.75, 0), (2.0, 2), (f64::MAX, 1024), (f64::MIN_POSITIVE, -1021), (5e-324, -1073)]
        {
            assert_eq!(frexp_exponent(x), k, "{x}");
        }
    }

    #[test]
    fn exponents_are_clamped() {
        // A = 2^-80 = 0.5 * 2^-79 would want E = 102; at 60 the coefficient rounds to 0 and the round is not skipped.
        assert_eq!(quantise(&[2f64.powi(-80)], 1), Coefficients { scale_exp: 60, q: vec![0], skipped: false });
        // A = 2^83: k = 84, E = -61, clamped to -60, q = 2^23 fits.
        assert_eq!(quantise(&[2f64.powi(83)], 1), Coefficients { scale_exp: -60, q: vec![1 << 23], skipped: false });
        assert_eq!(quantise(&[2f64.powi(84)], 1).q, [1 << 24]);
        assert!(quantise(&[2f64.powi(85)], 1).skipped);
        assert!(quantise(&[1e300], 16).skipped);
    }

    #[test]
    fn ties_go_to_even_and_sums_stay_within_2_to_24() {
        // A = 1.5 * 2^22 + ...: with the large one E is 0, so halves are ties.
        let large = f64::from(1 << 22);
        let c = quantise(&[large, 0.5, 1.5, -2.5], 1);
        assert_eq!((c.scale_exp, c.q), (0, vec![1 << 22, 0, 2, -2]));
        for n in [1usize, 3, 150, 30_000] {
            for m in [1u32, 16] {
                let a: Vec<f64> = (0..n).map(|j| 0.49999 + j as f64 * 1e-7).collect();
                let c = quantise(&a, m);
                let sum: i64 = c.q.iter().map(|&q| i64::from(q).abs()).sum();
                assert!(!c.skipped && sum * i64::from(m) <= MAX_SUM);
            }
        }
    }

    #[test]
    fn the_first_exponent_leaves_room_for_rounding_up() {
        // sum |a| m 2^E lies in [2^22, 2^23) and rounding to integers less than doubles a value, so E = 23 - k stands.
        for (value, m, n) in [(0.51, 16, 1 << 20), (0.75, 16, 5 << 18), (2.5 * f64::from(1 << 22), 1, 3)] {
            let total = value * f64::from(m) * n as f64;
            let c = quantise(&vec![value; n], m);
            assert_eq!(c.scale_exp, 23 - frexp_exponent(total));
        }
    }
}
