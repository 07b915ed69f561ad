//! The order-free fingerprint of a weight vector (perturbation-stream, Ledger).

/// High word `sum f(b_i + i * 0x85EBCA77 + 0x165667B1)`, low word `sum f(b_i xor (i * 0x9E3779B9))`, wrapping.
pub fn fingerprint(w: &[f32]) -> u64 {
    let (mut low, mut high, mut i) = (0u32, 0u32, 0u32);
    for w in w {
        let b = w.to_bits();
        low = low.wrapping_add(finalise(b ^ i.wrapping_mul(0x9E37_79B9)));
        high = high.wrapping_add(finalise(
            b.wrapping_add(i.wrapping_mul(0x85EB_CA77))
                .wrapping_add(0x1656_67B1),
        ));
        i = i.wrapping_add(1);
    }
    u64::from(high) << 32 | u64::from(low)
}

/// murmur3's 32-bit finaliser.
#[inline]
fn finalise(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ h >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_values_and_places() {
        assert_eq!(finalise(0), 0);
        // Known answer of murmur3's fmix32.
        assert_eq!(finalise(1), 0x514e_28b7);
        assert_eq!(fingerprint(&[]), 0);
        assert_ne!(fingerprint(&[1.0, 2.0]), fingerprint(&[2.0, 1.0]));
        assert_ne!(fingerprint(&[0.0]), fingerprint(&[-0.0]));
    }
}
