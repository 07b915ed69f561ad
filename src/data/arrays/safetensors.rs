//! safetensors files: a length, a JSON header, and the tensors behind it.

use super::Arrays;
use super::array::Array;
use crate::data::DataError;
use crate::data::file::{Reader, read_error};
use crate::data::scalar::{Class, Scalar};
use crate::files::{HEAD, Kind, Source};
use safetensors::tensor::{Dtype, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes that a header may take.
const MOST: u64 = 1 << 20;

/// A file whose header was read.
pub(in crate::data) struct Tensors {
    path: PathBuf,
    metadata: Metadata,
    /// The names, sorted.
    names: Vec<String>,
    /// Where the first tensor begins.
    start: u64,
}

impl Tensors {
    /// Reads the header.
    ///
    /// # Errors
    /// A file that can't be read, is of another kind, or not as long as its header says.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let what = "safetensors file";
        let damaged = |message: String| DataError::Container { path: path.to_owned(), what, message };
        let mut source = Source::open(path).map_err(read_error)?;
        let (bytes, head) = (source.bytes(), source.head(HEAD).map_err(read_error)?);
        match Kind::of(&head) {
            Some(Kind::Safetensors) | None => {}
            Some(kind) => {
                let expected = "a safetensors file with tensors x and y";
                return Err(DataError::Foreign { path: path.to_owned(), kind, expected });
            }
        }
        let length = head.first_chunk().map_or(u64::MAX, |&length| u64::from_le_bytes(length));
        if length > MOST {
            return Err(damaged(format!("its header has {length} bytes, expected at most {MOST}")));
        }
        let mut reader = Reader::of(path, source.into_file(), bytes, &[]);
        reader.take(8)?;
        let header = reader.take(length as usize)?;
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| damaged(format!("its header: {e}")))?;
        let start = 8 + length;
        let whole = start.saturating_add(metadata.data_len() as u64);
        if whole != bytes {
            return Err(damaged(format!("{bytes} bytes, expected {whole} by its header")));
        }
        let mut names: Vec<String> = metadata.tensors().into_keys().collect();
        names.sort_unstable();
        Ok(Self { path: path.to_owned(), metadata, names, start })
    }
}

impl Arrays for Tensors {
    fn path(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    fn open(&self, name: &str) -> Result<Array, DataError> {
        let error = |message: String| DataError::Array { path: self.path.clone(), array: name.to_owned(), message };
        let info = self.metadata.info(name).ok_or_else(|| error("missing".to_owned()))?;
        let (class, bytes) = match info.dtype {
            Dtype::U8 => (Class::Unsigned, 1),
            Dtype::U16 => (Class::Unsigned, 2),
            Dtype::U32 => (Class::Unsigned, 4),
            Dtype::U64 => (Class::Unsigned, 8),
            Dtype::I8 => (Class::Signed, 1),
            Dtype::I16 => (Class::Signed, 2),
            Dtype::I32 => (Class::Signed, 4),
            Dtype::I64 => (Class::Signed, 8),
            Dtype::F16 => (Class::Float, 2),
            Dtype::BF16 => (Class::BFloat, 2),
            Dtype::F32 => (Class::Float, 4),
            Dtype::F64 => (Class::Float, 8),
            other => return Err(error(format!("type {other:?}, expected whole numbers or floats of 16 to 64 bits"))),
        };
        let (from, to) = info.data_offsets;
        let length = to.checked_sub(from).ok_or_else(|| error("it ends before it begins".to_owned()))? as u64;
        let mut file = Source::open(&self.path).map_err(read_error)?.into_file();
        let place = self.start.saturating_add(from as u64);
        let moved = file.seek(SeekFrom::Start(place));
        moved.map_err(|source| DataError::Read { path: self.path.clone(), source })?;
        let reader = Reader::of(&self.path, file.take(length), length, &[]);
        Ok(Array::new(name, reader, Some(place), info.shape.clone(), Scalar { class, bytes, big_endian: false }))
    }
}
