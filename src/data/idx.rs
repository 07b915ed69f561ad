//! IDX files, plain or gzipped: MNIST, Fashion-MNIST and others of their form. Big-endian: images are magic 0x00000803, count,
//! rows, columns and a byte a pixel; labels are magic 0x00000801, count and a byte a label.

use super::file::{Reader, find, require_folder};
use super::{DataError, Samples};
use crate::config::NormalisationName;
use std::path::{Path, PathBuf};

const IMAGES: u32 = 0x0803;
const LABELS: u32 = 0x0801;
/// Number of classes.
pub(super) const CLASSES: u32 = 10;
/// No image is larger in any direction.
const MAX_SIDE: u32 = 4096;

/// Both parts of a set.
pub(super) struct Idx {
    /// `[rows, columns]`.
    pub size: [usize; 2],
    pub train: Samples,
    pub test: Samples,
}

/// Reads the four files of a folder.
pub(super) fn read(folder: &Path) -> Result<Idx, DataError> {
    require_folder(
        folder,
        "IDX files (train-images-idx3-ubyte, ..., plain or .gz)",
    )?;
    let (train_path, size, train) = part(folder, "train")?;
    let (test_path, test_size, test) = part(folder, "t10k")?;
    if size != test_size {
        let text = |s: [usize; 2]| format!("images of {} x {}", s[0], s[1]);
        return Err(DataError::Mismatch {
            path: test_path,
            found: text(test_size),
            expected: text(size),
            other: train_path,
        });
    }
    Ok(Idx { size, train, test })
}

/// The set whose normalisation is usual for a folder: Fashion-MNIST where one of the path's last two parts contains `fashion`
/// (`FashionMNIST/raw` is one common layout), else MNIST.
pub(super) fn usual(folder: &Path) -> NormalisationName {
    let fashion = folder.iter().rev().take(2).any(|part| {
        part.to_string_lossy()
            .to_ascii_lowercase()
            .contains("fashion")
    });
    if fashion {
        NormalisationName::Fashion
    } else {
        NormalisationName::Mnist
    }
}

/// Names that a file goes by: plain before gzipped, with `-` before with `.`.
fn names(part: &str, kind: &str) -> Vec<String> {
    ["", ".gz"]
        .iter()
        .flat_map(|gz| ["-", "."].map(|dot| format!("{part}{dot}{kind}-ubyte{gz}")))
        .collect()
}

fn part(folder: &Path, name: &str) -> Result<(PathBuf, [usize; 2], Samples), DataError> {
    let images_path = find(
        folder,
        "IDX image file",
        &names(&format!("{name}-images"), "idx3"),
    )?;
    let labels_path = find(
        folder,
        "IDX label file",
        &names(&format!("{name}-labels"), "idx1"),
    )?;
    let (count, size, pixels) = images(&images_path)?;
    let labels = labels(&labels_path)?;
    if labels.len() != count {
        let text = |n: usize| format!("{n} samples");
        return Err(DataError::Mismatch {
            path: labels_path,
            found: text(labels.len()),
            expected: text(count),
            other: images_path,
        });
    }
    Ok((
        images_path,
        size,
        Samples {
            pixels,
            labels,
            area: size[0] * size[1],
        },
    ))
}

/// Reads a header of `fields` after checking its magic number.
fn header<const N: usize>(
    reader: &mut Reader,
    path: &Path,
    magic: u32,
    names: [&'static str; N],
) -> Result<[u32; N], DataError> {
    let bytes = reader.take(4 * (N as u64 + 1))?;
    let word = |i: usize| {
        bytes
            .get(4 * i..4 * i + 4)
            .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
    };
    let error = |i: usize, field, found: String, expected| DataError::Header {
        path: path.to_owned(),
        byte: 4 * i,
        field,
        found,
        expected,
    };
    // A foreign file is told by its magic number even where it is too short for a header.
    match word(0) {
        Some(found) if found != magic => {
            return Err(error(
                0,
                "the magic number",
                format!("0x{found:08x}"),
                format!("0x{magic:08x}"),
            ));
        }
        _ => {}
    }
    let mut values = [0; N];
    for (i, value) in values.iter_mut().enumerate() {
        let expected = format!("a header of {}", 4 * (N + 1));
        *value = word(i + 1).ok_or_else(|| DataError::Size {
            path: path.to_owned(),
            found: bytes.len().to_string(),
            expected,
        })?;
        let most = if i == 0 { u32::MAX } else { MAX_SIDE };
        if *value == 0 || *value > most {
            return Err(error(
                i + 1,
                names[i],
                value.to_string(),
                format!("1 to {most}"),
            ));
        }
    }
    Ok(values)
}

fn images(path: &Path) -> Result<(usize, [usize; 2], Vec<u8>), DataError> {
    let mut reader = Reader::open(path)?;
    let [count, rows, columns] = header(
        &mut reader,
        path,
        IMAGES,
        ["the count", "the number of rows", "the number of columns"],
    )?;
    // At most 2^32 * 2^24.
    let total = 16 + u64::from(count) * u64::from(rows) * u64::from(columns);
    let pixels = reader.rest(
        total,
        &format!("a header of 16 and {count} images of {rows} x {columns}"),
    )?;
    Ok((count as usize, [rows as usize, columns as usize], pixels))
}

fn labels(path: &Path) -> Result<Vec<u32>, DataError> {
    let mut reader = Reader::open(path)?;
    let [count] = header(&mut reader, path, LABELS, ["the count"])?;
    let bytes = reader.rest(
        8 + u64::from(count),
        &format!("a header of 8 and {count} labels"),
    )?;
    if let Some(record) = bytes.iter().position(|&b| u32::from(b) >= CLASSES) {
        let label = u32::from(bytes[record]);
        return Err(DataError::Label {
            path: path.to_owned(),
            record,
            byte: 8 + record,
            label,
            classes: CLASSES,
        });
    }
    Ok(bytes.into_iter().map(u32::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn image_file(count: u32, rows: u32, columns: u32) -> Vec<u8> {
        let mut bytes: Vec<u8> = [IMAGES, count, rows, columns]
            .iter()
            .flat_map(|w| w.to_be_bytes())
            .collect();
        bytes.extend((0..count * rows * columns).map(|i| i as u8));
        bytes
    }

    fn label_file(labels: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = [LABELS, labels.len() as u32]
            .iter()
            .flat_map(|w| w.to_be_bytes())
            .collect();
        bytes.extend(labels);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A good set, with some files replaced (or, empty, removed).
    fn folder(changes: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let write =
            |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        write("train-images-idx3-ubyte", &image_file(3, 2, 4));
        write("train-labels.idx1-ubyte", &label_file(&[7, 0, 9]));
        write("t10k-images.idx3-ubyte.gz", &gzip(&image_file(2, 2, 4)));
        write("t10k-labels-idx1-ubyte.gz", &gzip(&label_file(&[1, 2])));
        for (name, bytes) in changes {
            if bytes.is_empty() {
                std::fs::remove_file(dir.path().join(name)).unwrap()
            } else {
                write(name, bytes)
            }
        }
        dir
    }

    #[test]
    fn plain_and_gzipped_files_under_both_names() {
        let idx = read(folder(&[]).path()).unwrap();
        assert_eq!(idx.size, [2, 4]);
        assert_eq!(idx.train.labels, [7, 0, 9]);
        assert_eq!(idx.train.image(2), [16, 17, 18, 19, 20, 21, 22, 23]);
        assert_eq!(idx.test.labels, [1, 2]);
        assert_eq!(idx.test.len(), 2);
    }

    #[test]
    fn bad_files_are_named() {
        let message = |name: &str, bytes: Vec<u8>| {
            let dir = folder(&[(name, bytes)]);
            let text = read(dir.path()).err().unwrap().to_string();
            text.replace(&dir.path().display().to_string(), "DIR")
        };
        let (train, test) = ("train-images-idx3-ubyte", "t10k-images.idx3-ubyte.gz");
        assert_eq!(
            message(train, Vec::new()),
            "DIR: no IDX image file found; tried train-images-idx3-ubyte, train-images.idx3-ubyte, \
             train-images-idx3-ubyte.gz, train-images.idx3-ubyte.gz"
        );
        let expected = "expected 40 (a header of 16 and 3 images of 2 x 4)";
        let good = image_file(3, 2, 4);
        assert_eq!(
            message(train, good[..39].to_vec()),
            format!("DIR/{train}: 39 bytes found, {expected}")
        );
        assert_eq!(
            message(train, [&good[..], &[0]].concat()),
            format!("DIR/{train}: more than 40 bytes found, {expected}")
        );
        assert_eq!(
            message(train, good[..9].to_vec()),
            format!("DIR/{train}: 9 bytes found, expected a header of 16")
        );
        assert_eq!(
            message(train, label_file(&[1])),
            format!("DIR/{train}: byte 0: the magic number is 0x00000801, expected 0x00000803")
        );
        // A header that claims 2^32 - 1 images of 4096 x 4096 must not be believed.
        let huge: Vec<u8> = [IMAGES, u32::MAX, 4096, 4096]
            .iter()
            .flat_map(|w| w.to_be_bytes())
            .collect();
        assert!(message(train, huge).starts_with(&format!(
            "DIR/{train}: 16 bytes found, expected 72057594021150736 ("
        )));
        assert_eq!(
            message(train, image_file(3, 0, 4)),
            format!("DIR/{train}: byte 8: the number of rows is 0, expected 1 to 4096")
        );
        assert_eq!(
            message("train-labels.idx1-ubyte", label_file(&[1, 2])),
            format!("DIR/train-labels.idx1-ubyte: 2 samples, expected 3 samples as in DIR/{train}")
        );
        assert_eq!(
            message("train-labels.idx1-ubyte", label_file(&[1, 2, 11])),
            "DIR/train-labels.idx1-ubyte: record 2 (byte 10): label 11, expected 0 to 9"
        );
        assert_eq!(
            message(test, gzip(&image_file(2, 3, 4))),
            format!("DIR/{test}: images of 3 x 4, expected images of 2 x 4 as in DIR/{train}")
        );
        let packed = gzip(&image_file(2, 2, 4));
        for bad in [
            packed[..packed.len() - 3].to_vec(),
            vec![1, 2, 3],
            image_file(2, 2, 4),
            {
                let mut flipped = packed.clone();
                let crc = flipped.len() - 6;
                flipped[crc] ^= 1;
                flipped
            },
        ] {
            let text = message(test, bad);
            assert!(
                text.starts_with(&format!("DIR/{test}: damaged gzip data after ")),
                "{text}"
            );
        }
    }

    #[test]
    fn the_folder_tells_the_normalisation() {
        for (path, expected) in [
            ("/data/fashion-mnist", NormalisationName::Fashion),
            ("/data/FashionMNIST/raw", NormalisationName::Fashion),
            ("/fashion/data/MNIST/raw", NormalisationName::Mnist),
            ("mnist", NormalisationName::Mnist),
        ] {
            assert_eq!(usual(Path::new(path)), expected, "{path}");
        }
    }
}
