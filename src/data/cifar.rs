//! The binary versions of CIFAR-10 and CIFAR-100: records of one or two label bytes, then 1,024 bytes each of red, green and blue.

use super::file::{Reader, find, require_folder};
use super::limit::{FirstOfEach, MOST_BYTES};
use super::{DataError, Samples};
use crate::config::LabelChoice;
use crate::files::Kind;
use std::path::{Path, PathBuf};

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

    /// Training and test samples of a folder: of each class the first `limits` (training, test), of 0 all. CIFAR-10 has all
    /// `data_batch_N.bin` there are, in order of N, and `test_batch.bin`; CIFAR-100 `train.bin` and `test.bin`. They may also lie in
    /// the folder that the original archive unpacks to.
    pub fn read(&self, path: &Path, limits: [u32; 2]) -> Result<(Samples, Samples), DataError> {
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
        let mut train = Part::new(limits[0], "data.train_limit");
        for file in &files {
            train.append(self, file)?;
        }
        let mut test = Part::new(limits[1], "data.test_limit");
        let what = if self.lead == 1 { "CIFAR-10 test batch" } else { "CIFAR-100 test file" };
        test.append(self, &find(folder, what, &[self.test.to_owned()])?)?;
        Ok((train.samples, test.samples))
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
}

/// The samples of a part so far.
struct Part {
    samples: Samples,
    first: FirstOfEach,
    /// The config's key that keeps fewer samples.
    key: &'static str,
}

impl Part {
    fn new(limit: u32, key: &'static str) -> Self {
        Self { samples: Samples::new(PIXELS), first: FirstOfEach::new(limit), key }
    }

    fn append(&mut self, set: &Set, path: &Path) -> Result<(), DataError> {
        let mut reader = Reader::open(path)?;
        if let Some(kind) = reader.foreign().filter(|&kind| kind != Kind::Empty) {
            // A record's first bytes are a label and dark or bright pixels: chance may make them look like text or an archive.
            let right = reader.plain_size().is_some_and(|size| size > 0 && size.is_multiple_of(set.record() as u64));
            if !right {
                return Err(DataError::Foreign { path: path.to_owned(), kind, expected: set.what });
            }
        }
        let size = |found: u64| DataError::Size {
            path: path.to_owned(),
            found: found.to_string(),
            expected: format!(
                "a multiple of {} ({} and {PIXELS} pixels), at least one",
                set.record(),
                if set.lead == 1 { "records of a label" } else { "records of two labels" }
            ),
        };
        if let Some(bytes) = reader.plain_size().filter(|&n| n == 0 || !n.is_multiple_of(set.record() as u64)) {
            return Err(size(bytes));
        }
        let mut record = vec![0; set.record()];
        for index in 0.. {
            match reader.fill(&mut record)? {
                0 if index > 0 => break,
                filled if filled < record.len() => return Err(size(reader.taken())),
                _ => {}
            }
            let label = u32::from(record[set.label]);
            if label >= set.classes {
                let byte = index as u64 * record.len() as u64 + set.label as u64;
                let (path, label, most) = (path.to_owned(), i64::from(label), set.classes - 1);
                return Err(DataError::Label { path, record: index, byte, label, most });
            }
            if self.first.takes(label) {
                let bytes = (self.samples.values.len() + PIXELS) as u64;
                if bytes > MOST_BYTES {
                    let path = path.to_owned();
                    return Err(DataError::TooLarge { path, bytes, most: MOST_BYTES, key: self.key });
                }
                self.samples.push(&record[set.lead..], label);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: usize = 1 + PIXELS;

    fn read(path: &Path) -> Result<(Samples, Samples), DataError> {
        CIFAR10.read(path, [0, 0])
    }

    fn records(labels: &[u8]) -> Vec<u8> {
        labels
            .iter()
            .flat_map(|&label| std::iter::once(label).chain((0..PIXELS).map(move |i| label.wrapping_add(i as u8))))
            .collect()
    }

    fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        dir
    }

    #[test]
    fn batches_are_read_in_order_of_their_number() {
        let files = [
            ("data_batch_10.bin", records(&[5])),
            ("data_batch_2.bin", records(&[3, 4])),
            ("test_batch.bin", records(&[9])),
        ];
        let dir = folder(&files);
        let (train, test) = read(dir.path()).unwrap();
        assert_eq!(train.labels, [3, 4, 5]);
        assert_eq!(test.labels, [9]);
        assert_eq!(train.image(1)[..3], [4, 5, 6]);
        let inner: Vec<_> = files.iter().map(|(n, b)| (format!("cifar-10-batches-bin/{n}"), b.clone())).collect();
        let dir = folder(&inner.iter().map(|(n, b)| (n.as_str(), b.clone())).collect::<Vec<_>>());
        assert_eq!(read(dir.path()).unwrap().0.labels, [3, 4, 5]);
    }

    #[test]
    fn limits_keep_the_first_of_each_class() {
        let dir = folder(&[("data_batch_1.bin", records(&[3, 4, 3, 3, 4])), ("test_batch.bin", records(&[9, 9]))]);
        let (train, test) = CIFAR10.read(dir.path(), [2, 1]).unwrap();
        assert_eq!((train.labels.as_slice(), test.labels.as_slice()), (&[3, 4, 3, 4][..], &[9][..]));
        assert_eq!(train.values.len(), 4 * PIXELS);
        assert_eq!(train.image(3)[..2], [4, 5]);
    }

    #[test]
    fn hundred_classes_have_a_coarse_and_a_fine_label() {
        let record = |coarse: u8, fine: u8| [&[coarse, fine][..], &[fine; PIXELS]].concat();
        let train = [record(19, 99), record(0, 0), record(4, 72)].concat();
        let dir = folder(&[("cifar-100-binary/train.bin", train.clone()), ("cifar-100-binary/test.bin", record(1, 7))]);
        let (fine, test) = cifar100(LabelChoice::Fine).read(dir.path(), [0, 0]).unwrap();
        assert_eq!((fine.labels.as_slice(), test.labels.as_slice()), (&[99, 0, 72][..], &[7][..]));
        let (coarse, _) = cifar100(LabelChoice::Coarse).read(dir.path(), [0, 0]).unwrap();
        assert_eq!((coarse.labels.as_slice(), coarse.image(2)[0]), (&[19, 0, 4][..], 72));
        let dir = folder(&[("train.bin", [&train[..], &record(20, 5)].concat()), ("test.bin", record(1, 100))]);
        let message = |labels| cifar100(labels).read(dir.path(), [0, 0]).err().unwrap().to_string();
        assert!(message(LabelChoice::Coarse).ends_with("train.bin: record 3 (byte 9222): label 20, expected 0 to 19"));
        assert!(message(LabelChoice::Fine).ends_with("test.bin: record 0 (byte 1): label 100, expected 0 to 99"));
        let dir = folder(&[("train.bin", train[..3075].to_vec())]);
        let message = cifar100(LabelChoice::Fine).read(dir.path(), [0, 0]).err().unwrap().to_string();
        assert!(message.ends_with("expected a multiple of 3074 (records of two labels and 3072 pixels), at least one"));
    }

    #[test]
    fn bad_files_are_named() {
        let message = |files: &[(&str, Vec<u8>)]| {
            let dir = folder(files);
            let text = read(dir.path()).err().unwrap().to_string();
            text.replace(&dir.path().display().to_string(), "DIR")
        };
        let good = records(&[1, 2]);
        assert_eq!(
            message(&[]),
            "DIR: no CIFAR-10 training batch found; tried data_batch_1.bin, data_batch_2.bin, ..."
        );
        assert_eq!(
            message(&[("data_batch_1.bin", good.clone())]),
            "DIR: no CIFAR-10 test batch found; tried test_batch.bin"
        );
        let size = "expected a multiple of 3073 (records of a label and 3072 pixels), at least one";
        assert_eq!(good.len(), 2 * RECORD);
        for (bytes, found) in [(good[..6145].to_vec(), 6145), ([&good[..], &[0]].concat(), 6147), (Vec::new(), 0)] {
            assert_eq!(
                message(&[("data_batch_1.bin", bytes)]),
                format!("DIR/data_batch_1.bin: {found} bytes found, {size}")
            );
        }
        assert_eq!(
            message(&[("data_batch_1.bin", good.clone()), ("test_batch.bin", records(&[0, 10]))]),
            "DIR/test_batch.bin: record 1 (byte 3073): label 10, expected 0 to 9"
        );
        assert_eq!(
            message(&[("data_batch_1.bin", b"<!DOCTYPE html>".to_vec())]),
            "DIR/data_batch_1.bin: expected CIFAR-10 binary files (data_batch_1.bin, ..., test_batch.bin), found a web page; \
             download it again, from the link to the raw file"
        );
        let file = folder(&[("x", good)]);
        let text = read(&file.path().join("x")).err().unwrap().to_string();
        assert!(
            text.ends_with("x: expected a folder with CIFAR-10 binary files (data_batch_1.bin, ..., test_batch.bin)"),
            "{text}"
        );
    }
}
