//! exp, log, log1p, tanh and erf in f32. Mirrors `shaders/lib/math.wgsl:elementary` operation by operation, see there: change both or
//! neither.
#![allow(clippy::excessive_precision, clippy::approx_constant, reason = "constants read as in the shader")]

// 2^n for -200 <= n <= 200 times p, in two factors that are normal numbers.
fn scale_exp2(p: f32, n: i32) -> f32 {
    let a = n >> 1;
    let b = n - a;
    p * f32::from_bits(((a + 127) as u32) << 23) * f32::from_bits(((b + 127) as u32) << 23)
}

/// `e^x`; infinity above 88.7, subnormal or 0 below -87.3.
pub fn exp_f32(given: f32) -> f32 {
    let mut x = if given > 110.0 { 110.0 } else { given };
    x = if x < -110.0 { -110.0 } else { x };
    let n = (x * 1.442_695 + 0.5).floor();
    let r = (x - n * 0.693_359_375) - n * -2.121_944_4e-4;
    let p = ((((1.987_569_1e-4 * r + 1.398_199_9e-3) * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r + 1.666_666_5e-1)
        * r
        + 5.000_000_1e-1;
    scale_exp2(p * (r * r) + r + 1.0, (n as i32).clamp(-200, 200))
}

// ln(1 + f) - f for sqrt(1/2) <= 1 + f < sqrt(2).
fn log_rest(f: f32) -> f32 {
    let z = f * f;
    let p = (((((((7.037_683_6e-2 * f - 1.151_461e-1) * f + 1.167_699_9e-1) * f - 1.242_014_1e-1) * f
        + 1.424_932_3e-1)
        * f
        - 1.666_805_7e-1)
        * f
        + 2.000_071_5e-1)
        * f
        - 2.499_999_4e-1)
        * f
        + 3.333_333e-1;
    f * z * p - 0.5 * z
}

/// `ln(x)` of a positive normal number; infinity and NaN come back as they are.
pub fn log_f32(x: f32) -> f32 {
    let bits = x.to_bits();
    if bits & 0x7fff_ffff >= 0x7f80_0000 {
        return x;
    }
    let e = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let f = f32::from_bits(bits.wrapping_sub((e as u32) << 23)) - 1.0;
    let n = e as f32;
    let y = log_rest(f) + n * -2.121_944_4e-4;
    (f + y) + n * 0.693_359_375
}

/// `ln(1 + x)` for x > -1.
pub fn log1p_f32(x: f32) -> f32 {
    if x > -0.29 && x < 0.41 { x + log_rest(x) } else { log_f32(1.0 + x) }
}

/// `tanh(x)`.
pub fn tanh_f32(x: f32) -> f32 {
    let a = x.abs();
    if a < 0.625 {
        let z = x * x;
        let p =
            (((-5.704_988_7e-3 * z + 2.063_908_9e-2) * z - 5.373_971_6e-2) * z + 1.333_144_2e-1) * z - 3.333_328_2e-1;
        return p * z * x + x;
    }
    let t = 1.0 - 2.0 / (exp_f32(2.0 * if a > 10.0 { 10.0 } else { a }) + 1.0);
    if x < 0.0 { -t } else { t }
}

/// The error function.
pub fn erf_f32(x: f32) -> f32 {
    let a = x.abs();
    if a <= 0.927_734_375 {
        let s = x * x;
        let p = ((((-5.967_617e-4 * s + 4.991_194_2e-3) * s - 2.676_813_5e-2) * s + 1.128_199_3e-1) * s
            - 3.761_253_4e-1)
            * s
            + 1.283_791_7e-1;
        return p * x + x;
    }
    let t = if a > 4.0 { 4.0 } else { a };
    let s = t * t;
    let mut p = (-1.728_534_7e-5 * t + 3.831_971_3e-4) * s + (-3.883_964_4e-3 * t + 2.425_462_2e-2);
    p = ((p * t - 1.067_778_8e-1) * t - 6.348_467e-1) * t - 1.287_175_1e-1;
    let r = 1.0 - exp_f32(p * t - t);
    if x < 0.0 { -r } else { r }
}

/// ReLU through which NaN comes: `shaders/lib/math.wgsl:rectify`.
pub fn rectify(v: f32) -> f32 {
    if v < 0.0 { 0.0 } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ulps(ours: f32, exact: f64) -> f64 {
        let unit = f64::from(f32::from_bits((exact.abs() as f32).max(f32::MIN_POSITIVE).to_bits() + 1))
            - f64::from((exact.abs() as f32).max(f32::MIN_POSITIVE));
        ((f64::from(ours) - exact) / unit).abs()
    }

    fn worst(from: f32, to: f32, ours: fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        (0..=100_000)
            .map(|i| from + (to - from) * (i as f32 / 100_000.0))
            .map(|x| ulps(ours(x), exact(f64::from(x))))
            .fold(0.0, f64::max)
    }

    /// The error function in f64: its series, and for large x the continued fraction of 1 - erf.
    fn erf(x: f64) -> f64 {
        if x < 0.0 {
            return -erf(-x);
        }
        if x > 3.0 {
            let fraction = (1..60).rev().fold(x, |rest, k| x + f64::from(k) / 2.0 / rest);
            return 1.0 - (-x * x).exp() / (fraction * std::f64::consts::PI.sqrt());
        }
        let (mut term, mut sum) = (x, x);
        for k in 1..80 {
            term *= -x * x / f64::from(k);
            sum += term / f64::from(2 * k + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn a_few_ulp_everywhere() {
        assert!(worst(-87.0, 88.0, exp_f32, f64::exp) < 2.0);
        assert!(worst(-1.0, 1.0, exp_f32, f64::exp) < 2.0);
        assert!(worst(1e-3, 100.0, log_f32, f64::ln) < 3.0);
        assert!(worst(1e-30, 1e30, log_f32, f64::ln) < 3.0);
        assert!(worst(-0.28, 0.4, log1p_f32, f64::ln_1p) < 3.0);
        assert!(worst(0.4, 1000.0, log1p_f32, f64::ln_1p) < 4.0);
        assert!(worst(0.0, 1e-6, log1p_f32, f64::ln_1p) < 2.0);
        assert!(worst(-12.0, 12.0, tanh_f32, f64::tanh) < 4.0);
        assert!(worst(-0.7, 0.7, tanh_f32, f64::tanh) < 4.0);
        assert!(worst(-5.0, 5.0, erf_f32, erf) < 4.0);
        assert!(worst(-1.0, 1.0, erf_f32, erf) < 4.0);
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(exp_f32(0.0), 1.0);
        assert_eq!(exp_f32(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp_f32(f32::INFINITY), f32::INFINITY);
        assert_eq!([log_f32(1.0), log1p_f32(0.0), tanh_f32(0.0), erf_f32(0.0)], [0.0; 4]);
        assert_eq!([tanh_f32(-1e9), erf_f32(-1e9)], [-1.0; 2]);
        for f in [exp_f32, log_f32, log1p_f32, tanh_f32, erf_f32] {
            assert!(f(f32::NAN).is_nan());
        }
    }
}
