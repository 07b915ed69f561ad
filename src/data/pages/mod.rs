//! Samples that stay in their files and are read, some at a time, when they are wanted.

use super::file::read_error;
use super::layout::Layout;
use super::part::Values;
use super::scalar::Scalar;
use super::{DataError, Normalisation};
use crate::files::Source;
use std::fmt::Debug;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Bytes of records that are read at a time.
const BLOCK: usize = 1 << 20;

/// Files that samples can be read from in any order.
pub(super) trait Origin: Debug + Send + Sync {
    /// Whether values are floats, else bytes.
    fn floats(&self) -> bool;

    /// Appends the samples of these numbers (of the file, not of a part), each channels first. Floats aren't normalised.
    ///
    /// # Errors
    /// A file that can't be read, has changed or is damaged.
    fn read(&self, numbers: &[u32], into: &mut Values) -> Result<(), DataError>;
}

/// The samples of a part in files.
#[derive(Clone, Debug)]
pub(super) struct Paged {
    origin: Arc<dyn Origin>,
    /// Of each sample of the part, its number in the file.
    numbers: Vec<u32>,
    normalisation: Option<Normalisation>,
}

impl Paged {
    /// The samples of these numbers.
    pub fn new(origin: Arc<dyn Origin>, numbers: Vec<u32>) -> Self {
        Self { origin, numbers, normalisation: None }
    }

    /// Whether values are floats, else bytes.
    pub fn floats(&self) -> bool {
        self.origin.floats()
    }

    /// Has floats normalised as they are read.
    pub fn normalise(&mut self, by: Normalisation) {
        self.normalisation = Some(by);
    }

    /// Of the part's samples those of these indices.
    pub fn select(&self, indices: &[u32]) -> Self {
        Self { numbers: indices.iter().map(|&i| self.numbers[i as usize]).collect(), ..self.clone() }
    }

    /// The values of a range of samples.
    ///
    /// # Errors
    /// As [`Origin::read`].
    pub fn read(&self, samples: Range<usize>) -> Result<Values, DataError> {
        self.read_numbers(&self.numbers[samples])
    }

    /// The values of the samples of these indices.
    ///
    /// # Errors
    /// As [`Origin::read`].
    pub fn picked(&self, indices: &[u32]) -> Result<Values, DataError> {
        self.read_numbers(&indices.iter().map(|&i| self.numbers[i as usize]).collect::<Vec<_>>())
    }

    fn read_numbers(&self, numbers: &[u32]) -> Result<Values, DataError> {
        let (mut values, count) = (Values::none(self.floats()), numbers.len());
        self.origin.read(numbers, &mut values)?;
        if let (Values::Floats(values), Some(by)) = (&mut values, &self.normalisation) {
            let area = values.len() / count.max(1);
            by.normalise(values, area);
        }
        Ok(values)
    }
}

impl PartialEq for Paged {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.origin, &other.origin)
            && (&self.numbers, &self.normalisation) == (&other.numbers, &other.normalisation)
    }
}

/// How a file's bytes become the values of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub scalar: Scalar,
    pub layout: Layout,
}

impl Form {
    /// Bytes of a sample in the file.
    pub fn bytes(&self) -> usize {
        self.layout.shape.iter().product::<usize>() * self.scalar.bytes
    }

    /// Appends a sample. `scratch` is for floats on their way.
    pub fn append(&self, sample: &[u8], scratch: &mut Vec<f32>, into: &mut Values) {
        match into {
            Values::Bytes(values) => self.layout.append(sample, values),
            Values::Floats(values) => {
                self.scalar.floats(sample, scratch);
                self.layout.append(scratch, values);
            }
        }
    }
}

/// A file with records of one length.
#[derive(Debug)]
pub(super) struct RecordFile {
    path: PathBuf,
    file: Mutex<File>,
    /// As the file was when it was opened: what has changed since isn't what was checked.
    stamp: Stamp,
    /// Where the first record begins.
    start: u64,
    /// Records.
    count: u32,
}

/// What tells that a file has changed: its size and the time of its last change, where the system knows that.
type Stamp = (u64, Option<SystemTime>);

fn stamp(file: &File) -> std::io::Result<Stamp> {
    file.metadata().map(|metadata| (metadata.len(), metadata.modified().ok()))
}

impl RecordFile {
    /// Opens a file that has `count` records from byte `start` on.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn open(path: &Path, start: u64, count: u32) -> Result<Self, DataError> {
        let file = Source::open(path).map_err(read_error)?.into_file();
        let stamp = stamp(&file).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file), stamp, start, count })
    }

    /// Fills `into` from byte `at` of the file.
    fn fill(&self, at: u64, into: &mut [u8]) -> Result<(), DataError> {
        // A panic elsewhere leaves the file as it is: where it stands is set before each read.
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(into)).and_then(|()| stamp(&file));
        let read = read.map_err(|source| DataError::Read { path: self.path.clone(), source })?;
        if read == self.stamp { Ok(()) } else { Err(DataError::Changed { path: self.path.clone() }) }
    }
}

/// Records of one length in one or several files, numbered through.
#[derive(Debug)]
pub(super) struct Records {
    pub files: Vec<RecordFile>,
    /// Bytes of a record before its sample.
    pub lead: usize,
    pub form: Form,
}

impl Origin for Records {
    fn floats(&self) -> bool {
        self.form.scalar.is_float()
    }

    fn read(&self, numbers: &[u32], into: &mut Values) -> Result<(), DataError> {
        let record = self.lead + self.form.bytes();
        let at_once = (BLOCK / record.max(1)).max(1);
        let (mut block, mut scratch, mut rest) = (Vec::new(), Vec::new(), numbers);
        while let Some(&first) = rest.first() {
            // A number beyond the files' records would be one that was never counted.
            let Some((file, inside)) = self.file_of(first) else { break };
            // Records that lie side by side are read at once.
            let most = at_once.min((file.count - inside) as usize);
            let run = rest.iter().zip(first..).take(most).take_while(|&(&number, next)| number == next).count();
            block.resize(run * record, 0);
            file.fill(file.start + u64::from(inside) * record as u64, &mut block)?;
            block.chunks_exact(record).for_each(|r| self.form.append(&r[self.lead..], &mut scratch, into));
            rest = &rest[run..];
        }
        Ok(())
    }
}

impl Records {
    /// The file of a record, and its number there.
    fn file_of(&self, number: u32) -> Option<(&RecordFile, u32)> {
        let mut inside = number;
        self.files.iter().find_map(|file| {
            let found = (inside < file.count).then_some((file, inside));
            inside = inside.saturating_sub(file.count);
            found
        })
    }
}

#[cfg(test)]
mod tests;
