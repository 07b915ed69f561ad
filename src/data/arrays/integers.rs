//! Arrays of whole numbers: labels, and numbers that stand for clients.

use super::{Array, Arrays};
use crate::data::DataError;
use crate::data::names::{Clients, Names};

/// The largest label: 65,535 classes.
const MAX_LABEL: i64 = 65_534;
/// Most samples of an array.
const MOST_SAMPLES: usize = 1 << 26;

/// The client of each sample of a file, by order of appearance.
pub(super) struct ClientsOfAll {
    names: Names,
    of_all: Vec<u32>,
}

impl ClientsOfAll {
    /// Those of the samples that go to the first part.
    pub fn of_kept(self, places: &[Option<usize>]) -> Clients {
        let of_train = self.of_all.iter().zip(places).filter(|(_, place)| **place == Some(0));
        Clients::of(self.names, &of_train.map(|(&client, _)| client).collect::<Vec<_>>())
    }
}

/// The labels that the file calls `name`.
pub(super) fn read_labels(file: &dyn Arrays, name: &str) -> Result<Vec<u32>, DataError> {
    let array = file.open(name)?;
    if let [_, classes] = array.shape[..]
        && classes != 1
    {
        let expected = "expected [n], a class of each sample; of one-hot rows take y.argmax(1)";
        return Err(array.error(format!("shape {:?}, {expected}", array.shape)));
    }
    let mut labels = Vec::new();
    integers(array, "labels", |i, label| {
        if !(0..=MAX_LABEL).contains(&label) {
            return Err(format!("label {label} of sample {i}, expected 0 to {MAX_LABEL}"));
        }
        labels.push(label as u32);
        Ok(())
    })?;
    Ok(labels)
}

/// The clients that the file calls `name`, of `samples` samples: numbers that stand for them.
pub(super) fn read_clients(file: &dyn Arrays, name: &str, samples: usize) -> Result<ClientsOfAll, DataError> {
    let array = file.open(name)?;
    if array.shape.first() != Some(&samples) {
        return Err(array.error(format!("shape {:?}, expected [{samples}], the client of each sample", array.shape)));
    }
    let (mut names, mut of_all) = (Names::default(), Vec::new());
    integers(array, "clients", |_, client| {
        of_all.push(names.number(&client.to_string()));
        Ok(())
    })?;
    Ok(ClientsOfAll { names, of_all })
}

/// Hands over the whole numbers of an array of shape `[n]` or `[n, 1]`; `what` they are.
///
/// # Errors
/// Another type or shape; a damaged file; what `each` refuses.
pub(in crate::data) fn integers(
    array: Array,
    what: &str,
    mut each: impl FnMut(usize, i64) -> Result<(), String>,
) -> Result<(), DataError> {
    let scalar = array.scalar;
    if scalar.is_float() {
        let name = array.name();
        return Err(array.error(format!("type {}, expected whole numbers: {name}.astype(\"int64\")", scalar.name())));
    }
    let count = match array.shape[..] {
        [n] | [n, 1] if (1..=MOST_SAMPLES).contains(&n) => n,
        [_] | [_, 1] => {
            return Err(array.error(format!("shape {:?}, expected 1 to {MOST_SAMPLES} {what}", array.shape)));
        }
        _ => return Err(array.error(format!("shape {:?}, expected [n], one of each sample", array.shape))),
    };
    let (path, name) = (array.path().to_owned(), array.name().to_owned());
    array.rows(count, 1, |i, value| {
        let wrong = |message| DataError::Array { path: path.clone(), array: name.clone(), message };
        each(i, scalar.integer(value)).map_err(wrong)
    })
}
