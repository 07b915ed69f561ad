//! An array in a file: its type, its shape, and its rows as they are read.

use super::super::DataError;
use super::super::file::Reader;
use half::{bf16, f16};
use std::path::Path;

/// Bytes of a row that are read at once; longer rows grow with what is there.
const LONG: usize = 1 << 20;

/// What an array is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Class {
    /// Whole numbers from 0.
    Unsigned,
    /// Whole numbers.
    Signed,
    /// IEEE floats.
    Float,
    /// The upper half of an f32.
    BFloat,
}

/// The type of an array's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) struct Scalar {
    pub class: Class,
    /// Bytes of a value: 1, 2, 4 or 8.
    pub bytes: usize,
    /// The most significant byte comes first.
    pub big_endian: bool,
}

impl Scalar {
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

/// An array whose values are next to be read.
pub(in crate::data) struct Array {
    name: String,
    reader: Reader,
    pub shape: Vec<usize>,
    pub scalar: Scalar,
}

impl Array {
    /// The array that `reader` stands before.
    pub fn new(name: &str, reader: Reader, shape: Vec<usize>, scalar: Scalar) -> Self {
        Self { name: name.to_owned(), reader, shape, scalar }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        self.reader.path()
    }

    /// The array's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An error at this array.
    pub fn error(&self, message: String) -> DataError {
        DataError::Array { path: self.path().to_owned(), array: self.name.clone(), message }
    }

    /// Reads `count` rows of `values` values each, to the end, and hands them over one by one.
    ///
    /// # Errors
    /// An array that ends earlier or goes on; what `each` refuses.
    pub fn rows(
        mut self,
        count: usize,
        values: usize,
        mut each: impl FnMut(usize, &[u8]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let lead = self.reader.taken();
        let bytes = values.checked_mul(self.scalar.bytes).and_then(|row| Some((row, row.checked_mul(count)?)));
        let Some((row, total)) = bytes else {
            return Err(self.error(format!("shape {:?} is beyond any memory", self.shape)));
        };
        let total = lead.saturating_add(total as u64);
        let expected = format!("array {} of {} {:?} behind {lead}", self.name, self.scalar.name(), self.shape);
        self.reader.claims(total, &expected)?;
        if row <= LONG {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            return self.reader.records(count, row, total, &expected, |i, row| each(i as usize, row));
        }
        for i in 0..count {
            let found = self.reader.take(row)?;
            if found.len() < row {
                return Err(self.error(format!("it ends within sample {i}, expected {total} bytes ({expected})")));
            }
            each(i, &found)?;
        }
        self.reader.records(0, 1, total, &expected, |_, _| Ok(()))
    }
}
