//! Twin of `lib/exact.wgsl:add`: the addition of the exact replay, by the processor's float unit or on the integers of the bits.

/// `w + f32(acc) * 2^-E` as bits, `|acc| <= 2^24`, the power of two as f32 bits; a zero result is +0.
pub fn add_exact(w: u32, acc: i32, factor: u32, soft: bool) -> u32 {
    let sum = if !soft {
        (f32::from_bits(w) + acc as f32 * f32::from_bits(factor)).to_bits()
    } else if w & 0x7F80_0000 == 0x7F80_0000 {
        w
    } else {
        soft_sum(w, scaled_bits(acc, factor))
    };
    if sum & 0x7FFF_FFFF == 0 { 0 } else { sum }
}

/// `f32(acc) * 2^-E` as bits, without a float operation.
pub fn scaled_bits(acc: i32, factor: u32) -> u32 {
    let magnitude = acc.unsigned_abs();
    if magnitude == 0 {
        return 0;
    }
    let lz = magnitude.leading_zeros();
    let mantissa = (magnitude << lz) >> 8 & 0x7F_FFFF;
    let exponent = (factor >> 23) + 31 - lz;
    acc as u32 & 0x8000_0000 | exponent << 23 | mantissa
}

/// IEEE sum of two finite f32 given by their bits, round to nearest even; a zero sum is +0.
pub fn soft_sum(x: u32, y: u32) -> u32 {
    let (a, b) = if x & 0x7FFF_FFFF < y & 0x7FFF_FFFF { (y, x) } else { (x, y) };
    let exponent = |v: u32| (v >> 23 & 255).max(1);
    let mantissa = |v: u32| (v & 0x7F_FFFF | if v & 0x7F80_0000 != 0 { 0x80_0000 } else { 0 }) << 3;
    let (mut e, ma, mb) = (exponent(a), mantissa(a), mantissa(b));
    let d = (e - exponent(b)).min(27);
    let shifted = mb >> d | u32::from(mb & ((1 << d) - 1) != 0);
    let mut m = if (a ^ b) & 0x8000_0000 != 0 { ma - shifted } else { ma + shifted };
    if m == 0 {
        return 0;
    }
    if m >= 0x800_0000 {
        m = m >> 1 | m & 1;
        e += 1;
    } else {
        let up = (m.leading_zeros() - 5).min(e - 1);
        m <<= up;
        e -= up;
    }
    let tail = m & 7;
    m >>= 3;
    m += u32::from(tail > 4 || tail == 4 && m & 1 == 1);
    a & 0x8000_0000 | (((e - 1) << 23) + m).min(0x7F80_0000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::philox;

    fn hardware(x: u32, y: u32) -> u32 {
        let sum = (f32::from_bits(x) + f32::from_bits(y)).to_bits();
        if sum & 0x7FFF_FFFF == 0 { 0 } else { sum }
    }

    #[test]
    fn soft_sums_equal_the_float_units() {
        for c in 0..500_000u32 {
            let [x, y, z, _] = philox([3, 5], [c, 0, 0, 0]);
            // Exponents next to each other (cancellation, ties), then any.
            let near = x & 0x807F_FFFF | (((x >> 23 & 255) + z % 60).clamp(30, 280) - 30) << 23;
            let same = y & 0x807F_FFFF | x & 0x7F80_0000;
            for (x, y) in [
                (x, y),
                (x, near ^ y & 0x807F_FFFF),
                (x, same),
                (x, x ^ 0x8000_0000),
                (x & 0x807F_FFFF, y & 0x80FF_FFFF),
            ] {
                if f32::from_bits(x).is_finite() && f32::from_bits(y).is_finite() {
                    assert_eq!(soft_sum(x, y), hardware(x, y), "{x:08x} + {y:08x}");
                }
            }
        }
    }

    #[test]
    fn ties_go_to_even() {
        let one = 1.0f32.to_bits();
        // Half an ulp of 1 is 2^-24, of the float below 2 the same.
        assert_eq!(add_exact(one, 1, 103 << 23, true), one);
        assert_eq!(add_exact(one + 1, 1, 103 << 23, true), one + 2);
        assert_eq!(add_exact(0x3FFF_FFFF, 1, 103 << 23, true), 0x4000_0000);
        assert_eq!(add_exact(0x7F7F_FFFF, 1 << 24, 187 << 23, true), 0x7F7F_FFFF);
        assert_eq!(soft_sum(0x7F7F_FFFF, 0x7F7F_FFFF), 0x7F80_0000);
    }

    #[test]
    fn both_additions_agree_over_the_whole_range_of_e() {
        for c in 0..200_000u32 {
            let [w, a, e, s] = philox([8, 1], [c, 0, 0, 0]);
            let acc = (a as i32) >> (7 + s % 24);
            let factor = (127 + 60 - e % 121) << 23;
            assert_eq!(
                scaled_bits(acc, factor),
                (acc as f32 * f32::from_bits(factor)).to_bits() & if acc == 0 { 0 } else { !0 }
            );
            if w & 0x7F80_0000 != 0x7F80_0000 {
                assert_eq!(
                    add_exact(w, acc, factor, true),
                    add_exact(w, acc, factor, false),
                    "{w:08x} {acc} {factor:08x}"
                );
            }
        }
    }
}
