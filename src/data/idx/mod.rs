//! IDX files, plain or gzipped: MNIST, Fashion-MNIST, EMNIST, QMNIST and others of their form. Images are bytes of 3 dimensions
//! (count, rows, columns) or 4 (with 1 or 3 channels first or last); labels are bytes or whole numbers of 16 or 32 bits.

mod header;
mod names;
#[cfg(test)]
mod tests;

use super::file::{Reader, require_folder};
use super::layout::Layout;
use super::limit::{FirstOfEach, Limits, check_held};
use super::pages::{Form, Paged, RecordFile, Records};
use super::scalar::Scalar;
use super::{DataError, Part, Values};
use crate::config::NormalisationName;
use header::{Content, Header};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest label: 65,535 classes.
const MAX_LABEL: i64 = 65_534;

/// Both parts of a set.
#[derive(Debug)]
pub(super) struct Idx {
    /// `[c, h, w]`.
    pub shape: [usize; 3],
    /// One more than the largest label of both parts, limits left aside.
    pub classes: u32,
    pub train: Part,
    pub test: Part,
}

/// Reads the four files of a folder, within limits.
pub(super) fn read(folder: &Path, limits: Limits) -> Result<Idx, DataError> {
    require_folder(folder, "IDX files (train-images-idx3-ubyte, ..., plain or .gz)")?;
    let files = names::find(folder)?;
    let [train_path, _] = &files.train;
    let [test_path, _] = &files.test;
    let train = Opened::open(&files.train)?;
    let test = Opened::open(&files.test)?;
    if train.layout.shape != test.layout.shape {
        let text = |l: &Layout| format!("images of {}", l.text());
        return Err(DataError::Mismatch {
            path: test_path.clone(),
            found: text(&test.layout),
            expected: text(&train.layout),
            other: train_path.clone(),
        });
    }
    let shape = train.layout.shape;
    let (most, train) = train.read(limits, 0)?;
    let (most_of_test, test) = test.read(limits, 1)?;
    Ok(Idx { shape, classes: most.max(most_of_test) + 1, train, test })
}

/// The set whose normalisation is usual for a folder: of grey images Fashion-MNIST where one of the path's last two parts contains
/// `fashion` (`FashionMNIST/raw` is one common layout), else MNIST; of colour images none.
pub(super) fn usual(folder: &Path, channels: usize) -> NormalisationName {
    let fashion =
        folder.iter().rev().take(2).any(|part| part.to_string_lossy().to_ascii_lowercase().contains("fashion"));
    match (channels, fashion) {
        (1, true) => NormalisationName::Fashion,
        (1, false) => NormalisationName::Mnist,
        _ => NormalisationName::None,
    }
}

/// How the images of these dimensions lie in a file.
fn layout(path: &Path, dims: &[usize]) -> Result<Layout, DataError> {
    Layout::of(dims).ok_or_else(|| DataError::Header {
        path: path.to_owned(),
        byte: 8,
        field: "the shape of an image",
        found: dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x "),
        expected: "rows x columns, or 1 or 3 channels before or behind them".to_owned(),
    })
}

/// Images and labels of one part, their headers read and found to belong together.
struct Opened {
    images: (Reader, Header),
    labels: (Reader, Header),
    layout: Layout,
}

impl Opened {
    fn open([images_path, labels_path]: &[PathBuf; 2]) -> Result<Self, DataError> {
        let open = |path: &Path, content: Content| {
            let mut reader = Reader::open(path)?;
            let header = Header::read(&mut reader, content)?;
            Ok::<_, DataError>((reader, header))
        };
        let images = open(images_path, Content::Images)?;
        let labels = open(labels_path, Content::Labels)?;
        let layout = layout(images_path, &images.1.dims)?;
        images.0.claims(images.1.total, &images.1.explain(Content::Images))?;
        labels.0.claims(labels.1.total, &labels.1.explain(Content::Labels))?;
        if images.1.count != labels.1.count {
            let text = |n: u32| format!("{n} samples");
            return Err(DataError::Mismatch {
                path: labels_path.clone(),
                found: text(labels.1.count),
                expected: text(images.1.count),
                other: images_path.clone(),
            });
        }
        Ok(Self { images, labels, layout })
    }

    /// The largest label, and the samples of part `part` (0: training, 1: test) that its limit keeps.
    fn read(mut self, limits: Limits, part: usize) -> Result<(u32, Part), DataError> {
        let all = self.read_labels()?;
        let mut first = FirstOfEach::new(limits.first[part]);
        let keep: Vec<bool> = all.iter().map(|&label| first.takes(label)).collect();
        let kept = keep.iter().filter(|&&keep| keep).count() as u64;
        let (reader, header) = &mut self.images;
        // At most 2^26 images of 2^26 bytes.
        let (bytes, area) = (kept.saturating_mul(header.sample_bytes()), header.sample_bytes() as usize);
        let most = all.iter().copied().max().unwrap_or(0);
        let numbers = keep.iter().zip(0..).filter_map(|(&keep, number)| keep.then_some(number));
        let labels = all.iter().zip(&keep).filter_map(|(&label, &keep)| keep.then_some(label)).collect();
        // The size of a plain file is what its header says: that was compared when it was opened.
        if reader.plain_size().is_some() && limits.leaves(bytes) {
            let files = vec![RecordFile::open(reader.path(), header.bytes, header.count)?];
            let records = Records { files, lead: 0, form: Form { scalar: Scalar::BYTE, layout: self.layout } };
            return Ok((most, Part::paged(Paged::new(Arc::new(records), numbers.collect()), labels, area)));
        }
        check_held(reader.path(), bytes, part)?;
        let mut pixels = Vec::new();
        if reader.plain_size().is_some() {
            // So many bytes are there; of a gzip file only its header says so.
            pixels.reserve_exact(bytes as usize);
        }
        reader.records(header.count, area, header.total, &header.explain(Content::Images), |i, image| {
            if keep[i as usize] {
                self.layout.append(image, &mut pixels);
            }
            Ok(())
        })?;
        Ok((most, Part::of(Values::Bytes(pixels), labels, area)))
    }

    /// Of a row of several numbers, as QMNIST has them, the first is the label.
    fn read_labels(&mut self) -> Result<Vec<u32>, DataError> {
        let (reader, header) = &mut self.labels;
        let (kind, size, first) = (header.kind, header.sample_bytes() as usize, header.bytes);
        let path = reader.path().to_owned();
        let mut labels = Vec::new();
        reader.records(header.count, size, header.total, &header.explain(Content::Labels), |i, row| {
            let label = kind.value(row);
            if !(0..=MAX_LABEL).contains(&label) {
                let (path, byte) = (path.clone(), first + u64::from(i) * size as u64);
                return Err(DataError::Label { path, record: i as usize, byte, label, most: MAX_LABEL as u32 });
            }
            labels.push(label as u32);
            Ok(())
        })?;
        Ok(labels)
    }
}
