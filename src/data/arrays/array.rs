//! An array in a file: its type, its shape, its place, and its rows as they are read.

use super::super::DataError;
use super::super::file::Reader;
use super::super::pages::RecordFile;
use super::super::scalar::Scalar;
use std::path::Path;

/// Bytes of a row that are read at once; longer rows grow with what is there.
const LONG: usize = 1 << 20;

/// An array whose values are next to be read.
pub(in crate::data) struct Array {
    name: String,
    reader: Reader,
    /// Where its first value lies in the file, of an array that isn't packed.
    place: Option<u64>,
    pub shape: Vec<usize>,
    pub scalar: Scalar,
}

impl Array {
    /// The array that `reader` stands before. `place`: where its first value lies in the file, if it isn't packed.
    pub fn new(name: &str, reader: Reader, place: Option<u64>, shape: Vec<usize>, scalar: Scalar) -> Self {
        Self { name: name.to_owned(), reader, place, shape, scalar }
    }

    /// Its rows as records of the file, of an array that isn't packed.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn records(&self, rows: usize) -> Result<Option<RecordFile>, DataError> {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.place.map(|place| RecordFile::open(self.path(), place, rows)).transpose()
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
