//! The binary versions of CIFAR-10 and CIFAR-100: records of one or two label bytes, then 1,024 bytes each of red, green and blue.

use super::file::{Reader, find, require_folder};
use super::layout::Layout;
use super::limit::{FirstOfEach, Limits, check_held};
use super::pages::{Form, Paged, RecordFile, Records};
use super::scalar::Scalar;
use super::{DataError, Part, Values};
use crate::config::LabelChoice;
use crate::files::Kind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pixels of a sample, `[3, 32, 32]`.
pub(super) const PIXELS: usize = 3 * 32 * 32;

/// What tells the sets apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    /// Files, as an error names them.
    what: &'static str,
    /// The folder that the original archive unpacks to.
    folder: &'static str,
    /// The test file.
    test: &'static str,
    /// Bytes before the pixels of a record.
    lead: usize,
    /// Which of them is the label.
    label: usize,
    /// Number of classes.
    pub classes: u32,
}

/// CIFAR-10.
pub(super) const CIFAR10: Set = Set {
    what: "CIFAR-10 binary files (data_batch_1.bin, ..., test_batch.bin)",
    folder: "cifar-10-batches-bin",
    test: "test_batch.bin",
    lead: 1,
    label: 0,
    classes: 10,
};

/// CIFAR-100 with one of its two labels.
pub(super) fn cifar100(labels: LabelChoice) -> Set {
    let (label, classes) = match labels {
        LabelChoice::Coarse => (0, 20),
        LabelChoice::Fine => (1, 100),
    };
    let what = "CIFAR-100 binary files (train.bin, test.bin)";
    Set { what, folder: "cifar-100-binary", test: "test.bin", lead: 2, label, classes }
}

impl Set {
    fn record(&self) -> usize {
        self.lead + PIXELS
    }

    /// Whether a folder, or the one that the original archive unpacks to in it, has training files.
    pub fn is_there(&self, path: &Path) -> bool {
        let found = |folder: &Path| self.training_files(folder).is_ok_and(|files| !files.is_empty());
        found(path) || found(&path.join(self.folder))
    }

    /// Training and test samples of a folder, within limits. CIFAR-10 has all
    /// `data_batch_N.bin` there are, in order of N, and `test_batch.bin`; CIFAR-100 `train.bin` and `test.bin`. They may also lie in
    /// the folder that the original archive unpacks to.
    pub fn read(&self, path: &Path, limits: Limits) -> Result<(Part, Part), DataError> {
        require_folder(path, self.what)?;
        let inner = path.join(self.folder);
        let (folder, files) = match self.training_files(path)? {
            found if found.is_empty() && inner.is_dir() => (inner.as_path(), self.training_files(&inner)?),
            found => (path, found),
        };
        if files.is_empty() {
            let (what, tried): (_, &[&str]) = match self.lead {
                1 => ("CIFAR-10 training batch", &["data_batch_1.bin", "data_batch_2.bin", "..."]),
                _ => ("CIFAR-100 training file", &["train.bin"]),
            };
            let tried = tried.iter().map(|&name| name.to_owned()).collect();
            return Err(DataError::Missing { folder: folder.to_owned(), what, tried });
        }
        let train = self.part(&files, limits, 0)?;
        let what = if self.lead == 1 { "CIFAR-10 test batch" } else { "CIFAR-100 test file" };
        let test = find(folder, what, &[self.test.to_owned()])?;
        Ok((train, self.part(&[test], limits, 1)?))
    }

    /// The training files of a folder, in their order.
    fn training_files(&self, folder: &Path) -> Result<Vec<PathBuf>, DataError> {
        if self.lead == 2 {
            return Ok([folder.join("train.bin")].into_iter().filter(|path| path.exists()).collect());
        }
        let read = |source| DataError::Read { path: folder.to_owned(), source };
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read)? {
            let name = entry.map_err(read)?.file_name();
            let number =
                name.to_str().and_then(|n| n.strip_prefix("data_batch_")?.strip_suffix(".bin")?.parse::<u32>().ok());
            // `data_batch_01.bin` beside `data_batch_1.bin` would be the same number twice.
            if let Some(n) = number.filter(|n| name.to_str() == Some(&format!("data_batch_{n}.bin"))) {
                found.push((n, folder.join(name)));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, path)| path).collect())
    }

    /// The samples of files that its limit keeps of part `number`.
    fn part(&self, files: &[PathBuf], limits: Limits, number: usize) -> Result<Part, DataError> {
        let mut taken = Taken { first: FirstOfEach::new(limits.first[number]), ..Taken::default() };
        let sizes = files.iter().map(|path| self.whole(path)).collect::<Result<Vec<_>, _>>()?;
        // What is gzipped can't be read in any order.
        let plain = sizes.iter().try_fold(0u64, |sum, size| Some(sum + (*size)?));
        // As if all were kept, which is known only once the labels are read.
        if plain.is_some_and(|bytes| limits.leaves(bytes)) {
            for path in files {
                self.append(&mut taken, path, None)?;
            }
            let open = |(path, size): (&PathBuf, &Option<u64>)| {
                RecordFile::open(path, 0, (size.unwrap_or(0) / self.record() as u64) as u32)
            };
            let files = files.iter().zip(&sizes).map(open).collect::<Result<_, _>>()?;
            let layout = Layout { shape: [3, 32, 32], channels_last: false };
            let form = Form { scalar: Scalar::BYTE, layout };
            let pages = Paged::new(Arc::new(Records { files, lead: self.lead, form }), taken.numbers);
            return Ok(Part::paged(pages, taken.labels, PIXELS));
        }
        let mut pixels = Vec::new();
        for path in files {
            self.append(&mut taken, path, Some((&mut pixels, number)))?;
        }
        Ok(Part::of(Values::Bytes(pixels), taken.labels, PIXELS))
    }

    fn size_error(&self, path: &Path, found: u64) -> DataError {
        let records = if self.lead == 1 { "records of a label" } else { "records of two labels" };
        let expected = format!("a multiple of {} ({records} and {PIXELS} pixels), at least one", self.record());
        DataError::Size { path: path.to_owned(), found: found.to_string(), expected }
    }

    /// The size of a plain file, found to be one of whole records; `None` of a gzipped one, whose size is known at its end.
    fn whole(&self, path: &Path) -> Result<Option<u64>, DataError> {
        let reader = Reader::open(path)?;
        let whole = reader.plain_size().is_some_and(|size| size > 0 && size.is_multiple_of(self.record() as u64));
        if let Some(kind) = reader.foreign().filter(|&kind| kind != Kind::Empty) {
            // A record's first bytes are a label and dark or bright pixels: chance may make them look like text or an archive.
            if !whole {
                return Err(DataError::Foreign { path: path.to_owned(), kind, expected: self.what });
            }
        }
        match reader.plain_size() {
            Some(bytes) if !whole => Err(self.size_error(path, bytes)),
            size => Ok(size),
        }
    }

    /// Reads a file's records: their labels, and the pixels of those that are kept, where they are wanted.
    fn append(&self, taken: &mut Taken, path: &Path, mut into: Option<(&mut Vec<u8>, usize)>) -> Result<(), DataError> {
        let mut reader = Reader::open(path)?;
        let mut record = vec![0; self.record()];
        for index in 0.. {
            match reader.fill(&mut record)? {
                0 if index > 0 => break,
                filled if filled < record.len() => return Err(self.size_error(path, reader.taken())),
                _ => {}
            }
            let label = u32::from(record[self.label]);
            if label >= self.classes {
                let byte = index as u64 * record.len() as u64 + self.label as u64;
                let (path, label, most) = (path.to_owned(), i64::from(label), self.classes - 1);
                return Err(DataError::Label { path, record: index, byte, label, most });
            }
            if taken.first.takes(label) {
                taken.labels.push(label);
                taken.numbers.push(taken.next);
                if let Some((pixels, part)) = &mut into {
                    check_held(path, (pixels.len() + PIXELS) as u64, *part)?;
                    pixels.extend_from_slice(&record[self.lead..]);
                }
            }
            taken.next = taken.next.saturating_add(1);
        }
        Ok(())
    }
}

/// What was kept of a part so far.
#[derive(Default)]
struct Taken {
    first: FirstOfEach,
    labels: Vec<u32>,
    /// Of each sample its number among all records.
    numbers: Vec<u32>,
    /// The number of the next record.
    next: u32,
}

#[cfg(test)]
mod tests;
