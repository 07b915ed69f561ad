//! Files of named arrays: `x` and `y`, and perhaps `x_test` and `y_test`.
//!
//! `x` is `[n, d]` (d features), `[n, h, w]`, `[n, c, h, w]` or `[n, h, w, c]`: bytes, which are divided by 255, or floats, which are taken
//! as they are. `y` is `[n]` or `[n, 1]`, whole numbers from 0. Without test arrays sample i is a test sample where i mod 5 is 4.

mod array;
mod integers;
mod npy;
mod npz;
mod safetensors;
mod zip;

use super::columns::MOST_FEATURES;
use super::layout::Layout;
use super::limit::{FirstOfEach, Limits, check_held};
use super::own::{Own, is_test};
use super::pages::{Form, Paged, Records};
use super::{DataError, Part, Values};
pub(super) use array::Array;
pub(super) use integers::integers;
use integers::{read_clients, read_labels};
use std::path::Path;
use std::sync::Arc;

pub(super) use npz::{Npys, Npz};
pub(super) use safetensors::Tensors;

/// Most values of a sample.
const MOST_VALUES: usize = 1 << 26;

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

/// Reads a set, within limits. `client` names the array that names the client of each sample; none where it is empty. Floats are not
/// normalised yet.
///
/// # Errors
/// Arrays that are missing, damaged, of another type or shape, or that don't belong together.
pub(super) fn read(file: &dyn Arrays, client: &str, limits: Limits) -> Result<Own, DataError> {
    let names = file.names();
    let find = |tried: &[&'static str]| tried.iter().copied().find(|name| names.contains(name));
    let need = |tried: &[&'static str], expected: &str| {
        find(tried).ok_or_else(|| DataError::Arrays {
            path: file.path().to_owned(),
            found: listed(&names),
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
    let clients = match client {
        "" => None,
        name if names.contains(&name) => Some(read_clients(file, name, labels.len())?),
        name => {
            let expected = format!("{name} (data.client), the client of each sample, beside x and y");
            return Err(DataError::Arrays { path: file.path().to_owned(), found: listed(&names), expected });
        }
    };
    let train = Opened::open(file, x, y, labels.len())?;
    let layout = train.layout;
    let classes = |labels: &[u32]| labels.iter().max().map_or(0, |&most| most + 1);
    match test {
        Some((x, y)) => {
            let of_test = read_labels(file, y)?;
            let part = Opened::open(file, x, y, of_test.len())?;
            if part.layout.shape != layout.shape || part.array.scalar.is_byte() != train.array.scalar.is_byte() {
                let text = |part: &Opened| format!("samples of {} in {}", part.layout.text(), part.array.scalar.name());
                return Err(part.array.error(format!("{}, expected {} as in x", text(&part), text(&train))));
            }
            let classes = classes(&labels).max(classes(&of_test));
            let clients = clients.map(|clients| clients.of_kept(&kept(&labels, [limits.first[0]])));
            let [train] = train.read(&labels, [0], limits)?;
            let [test] = part.read(&of_test, [1], limits)?;
            Ok(Own { shape: layout.shape, classes, train, test, test_indices: None, clients })
        }
        None => {
            if labels.len() < 5 {
                let message = format!("{} samples, expected at least 5: every fifth is a test sample", labels.len());
                return Err(train.array.error(message));
            }
            let test = kept(&labels, limits.first).into_iter().zip(0..).filter(|(part, _)| *part == Some(1));
            let (classes, test_indices) = (classes(&labels), Some(test.map(|(_, i)| i).collect()));
            let clients = clients.map(|clients| clients.of_kept(&kept(&labels, limits.first)));
            let [train, test] = train.read(&labels, [0, 1], limits)?;
            Ok(Own { shape: layout.shape, classes, train, test, test_indices, clients })
        }
    }
}

/// Names of a file's arrays, for messages.
fn listed(names: &[&str]) -> String {
    names.iter().take(20).copied().collect::<Vec<_>>().join(", ")
}

/// Where each sample goes: to a part, or nowhere. One part takes all; of two the second takes test samples by their place.
fn kept<const N: usize>(labels: &[u32], limits: [u32; N]) -> Vec<Option<usize>> {
    let mut first = limits.map(FirstOfEach::new);
    let part = |i: usize| usize::from(N > 1 && is_test(i));
    labels.iter().enumerate().map(|(i, &label)| Some(part(i)).filter(|&p| first[p].takes(label))).collect()
}

/// The samples of a file, their type and shape found to be right.
struct Opened {
    array: Array,
    layout: Layout,
}

impl Opened {
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
        let layout = Layout::of_samples(dims);
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

    /// The samples that limits keep, in one part, or in a training and a test part. All of them are read once, whether they are held or not:
    /// a damaged file or a value that is none is found here.
    fn read<const N: usize>(self, labels: &[u32], limits: [usize; N], keep: Limits) -> Result<[Part; N], DataError> {
        let Self { array, layout } = self;
        let area: usize = layout.shape.iter().product();
        let places = kept(labels, limits.map(|limit| keep.first[limit]));
        let form = Form { scalar: array.scalar, layout };
        let (floats, width) = if form.scalar.is_float() { (true, 4) } else { (false, 1) };
        let (mut of_part, mut numbers) = ([const { Vec::new() }; N], [const { Vec::new() }; N]);
        for ((place, &label), number) in places.iter().zip(labels).zip(0..) {
            if let Some(part) = *place {
                of_part[part].push(label);
                numbers[part].push(number);
            }
        }
        let bytes = of_part.each_ref().map(|part| (part.len() as u64).saturating_mul(area as u64 * width));
        // A file whose samples stay in it has an origin.
        let origin = match array.records(labels.len())? {
            Some(file) if bytes.iter().any(|&bytes| keep.leaves(bytes)) => {
                Some(Arc::new(Records { files: vec![file], lead: 0, form }))
            }
            _ => None,
        };
        let left = bytes.map(|bytes| origin.is_some() && keep.leaves(bytes));
        for ((&bytes, &left), &part) in bytes.iter().zip(&left).zip(&limits) {
            if !left {
                check_held(array.path(), bytes, part)?;
            }
        }
        let mut values = [(); N].map(|()| Values::none(floats));
        let (mut scratch, path, of) = (Vec::new(), array.path().to_owned(), array.name().to_owned());
        array.rows(labels.len(), area, |i, row| {
            let Some(part) = places[i] else { return Ok(()) };
            if floats {
                form.scalar.floats(row, &mut scratch);
                if let Some(value) = scratch.iter().find(|v| !v.is_finite()) {
                    let message = format!("sample {i}: {value}, expected finite values");
                    return Err(DataError::Array { path: path.clone(), array: of.clone(), message });
                }
            }
            if !left[part] {
                form.append(row, &mut scratch, &mut values[part]);
            }
            Ok(())
        })?;
        let mut made = values.into_iter().zip(of_part).zip(numbers.into_iter().zip(left)).map(|(held, pages)| {
            let ((values, labels), (numbers, left)) = (held, pages);
            match &origin {
                Some(origin) if left => Part::paged(Paged::new(origin.clone(), numbers), labels, area),
                _ => Part::of(values, labels, area),
            }
        });
        Ok([(); N].map(|()| made.next().unwrap_or_else(|| Part::new(area))))
    }
}

#[cfg(test)]
mod tests;
