//! Sets whose parts are batches of arrays `data` and `labels`, in NumPy's archives or pickles: ImageNet32, and the Python versions of
//! CIFAR-10 and CIFAR-100.

use super::arrays::{Array, Arrays, Npz, integers};
use super::file::read_error;
use super::layout::Layout;
use super::limit::{FirstOfEach, Limits, check_held};
use super::pages::{Form, Paged, Records};
use super::pickle::Pickle;
use super::scalar::Scalar;
use super::{DataError, Part, Values};
use crate::config::LabelChoice;
use crate::files::{HEAD, Kind, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What tells the sets apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set {
    /// Files, as an error names them.
    pub what: &'static str,
    /// Names of the training files: what stands before their number, or the only one.
    train: &'static str,
    numbered: bool,
    /// Name of the test file.
    test: &'static str,
    /// Name of the labels.
    labels: &'static str,
    /// The smallest label.
    first: u32,
    /// Number of classes.
    pub classes: u32,
    /// Pixels of an edge that images may have.
    edges: &'static [usize],
}

/// ImageNet at 32 x 32 pixels, or at 8, 16 or 64.
pub(super) const IMAGENET: Set = Set {
    what: "ImageNet32's files (train_data_batch_1, ..., val_data, as pickles or .npz)",
    train: "train_data_batch_",
    numbered: true,
    test: "val_data",
    labels: "labels",
    first: 1,
    classes: 1000,
    edges: &[32, 64, 16, 8],
};

/// CIFAR-10's Python version.
pub(super) const CIFAR10: Set = Set {
    what: "CIFAR-10's files (data_batch_1, ..., test_batch)",
    train: "data_batch_",
    numbered: true,
    test: "test_batch",
    labels: "labels",
    first: 0,
    classes: 10,
    edges: &[32],
};

/// CIFAR-100's Python version with one of its two labels.
pub(super) fn cifar100(labels: LabelChoice) -> Set {
    let (labels, classes) = match labels {
        LabelChoice::Coarse => ("coarse_labels", 20),
        LabelChoice::Fine => ("fine_labels", 100),
    };
    let (what, train, test) = ("CIFAR-100's files (train, test)", "train", "test");
    Set { what, train, numbered: false, test, labels, first: 0, classes, edges: &[32] }
}

impl Set {
    /// The training files of a folder in order of their number, and the test file, where there are any.
    pub fn files(&self, folder: &Path) -> Option<(Vec<PathBuf>, PathBuf)> {
        let mut train = Vec::new();
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            let name = entry.file_name().to_str().map(|name| name.strip_suffix(".npz").unwrap_or(name).to_owned());
            let rest = name.as_deref().and_then(|name| name.strip_prefix(self.train));
            let number = match rest {
                Some("") if !self.numbered && path.is_file() => Some(0),
                Some(digits) if self.numbered && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok(),
                _ => None,
            };
            train.extend(number.map(|number: u32| (number, path)));
        }
        if train.is_empty() {
            return None;
        }
        train.sort();
        let test = ["", ".npz"].map(|end| folder.join(format!("{}{end}", self.test)));
        let found = test.iter().find(|path| path.exists()).unwrap_or(&test[0]);
        Some((train.into_iter().map(|(_, path)| path).collect(), found.clone()))
    }

    /// Training and test samples of files, within limits, and the pixels of an edge.
    ///
    /// # Errors
    /// A file that is missing, damaged, or of another form.
    pub fn read(&self, train: &[PathBuf], test: &Path, limits: Limits) -> Result<(Part, Part, usize), DataError> {
        let mut edge = None;
        let train = self.part(train, limits, 0, &mut edge)?;
        let test = self.part(&[test.to_owned()], limits, 1, &mut edge)?;
        Ok((train, test, edge.map_or(0, |(edge, _)| edge)))
    }

    /// The samples of files that their limit keeps of part `number`.
    fn part(
        &self,
        files: &[PathBuf],
        limits: Limits,
        number: usize,
        edge: &mut Option<(usize, PathBuf)>,
    ) -> Result<Part, DataError> {
        let (mut first, mut labels, mut numbers) = (FirstOfEach::new(limits.first[number]), Vec::new(), Vec::new());
        // Of each file its images, their number, and which of them are kept.
        let (mut images, mut next) = (Vec::new(), 0u32);
        for path in files {
            let (array, of_file) = self.open(path, edge)?;
            let mut keep = Vec::with_capacity(of_file.len());
            for label in of_file {
                keep.push(first.takes(label));
                if keep.last() == Some(&true) {
                    labels.push(label);
                    numbers.push(next);
                }
                next = next.saturating_add(1);
            }
            images.push((array, keep));
        }
        let side = edge.as_ref().map_or(0, |(edge, _)| *edge);
        let area = 3 * side * side;
        let bytes = (labels.len() as u64).saturating_mul(area as u64);
        let layout = Layout { shape: [3, side, side], channels_last: false };
        if limits.leaves(bytes) {
            let places = images.iter().map(|(array, keep)| array.records(keep.len()));
            // A packed file can't be read in any order.
            if let Some(files) = places.collect::<Result<Option<Vec<_>>, _>>()? {
                let records = Records { files, lead: 0, form: Form { scalar: Scalar::BYTE, layout } };
                for (array, keep) in images {
                    array.rows(keep.len(), area, |_, _| Ok(()))?;
                }
                return Ok(Part::paged(Paged::new(Arc::new(records), numbers), labels, area));
            }
        }
        if let Some(path) = files.first() {
            check_held(path, bytes, number)?;
        }
        let mut pixels = Vec::new();
        for (array, keep) in images {
            array.rows(keep.len(), area, |i, image| {
                if keep[i] {
                    pixels.extend_from_slice(image);
                }
                Ok(())
            })?;
        }
        Ok(Part::of(Values::Bytes(pixels), labels, area))
    }

    /// The images of a file, and their classes.
    fn open(&self, path: &Path, edge: &mut Option<(usize, PathBuf)>) -> Result<(Array, Vec<u32>), DataError> {
        let mut source = Source::open(path).map_err(read_error)?;
        let file: Box<dyn Arrays> = match Kind::of(&source.head(HEAD).map_err(read_error)?) {
            Some(Kind::NumpyZip | Kind::Zip) => Box::new(Npz::open(path)?),
            Some(Kind::Pickle) | None => Box::new(Pickle::open(path)?),
            Some(kind) => return Err(DataError::Foreign { path: path.to_owned(), kind, expected: self.what }),
        };
        for name in ["data", self.labels] {
            if !file.names().contains(&name) {
                let expected = format!("data and {}", self.labels);
                return Err(DataError::Arrays { path: path.to_owned(), found: file.names().join(", "), expected });
            }
        }
        let (mut labels, first, most) = (Vec::new(), i64::from(self.first), i64::from(self.first + self.classes - 1));
        integers(file.open(self.labels)?, "labels", |i, label| {
            if !(first..=most).contains(&label) {
                return Err(format!("label {label} of sample {i}, expected {first} to {most}"));
            }
            labels.push((label - first) as u32);
            Ok(())
        })?;
        let images = file.open("data")?;
        let side = match images.shape[..] {
            [_, values] => self.edges.iter().copied().find(|edge| 3 * edge * edge == values),
            [_, 3, h, w] if h == w => self.edges.iter().copied().find(|&edge| edge == h),
            _ => None,
        };
        let Some(side) = side.filter(|_| images.scalar.is_byte()) else {
            let found = format!("{} of shape {:?}", images.scalar.name(), images.shape);
            let edges: Vec<String> = self.edges.iter().map(|edge| format!("{edge} x {edge}")).collect();
            return Err(images.error(format!("{found}, expected uint8 rows of 3 channels of {}", edges.join(" or "))));
        };
        if images.shape.first() != Some(&labels.len()) {
            let found = images.shape.first().copied().unwrap_or(0);
            return Err(images.error(format!("{found} samples, expected {} as there are labels", labels.len())));
        }
        let (expected, other) = edge.get_or_insert_with(|| (side, path.to_owned()));
        if *expected != side {
            return Err(DataError::Mismatch {
                path: path.to_owned(),
                found: format!("images of {side} x {side}"),
                expected: format!("{expected} x {expected}"),
                other: other.clone(),
            });
        }
        Ok((images, labels))
    }
}

#[cfg(test)]
mod tests;
