//! Box-Muller in f32, from integers: a library's logarithm and cosine differ between devices and are inaccurate near
//! u1 = 1, so range reduction and polynomials are our own. Mirrors `shaders/lib/stream.wgsl:elements` operation by operation.

/// The four elements of a block.
#[inline]
pub(super) fn block(words: [u32; 4]) -> [f32; 4] {
    let [a, b] = pair(words[0], words[1]);
    let [c, d] = pair(words[2], words[3]);
    [a, b, c, d]
}

/// Two elements from two words: `r cos(2 pi u2)`, `r sin(2 pi u2)`.
#[inline]
pub(super) fn pair(a: u32, b: u32) -> [f32; 2] {
    let r = safe_sqrt(minus_two_ln((a >> 8) + 1));
    let [c, s] = cos_sin_turn(b >> 8);
    [r * c, r * s]
}

/// `-2 ln(n / 2^24)` for `1 <= n <= 2^24`. The fraction is taken from the integer, so n next to 2^24 loses nothing:
/// `n / 2^24 = (1 + f) 2^e` with f in [-1/4, 1/2) exact, `ln(1 + f) = 2 atanh(f / (2 + f))`.
#[inline]
fn minus_two_ln(n: u32) -> f32 {
    let lz = n.leading_zeros();
    let v = n << (lz - 7);
    let upper = v >= 25_165_824;
    let f = if upper {
        (v as i32 - 33_554_432) as f32 * 2.980_232_2e-8
    } else {
        (v as i32 - 16_777_216) as f32 * 5.960_464_5e-8
    };
    let e = (if upper { 8.0 } else { 7.0 }) - lz as f32;
    let s = f / (2.0 + f);
    let t = s * s;
    let p = 2.0 + t * (0.666_666_7 + t * (0.4 + t * (0.285_714_3 + t * 0.222_222_22)));
    -2.0 * (e * std::f32::consts::LN_2 + s * p)
}

#[inline]
fn safe_sqrt(x: f32) -> f32 {
    if x > 0.0 { x.max(1.0e-20).sqrt() } else { 0.0 }
}

/// `[cos, sin]` of `2 pi k / 2^24`, `k < 2^24`: the quarter turn from the integer, polynomials on [-pi/4, pi/4].
#[inline]
fn cos_sin_turn(k: u32) -> [f32; 2] {
    let shifted = k + 2_097_152;
    let quarter = (shifted >> 22) & 3;
    let x = ((shifted & 4_194_303) as i32 - 2_097_152) as f32 * 3.745_070_4e-7;
    let t = x * x;
    let s = x + x * t * (-0.166_666_67 + t * (0.008_333_334 + t * (-0.000_198_412_7 + t * 2.755_731_9e-6)));
    let c = 1.0 + t * (-0.5 + t * (0.041_666_668 + t * (-0.001_388_888_9 + t * 2.480_158_8e-5)));
    let (a, b) = if quarter & 1 == 1 { (s, c) } else { (c, s) };
    [if quarter == 1 || quarter == 2 { -a } else { a }, if quarter >= 2 { -b } else { b }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(a: u32, b: u32) {
        let u1 = f64::from((a >> 8) + 1) / 16_777_216.0;
        let turn = std::f64::consts::TAU * f64::from(b >> 8) / 16_777_216.0;
        let r = (-2.0 * u1.ln()).sqrt();
        for (ours, exact) in pair(a, b).into_iter().zip([r * turn.cos(), r * turn.sin()]) {
            let bound = 1e-5 * (1.0 + exact.abs());
            // A tenth of the bound: a device that fuses or rounds divisions and roots less well must stay inside too.
            assert!((f64::from(ours) - exact).abs() <= 0.1 * bound, "a {a:08x} b {b:08x}: {ours} against {exact}");
        }
    }

    #[test]
    fn within_a_tenth_of_the_bound_everywhere() {
        // Next to u1 = 1, around every change of exponent and fraction, next to u1 = 0.
        let mut radii: Vec<u32> = (0..300).flat_map(|m| [0x00ff_ffff - m, m]).collect();
        for k in 1..24 {
            for d in 0..5 {
                radii.extend([(1u32 << k) + d, (3u32 << (k - 1)) + d].map(|n| n.saturating_sub(3).min(0x00ff_ffff)));
            }
        }
        let mut angles = Vec::new();
        for octant in 0..8u32 {
            angles.extend((0..7u32).map(|d| (octant * 2_097_152).wrapping_add(d).wrapping_sub(3) & 0x00ff_ffff));
        }
        for &n in &radii {
            for &k in &angles {
                assert_close(n << 8, k << 8 | 0xff);
            }
        }
        for c in 0..100_000u32 {
            let [a, b, ..] = crate::rng::philox([7, 9], [c, 0, 0, 0]);
            assert_close(a, b);
        }
    }

    #[test]
    fn u1_of_one_gives_zero() {
        assert_eq!(pair(u32::MAX, 12345 << 8), [0.0, 0.0]);
    }
}
