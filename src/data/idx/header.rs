//! The header of an IDX file: two zero bytes, the type of the values, the number of dimensions, then each dimension, u32 big-endian.

use crate::data::DataError;
use crate::data::file::Reader;

/// Samples that a file may have: their labels and indices stay far below what a machine holds.
const MAX_COUNT: u32 = 1 << 26;
/// No image is larger in any direction, and no row of labels longer.
const MAX_SIDE: u32 = 4096;
const MAX_DIMENSIONS: usize = 4;

/// The types of values that labels come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    U8,
    I8,
    I16,
    I32,
}

impl Type {
    fn of(code: u8) -> Option<Self> {
        match code {
            0x08 => Some(Self::U8),
            0x09 => Some(Self::I8),
            0x0b => Some(Self::I16),
            0x0c => Some(Self::I32),
            _ => None,
        }
    }

    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
        }
    }

    /// The value at the start of `bytes`, which hold at least one.
    pub fn value(self, bytes: &[u8]) -> i64 {
        match (self, bytes) {
            (Self::U8, [a, ..]) => i64::from(*a),
            (Self::I8, [a, ..]) => i64::from(*a as i8),
            (Self::I16, [a, b, ..]) => i64::from(i16::from_be_bytes([*a, *b])),
            (Self::I32, [a, b, c, d, ..]) => i64::from(i32::from_be_bytes([*a, *b, *c, *d])),
            _ => -1,
        }
    }
}

/// What a file is to hold, which decides the headers that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Bytes of 3 or 4 dimensions.
    Images,
    /// Whole numbers of 1 or 2 dimensions.
    Labels,
}

/// A header that was read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Samples.
    pub count: u32,
    /// The type of the values.
    pub kind: Type,
    /// The dimensions of a sample, at most three, each 1 to 4096.
    pub dims: Vec<usize>,
    /// Bytes of the header.
    pub bytes: u64,
    /// Bytes of the whole file, header included.
    pub total: u64,
}

impl Header {
    /// Bytes of a sample: at most 4 * 4096^3.
    pub fn sample_bytes(&self) -> u64 {
        self.dims.iter().map(|&d| d as u64).product::<u64>() * self.kind.bytes() as u64
    }

    /// The number of bytes in words.
    pub fn explain(&self, content: Content) -> String {
        let (bytes, count) = (self.bytes, self.count);
        let dims: Vec<String> = self.dims.iter().map(ToString::to_string).collect();
        match (content, self.kind.bytes(), dims.is_empty()) {
            (Content::Images, ..) => format!("a header of {bytes} and {count} images of {}", dims.join(" x ")),
            (Content::Labels, 1, true) => format!("a header of {bytes} and {count} labels"),
            (Content::Labels, size, true) => format!("a header of {bytes} and {count} labels of {size} bytes"),
            (Content::Labels, size, false) => {
                format!("a header of {bytes} and {count} rows of {} numbers of {size} bytes", dims.join(" x "))
            }
        }
    }

    /// Reads the header that a file starts with.
    ///
    /// # Errors
    /// A file of another kind; a type or number of dimensions that isn't the content's; a dimension of 0 or beyond its limit.
    pub fn read(reader: &mut Reader, content: Content) -> Result<Self, DataError> {
        let path = reader.path().to_owned();
        let error =
            |byte, field, found, expected| DataError::Header { path: path.clone(), byte, field, found, expected };
        let short = |found: usize, expected: usize| DataError::Size {
            path: path.clone(),
            found: found.to_string(),
            expected: format!("a header of {expected}"),
        };
        let magic = reader.take(4)?;
        let &[first, second, kind, dimensions] = magic.as_slice() else { return Err(short(magic.len(), 4)) };
        let (types, most, known): (_, _, &[u8]) = match content {
            Content::Images => ("0x00000803 (grey images) or 0x00000804 (colour images)", 3..=4, &[0x08]),
            Content::Labels => (
                "0x00000801, 0x00000c01 (labels of bytes, of int32) or 0x00000c02 (rows of int32)",
                1..=2,
                &[0x08, 0x09, 0x0b, 0x0c],
            ),
        };
        let dimensions = usize::from(dimensions);
        let kind =
            Type::of(kind).filter(|_| [first, second] == [0, 0] && known.contains(&kind) && most.contains(&dimensions));
        let Some(kind) = kind else {
            if let Some(kind) = reader.foreign() {
                return Err(DataError::Foreign { path: path.clone(), kind, expected: "an IDX file, plain or gzipped" });
            }
            let found: String = magic.iter().map(|b| format!("{b:02x}")).collect();
            return Err(error(0, "the magic number", format!("0x{found}"), types.to_owned()));
        };
        let words = reader.take(4 * dimensions)?;
        if words.len() < 4 * dimensions {
            return Err(short(4 + words.len(), 4 + 4 * dimensions));
        }
        const NAMES: [[&str; MAX_DIMENSIONS]; 2] = [
            ["the count", "the number of rows", "the number of columns", ""],
            ["the count", "the second dimension", "the third dimension", "the fourth dimension"],
        ];
        let names = NAMES[usize::from(dimensions != 3)];
        let values: Vec<u32> = words.as_chunks::<4>().0.iter().map(|&word| u32::from_be_bytes(word)).collect();
        for (i, (&value, field)) in values.iter().zip(names).enumerate() {
            let most = if i == 0 { MAX_COUNT } else { MAX_SIDE };
            if value == 0 || value > most {
                return Err(error(4 * (i + 1), field, value.to_string(), format!("1 to {most}")));
            }
        }
        let [count, dims @ ..] = values.as_slice() else { return Err(short(4, 8)) };
        let (dims, bytes) = (dims.iter().map(|&d| d as usize).collect(), 4 + words.len() as u64);
        let mut header = Self { count: *count, kind, dims, bytes, total: 0 };
        // At most 2^26 * 2^38.
        header.total = u64::from(header.count).saturating_mul(header.sample_bytes()).saturating_add(bytes);
        Ok(header)
    }
}
