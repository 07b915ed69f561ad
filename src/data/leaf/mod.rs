//! LEAF's JSON: `{"users": [..], "user_data": {USER: {"x": [..], "y": [..]}}}` in files of a folder, or of its folders `train` and `test`.

mod json;
#[cfg(test)]
mod tests;

use super::columns::{MOST_FEATURES, short};
use super::layout::Layout;
use super::limit::{FirstOfEach, Limits, check_held};
use super::names::{Clients, Names};
use super::own::{Own, is_test};
use super::{DataError, Part, Values};
use json::User;
use std::path::{Path, PathBuf};

/// Reads a set, within limits. Users are the clients; test samples of all of them are one test part. Without a test folder sample i, in order
/// of files and users, is a test sample where i mod 5 is 4. Values are floats that are taken as they are, not normalised yet.
///
/// # Errors
/// A folder without such files; text that is no such JSON; samples of unequal length, text in their place; labels that are no whole numbers.
pub(super) fn read(path: &Path, limits: Limits) -> Result<Own, DataError> {
    let (train, test) = (path.join("train"), path.join("test"));
    let own_test = train.is_dir() && test.is_dir();
    let mut set = Set::new(limits.first);
    for file in json_files(if train.is_dir() { &train } else { path })? {
        json::read(&file)?.iter().try_for_each(|user| set.add(&file, user, own_test.then_some(0)))?;
    }
    if own_test {
        for file in json_files(&test)? {
            json::read(&file)?.iter().try_for_each(|user| set.add(&file, user, Some(1)))?;
        }
    }
    set.finish(path, own_test)
}

/// The JSON files of a folder, sorted by name; a file is the only one.
fn json_files(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    if folder.is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let what = "LEAF's JSON files, or folders train and test of them";
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Err(DataError::NotAFolder { path: folder.to_owned(), what });
    };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")));
    files.sort();
    if files.is_empty() {
        return Err(DataError::Missing {
            folder: folder.to_owned(),
            what: "LEAF file",
            tried: vec!["*.json".to_owned()],
        });
    }
    Ok(files)
}

/// The samples so far.
struct Set {
    first: [FirstOfEach; 2],
    values: [Vec<f32>; 2],
    labels: [Vec<u32>; 2],
    /// Dimensions of a sample and how it lies, and the file of the first one.
    form: Option<(Vec<usize>, Layout, PathBuf)>,
    clients: Names,
    /// Of each training sample, by order of appearance.
    of_train: Vec<u32>,
    test_indices: Vec<u32>,
    classes: u32,
    /// Samples in the files so far.
    seen: usize,
}

impl Set {
    fn new(limits: [u32; 2]) -> Self {
        Self {
            first: limits.map(FirstOfEach::new),
            values: Default::default(),
            labels: Default::default(),
            form: None,
            clients: Names::default(),
            of_train: Vec::new(),
            test_indices: Vec::new(),
            classes: 0,
            seen: 0,
        }
    }

    /// Adds a user's samples to a part, or by their place to both.
    fn add(&mut self, path: &Path, user: &User, to: Option<usize>) -> Result<(), DataError> {
        let error = |message: String| DataError::User { path: path.to_owned(), user: short(&user.name), message };
        if user.labels.is_empty() {
            return Ok(());
        }
        let (dims, layout, first) = match &mut self.form {
            Some(form) => form,
            none => {
                let layout = Layout::of_samples(&user.dims).filter(|layout| layout.shape[0] <= MOST_FEATURES);
                let shape = &user.dims;
                let expected = "expected features, rows and columns, or channels, rows and columns";
                let layout = layout.ok_or_else(|| error(format!("samples of the shape {shape:?}, {expected}")))?;
                none.insert((user.dims.clone(), layout, path.to_owned()))
            }
        };
        if *dims != user.dims {
            let expected = format!("expected {dims:?} as in {}", first.display());
            return Err(error(format!("samples of the shape {:?}, {expected}", user.dims)));
        }
        let layout = *layout;
        let client = (to != Some(1)).then(|| self.clients.number(&user.name));
        let area = layout.shape.iter().product::<usize>();
        for (sample, &label) in user.values.chunks_exact(area).zip(&user.labels) {
            let index = self.seen;
            self.seen += 1;
            self.classes = self.classes.max(label + 1);
            let part = to.unwrap_or_else(|| usize::from(is_test(index)));
            if !self.first[part].takes(label) {
                continue;
            }
            layout.append(sample, &mut self.values[part]);
            self.labels[part].push(label);
            match (part, client) {
                (0, Some(client)) => self.of_train.push(client),
                _ => self.test_indices.push(index as u32),
            }
        }
        (0..2).try_for_each(|part| check_held(path, 4 * self.values[part].len() as u64, part))
    }

    fn finish(self, path: &Path, own_test: bool) -> Result<Own, DataError> {
        let Some((_, Layout { shape, .. }, _)) = self.form else {
            return Err(DataError::NoSamples { name: path.display().to_string(), part: "training" });
        };
        let area = shape.iter().product::<usize>();
        let mut parts = self.values.into_iter().zip(self.labels);
        let mut part = || match parts.next() {
            Some((values, labels)) => Part::of(Values::Floats(values), labels, area),
            None => Part::new(area),
        };
        Ok(Own {
            shape,
            classes: self.classes,
            train: part(),
            test: part(),
            test_indices: (!own_test).then_some(self.test_indices),
            clients: Some(Clients::of(self.clients, &self.of_train)),
        })
    }
}
