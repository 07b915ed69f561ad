//! The types that values have in files.

use half::{bf16, f16};

/// What values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Whole numbers from 0.
    Unsigned,
    /// Whole numbers.
    Signed,
    /// IEEE floats.
    Float,
    /// The upper half of an f32.
    BFloat,
}

/// The type of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub class: Class,
    /// Bytes of a value: 1, 2, 4 or 8.
    pub bytes: usize,
    /// The most significant byte comes first.
    pub big_endian: bool,
}

impl Scalar {
    /// Bytes as pixels are.
    pub const BYTE: Self = Self { class: Class::Unsigned, bytes: 1, big_endian: false };

    /// Whether values are bytes as pixels are.
    pub fn is_byte(self) -> bool {
        self.class == Class::Unsigned && self.bytes == 1
    }

    /// Whether values are floats.
    pub fn is_float(self) -> bool {
        matches!(self.class, Class::Float | Class::BFloat)
    }

    /// NumPy's name.
    pub fn name(self) -> String {
        let class = match self.class {
            Class::Unsigned => "uint",
            Class::Signed => "int",
            Class::Float => "float",
            Class::BFloat => "bfloat",
        };
        format!("{class}{}", self.bytes * 8)
    }

    /// The bits of a value, of at most 8 bytes.
    fn bits(self, value: &[u8]) -> u64 {
        let push = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        if self.big_endian { value.iter().fold(0, push) } else { value.iter().rev().fold(0, push) }
    }

    /// A whole number; beyond i64 the largest one.
    pub fn integer(self, value: &[u8]) -> i64 {
        let bits = self.bits(value);
        match self.class {
            Class::Signed => {
                let unused = 64 - 8 * self.bytes.clamp(1, 8);
                ((bits << unused) as i64) >> unused
            }
            _ => i64::try_from(bits).unwrap_or(i64::MAX),
        }
    }

    /// The floats of a row, as f32; `into` is emptied first.
    pub fn floats(self, row: &[u8], into: &mut Vec<f32>) {
        into.clear();
        into.extend(row.chunks_exact(self.bytes).map(|value| {
            let bits = self.bits(value);
            match (self.class, self.bytes) {
                (Class::BFloat, _) => bf16::from_bits(bits as u16).to_f32(),
                (_, 2) => f16::from_bits(bits as u16).to_f32(),
                (_, 4) => f32::from_bits(bits as u32),
                _ => f64::from_bits(bits) as f32,
            }
        }));
    }
}
