//! Powers of two that clients multiply their loss by, so that gradients of f16 products aren't lost.

use crate::recording::Span;

/// The define of kernels that know of them.
pub const SCALED: &str = "SCALED";

/// u32 of a client: the bits of its scale, whether a gradient of its step is no finite number, steps that it skipped, and one unused.
pub const WORDS: usize = 4;

/// The scales of clients whose weights lie `stride` apart.
#[derive(Clone, Copy, Debug)]
pub struct Scales {
    /// [`WORDS`] a client.
    pub words: Span,
    /// f32 from one client's weights to the next's: by that a lane's client is known.
    pub stride: u32,
}

/// 1 / x of a power of two between 2^-126 and 2^126, whose bits are `bits`.
pub fn reciprocal(bits: u32) -> f32 {
    f32::from_bits(0x7f00_0000 - bits)
}

#[cfg(test)]
mod tests {
    #[test]
    fn reciprocals_of_powers_of_two_are_exact() {
        for exponent in [-126, -24, -1, 0, 1, 15, 126] {
            let power = 2f32.powi(exponent);
            assert_eq!(super::reciprocal(power.to_bits()), 1.0 / power);
        }
    }
}
