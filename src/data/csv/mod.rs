//! CSV files: numeric features and a label column, a header or none.

use super::limit::{FirstOfEach, MOST_BYTES};
use super::own::{Own, is_test};
use super::{DataError, Samples, Values};
use crate::files::{HEAD, Kind, Source};
use csv::StringRecord;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Most features of a row: each has a mean and a deviation in a run's config.
const MOST_FEATURES: usize = 16_384;
/// Most classes.
const MOST_CLASSES: usize = 65_535;
/// Names of a label column that nobody has to give, in order of preference.
const USUAL: [&str; 4] = ["label", "y", "class", "target"];

/// Reads a file: of each class the first `limits` (training, test) rows, of 0 all. Row i is a test sample where i mod 5 is 4. The label
/// column is the one called `label`, where that isn't empty; else one of a usual name; else the last. Classes are the sorted labels, numbers
/// by their size. Features are not normalised yet.
///
/// # Errors
/// A line with another number of fields than the first; a feature that is no finite number; a label column that isn't there.
pub(super) fn read(path: &Path, label: &str, limits: [u32; 2]) -> Result<Own, DataError> {
    let mut source = Source::open(path).map_err(|e| DataError::Read { path: e.path, source: e.source })?;
    let head = source.head(HEAD).map_err(|e| DataError::Read { path: e.path, source: e.source })?;
    if let Some(kind) = Kind::of(&head) {
        return Err(DataError::Foreign { path: path.to_owned(), kind, expected: "a CSV file" });
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(source.into_file());
    let mut row = StringRecord::new();
    let mut table = Table::new(path, limits);
    let mut columns = None;
    while reader.read_record(&mut row).map_err(|e| csv_error(path, e))? {
        let line = row.position().map_or(0, |position| position.line());
        match &columns {
            Some(columns) => table.push(&row, line, columns)?,
            None => {
                // Numbers are no names of columns.
                let header = row.iter().any(|cell| cell.parse::<f32>().is_err());
                let names: Vec<String> = row
                    .iter()
                    .enumerate()
                    .map(
                        |(i, cell)| {
                            if header { cell.trim_start_matches('\u{feff}').to_owned() } else { (i + 1).to_string() }
                        },
                    )
                    .collect();
                let found = Columns::of(path, names, label)?;
                if !header {
                    table.push(&row, line, &found)?;
                }
                columns = Some(found);
            }
        }
    }
    let features = columns.map_or(0, |columns| columns.names.len() - 1);
    table.finish(features)
}

/// The file's columns and which of them is the label.
struct Columns {
    names: Vec<String>,
    label: usize,
}

impl Columns {
    fn of(path: &Path, names: Vec<String>, label: &str) -> Result<Self, DataError> {
        let line = |message: String| Err(DataError::Line { path: path.to_owned(), line: 1, message });
        if !(2..=MOST_FEATURES + 1).contains(&names.len()) {
            let expected = format!("expected a label and 1 to {MOST_FEATURES} features, separated by commas");
            return line(format!("{} columns, {expected}", names.len()));
        }
        let of_name = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        let found = if label.is_empty() {
            Some(USUAL.into_iter().find_map(of_name).unwrap_or(names.len() - 1))
        } else {
            names.iter().position(|name| name == label)
        };
        match found {
            Some(label) => Ok(Self { names, label }),
            None => {
                let listed: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
                line(format!("no column `{label}` (data.label); columns are {}", listed.join(", ")))
            }
        }
    }
}

/// The rows so far.
struct Table {
    path: PathBuf,
    /// Rows read.
    rows: usize,
    /// Labels in order of appearance.
    classes: HashMap<String, u32>,
    first: [FirstOfEach; 2],
    values: [Vec<f32>; 2],
    /// By order of appearance.
    labels: [Vec<u32>; 2],
    test_indices: Vec<u32>,
}

impl Table {
    fn new(path: &Path, limits: [u32; 2]) -> Self {
        Self {
            path: path.to_owned(),
            rows: 0,
            classes: HashMap::new(),
            first: limits.map(FirstOfEach::new),
            values: [Vec::new(), Vec::new()],
            labels: [Vec::new(), Vec::new()],
            test_indices: Vec::new(),
        }
    }

    fn push(&mut self, row: &StringRecord, line: u64, columns: &Columns) -> Result<(), DataError> {
        let error = |message: String| DataError::Line { path: self.path.clone(), line: line as usize, message };
        let label = row.get(columns.label).unwrap_or_default();
        if label.is_empty() {
            return Err(error(format!("no label in column `{}`", columns.names[columns.label])));
        }
        let next = self.classes.len() as u32;
        let class = match self.classes.get(label) {
            Some(&class) => class,
            None if self.classes.len() == MOST_CLASSES => {
                let column = &columns.names[columns.label];
                return Err(error(format!("more than {MOST_CLASSES} labels in column `{column}`; is it the label's?")));
            }
            None => {
                self.classes.insert(label.to_owned(), next);
                next
            }
        };
        let (index, part) = (self.rows, usize::from(is_test(self.rows)));
        self.rows += 1;
        if !self.first[part].takes(class) {
            return Ok(());
        }
        for (i, cell) in row.iter().enumerate().filter(|(i, _)| *i != columns.label) {
            let value = cell.parse::<f32>().ok().filter(|value| value.is_finite());
            let value = value.ok_or_else(|| {
                let short: String = cell.chars().take(40).collect();
                error(format!("column `{}`: `{short}`, expected a finite number", columns.names[i]))
            })?;
            self.values[part].push(value);
        }
        let bytes = 4 * self.values[part].len() as u64;
        if bytes > MOST_BYTES {
            let key = ["data.train_limit", "data.test_limit"][part];
            return Err(DataError::TooLarge { path: self.path.clone(), bytes, most: MOST_BYTES, key });
        }
        self.labels[part].push(class);
        if part == 1 {
            self.test_indices.push(index as u32);
        }
        Ok(())
    }

    /// The parts, classes in order of their labels.
    fn finish(self, features: usize) -> Result<Own, DataError> {
        if self.rows < 5 {
            let message = format!("{} rows of samples, expected at least 5: every fifth is a test sample", self.rows);
            return Err(DataError::Line { path: self.path, line: self.rows, message });
        }
        let mut sorted: Vec<(String, u32)> = self.classes.into_iter().collect();
        let number = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite());
        if sorted.iter().all(|(text, _)| number(text).is_some()) {
            let key = |text: &str| number(text).unwrap_or(0.0);
            sorted.sort_by(|(a, _), (b, _)| key(a).total_cmp(&key(b)).then(a.cmp(b)));
        } else {
            sorted.sort();
        }
        let mut class = vec![0; sorted.len()];
        for ((_, appeared), place) in sorted.iter().zip(0..) {
            class[*appeared as usize] = place;
        }
        let mut parts = self.values.into_iter().zip(self.labels).map(|(values, labels)| {
            let labels = labels.into_iter().map(|appeared| class[appeared as usize]).collect();
            Samples::of(Values::Floats(values), labels, features)
        });
        let [train, test] = [(); 2].map(|()| parts.next().unwrap_or_else(|| Samples::new(features)));
        let (shape, classes) = ([features, 1, 1], sorted.len() as u32);
        Ok(Own { shape, classes, train, test, test_indices: Some(self.test_indices) })
    }
}

fn csv_error(path: &Path, error: csv::Error) -> DataError {
    let path = path.to_owned();
    let line = error.position().map_or(0, |position| position.line()) as usize;
    match error.into_kind() {
        csv::ErrorKind::Io(source) => DataError::Read { path, source },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => DataError::Line {
            path,
            line,
            message: format!("{len} fields, expected {expected_len} as in the first line"),
        },
        csv::ErrorKind::Utf8 { .. } => DataError::Line { path, line, message: "expected UTF-8 text".to_owned() },
        other => DataError::Line { path, line, message: format!("{other:?}") },
    }
}

#[cfg(test)]
mod tests;
