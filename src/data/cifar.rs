//! CIFAR-10's binary version: records of a label byte, then 1,024 bytes each of red, green and blue.

use super::file::{Reader, find, require_folder};
use super::{DataError, Samples};
use std::path::{Path, PathBuf};

/// Pixels of a sample, `[3, 32, 32]`.
pub(super) const PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 1 + PIXELS;
/// Number of classes.
pub(super) const CLASSES: u32 = 10;
const WHAT: &str = "CIFAR-10 binary files (data_batch_1.bin, ..., test_batch.bin)";

/// Training and test samples of a folder: all `data_batch_N.bin` there are, in order of N, and `test_batch.bin`. They may
/// also lie in `cifar-10-batches-bin`, as the original archive unpacks.
pub(super) fn read(path: &Path) -> Result<(Samples, Samples), DataError> {
    require_folder(path, WHAT)?;
    let inner = path.join("cifar-10-batches-bin");
    let (folder, batches) = match batches(path)? {
        found if found.is_empty() && inner.is_dir() => (inner.as_path(), batches(&inner)?),
        found => (path, found),
    };
    if batches.is_empty() {
        let tried = vec![
            "data_batch_1.bin".to_owned(),
            "data_batch_2.bin".to_owned(),
            "...".to_owned(),
        ];
        return Err(DataError::Missing {
            folder: folder.to_owned(),
            what: "CIFAR-10 training batch",
            tried,
        });
    }
    let mut train = Samples::new(PIXELS);
    for batch in &batches {
        append(batch, &mut train)?;
    }
    let mut test = Samples::new(PIXELS);
    append(
        &find(
            folder,
            "CIFAR-10 test batch",
            &["test_batch.bin".to_owned()],
        )?,
        &mut test,
    )?;
    Ok((train, test))
}

/// The `data_batch_N.bin` of a folder by N.
fn batches(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let read = |source| DataError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let name = entry.map_err(read)?.file_name();
        let number = name.to_str().and_then(|n| {
            n.strip_prefix("data_batch_")?
                .strip_suffix(".bin")?
                .parse::<u32>()
                .ok()
        });
        // `data_batch_01.bin` beside `data_batch_1.bin` would be the same number twice.
        if let Some(n) = number.filter(|n| name.to_str() == Some(&format!("data_batch_{n}.bin"))) {
            found.push((n, folder.join(name)));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn append(path: &Path, samples: &mut Samples) -> Result<(), DataError> {
    let bytes = Reader::open(path)?.take(u64::MAX)?;
    if bytes.is_empty() || bytes.len() % RECORD != 0 {
        let expected = format!(
            "a multiple of {RECORD} (records of a label and {PIXELS} pixels), at least one"
        );
        return Err(DataError::Size {
            path: path.to_owned(),
            found: bytes.len().to_string(),
            expected,
        });
    }
    for (record, chunk) in bytes.chunks_exact(RECORD).enumerate() {
        let label = u32::from(chunk[0]);
        if label >= CLASSES {
            return Err(DataError::Label {
                path: path.to_owned(),
                record,
                byte: record * RECORD,
                label,
                classes: CLASSES,
            });
        }
        samples.push(&chunk[1..], label);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(labels: &[u8]) -> Vec<u8> {
        labels
            .iter()
            .flat_map(|&label| {
                std::iter::once(label).chain((0..PIXELS).map(move |i| label.wrapping_add(i as u8)))
            })
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
        let inner: Vec<_> = files
            .iter()
            .map(|(n, b)| (format!("cifar-10-batches-bin/{n}"), b.clone()))
            .collect();
        let dir = folder(
            &inner
                .iter()
                .map(|(n, b)| (n.as_str(), b.clone()))
                .collect::<Vec<_>>(),
        );
        assert_eq!(read(dir.path()).unwrap().0.labels, [3, 4, 5]);
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
        for (bytes, found) in [
            (good[..6145].to_vec(), 6145),
            ([&good[..], &[0]].concat(), 6147),
            (Vec::new(), 0),
        ] {
            assert_eq!(
                message(&[("data_batch_1.bin", bytes)]),
                format!("DIR/data_batch_1.bin: {found} bytes found, {size}")
            );
        }
        assert_eq!(
            message(&[
                ("data_batch_1.bin", good.clone()),
                ("test_batch.bin", records(&[0, 10]))
            ]),
            "DIR/test_batch.bin: record 1 (byte 3073): label 10, expected 0 to 9"
        );
        let file = folder(&[("x", good)]);
        let text = read(&file.path().join("x")).err().unwrap().to_string();
        assert!(text.ends_with("x: expected a folder with CIFAR-10 binary files (data_batch_1.bin, ..., test_batch.bin)"), "{text}");
    }
}
