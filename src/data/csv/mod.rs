//! CSV files: numeric features and a label column, a header or none.

use super::columns::{Columns, MOST_CLASSES, short};
use super::file::read_error;
use super::limit::{FirstOfEach, Limits, check_held};
use super::names::{Clients, Names};
use super::own::{Own, is_test};
use super::{DataError, Part, Values};
use crate::files::{HEAD, Kind, Source};
use csv::StringRecord;
use std::path::{Path, PathBuf};

/// Reads a file, within limits. Row i is a test sample where i mod 5 is 4. `label` and
/// `client` name columns, as [`Columns::of`] takes them. Classes are the sorted labels, numbers by their size. Features are not normalised
/// yet.
///
/// # Errors
/// A line with another number of fields than the first; a feature that is no finite number; a label column that isn't there.
pub(super) fn read(path: &Path, label: &str, client: &str, limits: Limits) -> Result<Own, DataError> {
    let mut source = Source::open(path).map_err(read_error)?;
    let head = source.head(HEAD).map_err(read_error)?;
    if let Some(kind) = Kind::of(&head) {
        return Err(DataError::Foreign { path: path.to_owned(), kind, expected: "a CSV file" });
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(source.into_file());
    let mut row = StringRecord::new();
    let mut table = Table::new(path, limits.first);
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
                let wrong = |message| DataError::Line { path: path.to_owned(), line: 1, message };
                let found = Columns::of(names, label, client).map_err(wrong)?;
                if !header {
                    table.push(&row, line, &found)?;
                }
                columns = Some(found);
            }
        }
    }
    table.finish(columns.as_ref())
}

/// The rows so far.
struct Table {
    path: PathBuf,
    /// Rows read.
    rows: usize,
    classes: Names,
    clients: Names,
    first: [FirstOfEach; 2],
    values: [Vec<f32>; 2],
    /// By order of appearance.
    labels: [Vec<u32>; 2],
    /// Of each training sample, by order of appearance.
    of_train: Vec<u32>,
    test_indices: Vec<u32>,
}

impl Table {
    fn new(path: &Path, limits: [u32; 2]) -> Self {
        Self {
            path: path.to_owned(),
            rows: 0,
            classes: Names::default(),
            clients: Names::default(),
            first: limits.map(FirstOfEach::new),
            values: [Vec::new(), Vec::new()],
            labels: [Vec::new(), Vec::new()],
            of_train: Vec::new(),
            test_indices: Vec::new(),
        }
    }

    fn push(&mut self, row: &StringRecord, line: u64, columns: &Columns) -> Result<(), DataError> {
        let error = |message: String| DataError::Line { path: self.path.clone(), line: line as usize, message };
        let label = row.get(columns.label).unwrap_or_default();
        if label.is_empty() {
            return Err(error(format!("no label in column `{}`", columns.shown(columns.label))));
        }
        let class = self.classes.number(label);
        if self.classes.len() > MOST_CLASSES {
            let column = columns.shown(columns.label);
            return Err(error(format!("more than {MOST_CLASSES} labels in column `{column}`; is it the label's?")));
        }
        let client = match columns.client.map(|column| (column, row.get(column).unwrap_or_default())) {
            Some((column, "")) => return Err(error(format!("no client in column `{}`", columns.shown(column)))),
            Some((_, client)) => Some(self.clients.number(client)),
            None => None,
        };
        let (index, part) = (self.rows, usize::from(is_test(self.rows)));
        self.rows += 1;
        if !self.first[part].takes(class) {
            return Ok(());
        }
        for (i, cell) in row.iter().enumerate().filter(|(i, _)| columns.is_feature(*i)) {
            let value = cell.parse::<f32>().ok().filter(|value| value.is_finite());
            let value = value.ok_or_else(|| {
                error(format!("column `{}`: `{}`, expected a finite number", columns.shown(i), short(cell)))
            })?;
            self.values[part].push(value);
        }
        check_held(&self.path, 4 * self.values[part].len() as u64, part)?;
        self.labels[part].push(class);
        match (part, client) {
            (0, Some(client)) => self.of_train.push(client),
            (0, None) => {}
            _ => self.test_indices.push(index as u32),
        }
        Ok(())
    }

    /// The parts, classes in order of their labels.
    fn finish(self, columns: Option<&Columns>) -> Result<Own, DataError> {
        if self.rows < 5 {
            let message = format!("{} rows of samples, expected at least 5: every fifth is a test sample", self.rows);
            return Err(DataError::Line { path: self.path, line: self.rows, message });
        }
        let features = columns.map_or(0, Columns::features);
        let named = columns.is_some_and(|columns| columns.client.is_some());
        let clients = named.then(|| Clients::of(self.clients, &self.of_train));
        let (classes, class) = self.classes.sorted();
        let mut parts = self.values.into_iter().zip(self.labels).map(|(values, labels)| {
            let labels = labels.into_iter().map(|appeared| class[appeared as usize]).collect();
            Part::of(Values::Floats(values), labels, features)
        });
        let [train, test] = [(); 2].map(|()| parts.next().unwrap_or_else(|| Part::new(features)));
        let (shape, classes) = ([features, 1, 1], classes.len() as u32);
        Ok(Own { shape, classes, train, test, test_indices: Some(self.test_indices), clients })
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
