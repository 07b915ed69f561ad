//! Files of named arrays: `x` and `y`, and perhaps `x_test` and `y_test`.
//!
//! `x` is `[n, d]` (d features), `[n, h, w]`, `[n, c, h, w]` or `[n, h, w, c]`: bytes, which are divided by 255, or floats, which are taken
//! as they are. `y` is `[n]` or `[n, 1]`, whole numbers from 0. Without test arrays sample i is a test sample where i mod 5 is 4.

mod array;
mod npy;
mod npz;
mod safetensors;
mod zip;

use super::layout::Layout;
use super::limit::{FirstOfEach, MOST_BYTES};
use super::own::{Own, is_test};
use super::{DataError, Samples, Values};
use array::Array;
use std::path::Path;

pub(super) use npz::Npz;
pub(super) use safetensors::Tensors;

/// The largest label: 65,535 classes.
const MAX_LABEL: i64 = 65_534;
/// Most features of a row: each has a mean and a deviation in a run's config.
const MOST_FEATURES: usize = 16_384;
/// Most values of a sample.
const MOST_VALUES: usize = 1 << 26;
/// Most samples of an array.
const MOST_SAMPLES: usize = 1 << 26;

/// A file of arrays.
pub(super) trait Arrays {
    /// The file.
    fn path(&self) -> &Path;
    /// The arrays' names, in file order.
    fn names(&self) -> Vec<&str>;
    /// An array at its first value. The name is one of [`Arrays::names`].
    ///
    /// # Errors
    /// A damaged file; a type or an order that is not read.
    fn open(&self, name: &str) -> Result<Array, DataError>;
}

/// Reads a set: of each class the first `limits` (training, test) samples, of 0 all. Floats are not normalised yet.
///
/// # Errors
/// Arrays that are missing, damaged, of another type or shape, or that don't belong together.
pub(super) fn read(file: &dyn Arrays, limits: [u32; 2]) -> Result<Own, DataError> {
    let names = file.names();
    let find = |tried: &[&'static str]| tried.iter().copied().find(|name| names.contains(name));
    let need = |tried: &[&'static str], expected: &str| {
        find(tried).ok_or_else(|| DataError::Arrays {
            path: file.path().to_owned(),
            found: names.iter().take(20).copied().collect::<Vec<_>>().join(", "),
            expected: expected.to_owned(),
        })
    };
    let x = need(&["x", "x_train"], "x (samples) and y (labels)")?;
    let y = need(&["y", "y_train"], "y (labels) beside x (samples)")?;
    let test = match (find(&["x_test"]), find(&["y_test"])) {
        (None, None) => None,
        _ => Some((need(&["x_test"], "x_test beside y_test")?, need(&["y_test"], "y_test beside x_test")?)),
    };
    let labels = read_labels(file, y)?;
    let train = Part::open(file, x, y, labels.len())?;
    let layout = train.layout;
    let classes = |labels: &[u32]| labels.iter().max().map_or(0, |&most| most + 1);
    match test {
        Some((x, y)) => {
            let of_test = read_labels(file, y)?;
            let part = Part::open(file, x, y, of_test.len())?;
            if part.layout.shape != layout.shape || part.array.scalar.is_byte() != train.array.scalar.is_byte() {
                let text = |part: &Part| format!("samples of {} in {}", part.layout.text(), part.array.scalar.name());
                return Err(part.array.error(format!("{}, expected {} as in x", text(&part), text(&train))));
            }
            let classes = classes(&labels).max(classes(&of_test));
            let [train] = train.read(&labels, [Some(limits[0])])?;
            let [test] = part.read(&of_test, [Some(limits[1])])?;
            Ok(Own { shape: layout.shape, classes, train, test, test_indices: None })
        }
        None => {
            if labels.len() < 5 {
                let message = format!("{} samples, expected at least 5: every fifth is a test sample", labels.len());
                return Err(train.array.error(message));
            }
            let (classes, all) = (classes(&labels), [Some(limits[0]), Some(limits[1])]);
            let test = kept(&labels, all).into_iter().zip(0..).filter(|(part, _)| *part == Some(1)).map(|(_, i)| i);
            let test_indices = Some(test.collect());
            let [train, test] = train.read(&labels, all)?;
            Ok(Own { shape: layout.shape, classes, train, test, test_indices })
        }
    }
}

/// Where each sample goes: to a part, or nowhere. One part takes all; of two the second takes test samples by their place.
fn kept<const N: usize>(labels: &[u32], limits: [Option<u32>; N]) -> Vec<Option<usize>> {
    let mut first = limits.map(|limit| FirstOfEach::new(limit.unwrap_or(0)));
    let part = |i: usize| usize::from(N > 1 && is_test(i));
    labels.iter().enumerate().map(|(i, &label)| Some(part(i)).filter(|&p| first[p].takes(label))).collect()
}

/// The samples of a file, their type and shape found to be right.
struct Part {
    array: Array,
    layout: Layout,
}

impl Part {
    /// Opens samples that `labels` labels, called `y`, belong to.
    fn open(file: &dyn Arrays, x: &str, y: &str, labels: usize) -> Result<Self, DataError> {
        let array = file.open(x)?;
        if !array.scalar.is_byte() && !array.scalar.is_float() {
            let expected = "expected uint8 (divided by 255) or float16, float32 or float64 (taken as they are)";
            return Err(array.error(format!("type {}, {expected}", array.scalar.name())));
        }
        let shape = array.shape.clone();
        let (count, dims) = shape.split_first().map_or((0, &[][..]), |(&count, dims)| (count, dims));
        if count != labels {
            return Err(array.error(format!("{count} samples, expected {labels} as {y} has labels")));
        }
        let features = |d: usize| Layout { shape: [d, 1, 1], channels_last: false };
        let channels_first = |shape| Layout { shape, channels_last: false };
        let layout = match (Layout::of(dims), dims) {
            _ if dims.contains(&0) => None,
            (Some(layout), _) => Some(layout),
            (None, &[d]) => Some(features(d)),
            (None, &[c, h, w]) => Some(channels_first([c, h, w])),
            _ => None,
        };
        let Some(layout) = layout else {
            let expected = "expected [n, features], [n, h, w], [n, c, h, w] or [n, h, w, c], none of them 0";
            return Err(array.error(format!("shape {shape:?}, {expected}")));
        };
        let [channels, ..] = layout.shape;
        let values = dims.iter().try_fold(1usize, |a, &b| a.checked_mul(b)).filter(|&n| n <= MOST_VALUES);
        if values.is_none() {
            return Err(array.error(format!("shape {shape:?}, expected at most {MOST_VALUES} values of a sample")));
        }
        if channels > MOST_FEATURES {
            let one = "as [n, 1, 1, features] they are one channel with one mean and deviation";
            return Err(array.error(format!("{channels} channels, expected at most {MOST_FEATURES}; {one}")));
        }
        Ok(Self { array, layout })
    }

    /// The samples that limits keep, in one part, or in a training and a test part.
    fn read<const N: usize>(self, labels: &[u32], limits: [Option<u32>; N]) -> Result<[Samples; N], DataError> {
        let Self { array, layout } = self;
        let area: usize = layout.shape.iter().product();
        let places = kept(labels, limits);
        let width = if array.scalar.is_byte() { 1 } else { 4 };
        let mut of_part = [const { Vec::new() }; N];
        for (place, &label) in places.iter().zip(labels) {
            place.iter().for_each(|&part| of_part[part].push(label));
        }
        for (part, key) in of_part.iter().zip(["data.train_limit", "data.test_limit"]) {
            let bytes = (part.len() as u64).saturating_mul(area as u64 * width);
            if bytes > MOST_BYTES {
                let path = array.path().to_owned();
                return Err(DataError::TooLarge { path, bytes, most: MOST_BYTES, key });
            }
        }
        let scalar = array.scalar;
        if scalar.is_byte() {
            let mut values = [const { Vec::new() }; N];
            array.rows(labels.len(), area, |i, row| {
                if let Some(part) = places[i] {
                    layout.append(row, &mut values[part]);
                }
                Ok(())
            })?;
            let mut made = values.into_iter().zip(of_part);
            return Ok([(); N].map(|()| {
                let (pixels, labels) = made.next().unwrap_or_default();
                Samples::of(Values::Bytes(pixels), labels, area)
            }));
        }
        let mut values = [const { Vec::new() }; N];
        let (mut row_values, of) = (Vec::with_capacity(area.min(1 << 16)), array.name().to_owned());
        let path = array.path().to_owned();
        array.rows(labels.len(), area, |i, row| {
            let Some(part) = places[i] else { return Ok(()) };
            scalar.floats(row, &mut row_values);
            if let Some(value) = row_values.iter().find(|v| !v.is_finite()) {
                let message = format!("sample {i}: {value}, expected finite values");
                return Err(DataError::Array { path: path.clone(), array: of.clone(), message });
            }
            layout.append(&row_values, &mut values[part]);
            Ok(())
        })?;
        let mut made = values.into_iter().zip(of_part);
        Ok([(); N].map(|()| {
            let (floats, labels) = made.next().unwrap_or_default();
            Samples::of(Values::Floats(floats), labels, area)
        }))
    }
}

/// The labels that the file calls `name`.
fn read_labels(file: &dyn Arrays, name: &str) -> Result<Vec<u32>, DataError> {
    let array = file.open(name)?;
    let scalar = array.scalar;
    if scalar.is_float() {
        return Err(array.error(format!("type {}, expected whole numbers: y.astype(\"int64\")", scalar.name())));
    }
    let count = match array.shape[..] {
        [n] | [n, 1] if (1..=MOST_SAMPLES).contains(&n) => n,
        [_] | [_, 1] => {
            return Err(array.error(format!("shape {:?}, expected 1 to {MOST_SAMPLES} labels", array.shape)));
        }
        _ => {
            let expected = "expected [n], a class of each sample; of one-hot rows take y.argmax(1)";
            return Err(array.error(format!("shape {:?}, {expected}", array.shape)));
        }
    };
    let (path, mut labels) = (array.path().to_owned(), Vec::new());
    array.rows(count, 1, |i, value| {
        let label = scalar.integer(value);
        if !(0..=MAX_LABEL).contains(&label) {
            let message = format!("label {label} of sample {i}, expected 0 to {MAX_LABEL}");
            return Err(DataError::Array { path: path.clone(), array: name.to_owned(), message });
        }
        labels.push(label as u32);
        Ok(())
    })?;
    Ok(labels)
}

#[cfg(test)]
mod tests;
