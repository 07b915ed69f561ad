//! Powers of the factors on rates.

/// `base^n` by squaring: the same bits everywhere, unlike `powi`.
pub fn power(mut base: f64, mut n: u32) -> f64 {
    let mut product = 1.0;
    loop {
        if n & 1 == 1 {
            product *= base;
        }
        n >>= 1;
        if n == 0 {
            return product;
        }
        base *= base;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_by_squaring() {
        for (base, n) in [(0.9, 0), (0.9, 1), (0.99, 300), (1.0, u32::MAX), (0.5, 40)] {
            assert!((power(base, n) / base.powi(n as i32) - 1.0).abs() < 1e-13, "{base} {n}");
        }
        assert_eq!(power(0.5, 3), 0.125);
    }
}
