//! Normal and gamma draws of the host, defined here down to the bit: integers of a PCG, additions, multiplications, divisions
//! and square roots (which IEEE 754 rounds exactly), and the logarithm of the `libm` crate, whose version is pinned. So a seed
//! means the same weights and splits on every platform, with every system library and every version of other crates.

use super::host::unit;
use libm::log;
use rand_pcg::{Pcg64, rand_core::Rng};

/// A uniform number in (-1, 1): an odd multiple of 2^-53, so never 0 and as often negative as positive.
fn symmetric(rng: &mut Pcg64) -> f64 {
    let steps = (rng.next_u64() >> 11) as i64;
    (2 * steps + 1 - (1 << 53)) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Two independent standard normal numbers (Marsaglia's polar method): a point `(u, v)`, uniform in the square, is drawn until
/// `s = u u + v v` is below 1; both coordinates are then multiplied by `sqrt(-2 ln(s) / s)`.
pub fn normal_pair(rng: &mut Pcg64) -> [f64; 2] {
    loop {
        let (u, v) = (symmetric(rng), symmetric(rng));
        let s = u * u + v * v;
        if s < 1.0 {
            let factor = (-2.0 * log(s) / s).sqrt();
            return [u * factor, v * factor];
        }
    }
}

/// Standard normal numbers without end: pairs, each in order.
pub fn normals(rng: &mut Pcg64) -> impl Iterator<Item = f64> {
    std::iter::repeat_with(|| normal_pair(rng)).flatten()
}

/// A number of the gamma distribution of this shape (at least 1) and scale 1 (Marsaglia and Tsang: "A simple method for
/// generating gamma variables", 2000). With `d = shape - 1/3` and `c = 1 / sqrt(9 d)`: the first number `x` of a normal pair
/// gives `v = (1 + c x)^3`, drawn again where `1 + c x` is not above 0; a uniform `u` of (0, 1] accepts `d v` where
/// `u < 1 - 0.0331 x^4` or `ln u < x^2 / 2 + d (1 - v + ln v)`, else all is drawn again.
pub fn gamma(rng: &mut Pcg64, shape: f64) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let [x, _] = normal_pair(rng);
        let base = 1.0 + c * x;
        if base <= 0.0 {
            continue;
        }
        let v = base * base * base;
        let u = unit(rng);
        let square = x * x;
        if u < 1.0 - 0.0331 * square * square || log(u) < 0.5 * square + d * (1.0 - v + log(v)) {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::host::pcg;
    use sha2::{Digest, Sha256};

    fn digest(numbers: impl Iterator<Item = f64>) -> String {
        let mut hash = Sha256::new();
        numbers.for_each(|x| hash.update(x.to_le_bytes()));
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From an independent implementation of this page in Python (big integers, IEEE doubles, fdlibm's logarithm written out).
    #[test]
    fn known_answers() {
        let mut rng = pcg(1, "normal");
        let bits: Vec<u64> = normals(&mut rng).take(6).map(f64::to_bits).collect();
        assert_eq!(
            bits,
            [
                0xBFE7_CCC9_BA35_F740,
                0xBFD5_3C9D_E69F_4F37,
                0x3FD5_2920_386A_48B7,
                0x3FDA_4594_C015_2595,
                0xBFFC_4BF9_44CF_06FD,
                0x3FD3_98A4_E023_E5AF
            ]
        );
        for (shape, expected) in [
            (1.1, [0x3FEA_1537_0DC4_EE4B, 0x3FDF_C5AC_5F32_C7C1, 0x3FD0_4B40_F17D_2B71, 0x3FFD_C9B5_98A6_1F18]),
            (11.0, [0x4025_B06E_4338_83A8, 0x4023_1A20_6E45_9DBE, 0x4020_7AE6_7DB7_A050, 0x402B_CC9B_31C2_96D5]),
        ] {
            let mut rng = pcg(1, "gamma");
            assert_eq!([0; 4].map(|_| gamma(&mut rng, shape).to_bits()), expected, "shape {shape}");
        }
    }

    /// Long runs of the same implementation, by the SHA-256 of their little-endian bytes.
    #[test]
    fn known_digests() {
        assert_eq!(
            digest(normals(&mut pcg(2, "normal")).take(10_000)),
            "636986ae6b76098c1c6d8a8ef3dfc4d38ab052ab4c845a0cc7ec0b162c729f9f"
        );
        for (shape, expected) in [
            (1.0, "89edd9d4ad1bdc8745b68be922eb3f183e7ef0a52266f1b99be18e6c6574b538"),
            (1.1, "38869802fd5f20ee14a640785d50a193adfc7b5df11e9d3495544523a3d19ccf"),
            (11.0, "12f62615602e09f64ff1c8ff9175f3732c7bca731294e78944f052d596819198"),
            (1e6, "3685826f3a41210cab1c1ae0d2853ad4a8c5a28de6f0c8297667a8ca9847dd9d"),
        ] {
            let mut rng = pcg(2, "gamma");
            assert_eq!(digest((0..5000).map(|_| gamma(&mut rng, shape))), expected, "shape {shape}");
        }
    }

    /// Largest distance of the sample's distribution from `cdf`. By the Dvoretzky-Kiefer-Wolfowitz inequality it exceeds
    /// `sqrt(ln(2 / p) / (2 n))` with probability at most p.
    fn kolmogorov(mut sample: Vec<f64>, cdf: impl Fn(f64) -> f64) -> f64 {
        sample.sort_by(f64::total_cmp);
        let n = sample.len() as f64;
        let distance = |(i, &x): (usize, &f64)| (cdf(x) - i as f64 / n).abs().max((cdf(x) - (i + 1) as f64 / n).abs());
        sample.iter().enumerate().map(distance).fold(0.0, f64::max)
    }

    /// The bound above for p = 10^-9: the seed is fixed, so a failure means a wrong distribution.
    fn bound(n: usize) -> f64 {
        (2e9f64.ln() / (2.0 * n as f64)).sqrt()
    }

    #[test]
    fn normals_are_normal() {
        let n = 100_000;
        let sample: Vec<f64> = normals(&mut pcg(3, "normal")).take(n).collect();
        // Raw moments 0, 1, 0, 3; those of twice the order give the variance of their means: 1, 2, 15, 96. Six deviations.
        for (power, mean, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let found = sample.iter().map(|x| x.powi(power)).sum::<f64>() / n as f64;
            assert!((found - mean).abs() < 6.0 * (variance / n as f64).sqrt(), "moment {power}: {found}");
        }
        // Both numbers of a pair are independent: their product has mean 0 and variance 1.
        let product = sample.chunks(2).map(|p| p[0] * p[1]).sum::<f64>() / (n / 2) as f64;
        assert!(product.abs() < 6.0 / ((n / 2) as f64).sqrt(), "{product}");
        let distance = kolmogorov(sample, |x| 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2));
        assert!(distance < bound(n), "{distance}");
    }

    #[test]
    fn gammas_are_gamma() {
        let n = 50_000;
        // Of whole shapes the distribution is 1 - exp(-x) (1 + x + ... + x^(shape-1) / (shape-1)!).
        for shape in [1u32, 2, 7] {
            let mut rng = pcg(4, "gamma");
            let sample: Vec<f64> = (0..n).map(|_| gamma(&mut rng, f64::from(shape))).collect();
            let distance = kolmogorov(sample, |x| {
                let terms = (1..shape).scan(1.0, |term, k| {
                    *term *= x / f64::from(k);
                    Some(*term)
                });
                1.0 - (-x).exp() * (1.0 + terms.sum::<f64>())
            });
            assert!(distance < bound(n), "shape {shape}: {distance}");
        }
        // Mean and variance are the shape; the fourth central moment is 3 shape^2 + 6 shape. Six deviations.
        for shape in [1.001, 1.1, 1.5, 10.0, 1e4] {
            let mut rng = pcg(5, "gamma");
            let sample: Vec<f64> = (0..n).map(|_| gamma(&mut rng, shape)).collect();
            let mean = sample.iter().sum::<f64>() / f64::from(n as u32);
            let variance = sample.iter().map(|x| (x - shape).powi(2)).sum::<f64>() / f64::from(n as u32);
            let (of_mean, of_variance) = (shape, 2.0 * shape * shape + 6.0 * shape);
            assert!((mean - shape).abs() < 6.0 * (of_mean / n as f64).sqrt(), "shape {shape}: mean {mean}");
            assert!((variance - shape).abs() < 6.0 * (of_variance / n as f64).sqrt(), "shape {shape}: {variance}");
        }
    }

    #[test]
    fn symmetric_numbers_are_odd_steps_inside_the_unit_interval() {
        let mut rng = pcg(6, "test");
        for _ in 0..1000 {
            let x = symmetric(&mut rng);
            assert!(x > -1.0 && x < 1.0 && (x * (1u64 << 53) as f64) as i64 % 2 != 0, "{x}");
        }
    }
}
