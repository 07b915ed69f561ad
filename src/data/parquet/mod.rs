//! Parquet files: numeric features and a label column. Columns are flat, and every row has a value in each.

mod column;
mod pages;
#[cfg(test)]
mod tests;

use super::columns::{Columns, MOST_CLASSES, short, short_message};
use super::file::read_error;
use super::guard::caught;
use super::limit::{FirstOfEach, Limits, check_held};
use super::names::{Clients, Names};
use super::own::{Own, is_test};
use super::{DataError, Part, Values};
use crate::files::{HEAD, Kind as FileKind, Source};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use column::{Cell, Kind, Stop};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Most rows of a file.
const MOST_ROWS: i64 = 1 << 26;

/// Reads a file, within limits. Row i is a test sample where i mod 5 is 4. `label` and `client` name columns, as [`Columns::of`] takes
/// them; pandas' index columns (`__index_level_0__`) are passed over. Classes are the sorted labels, numbers by their size. Features are
/// not normalised yet.
///
/// # Errors
/// A file that is none, or damaged; columns that are lists or have nulls; features that are no finite numbers; a label column that isn't
/// there.
pub(super) fn read(path: &Path, label: &str, client: &str, limits: Limits) -> Result<Own, DataError> {
    let table = Table::open(path, label, client)?;
    let (labels, classes) = table.labels()?;
    let clients = table.columns.client.map(|column| table.names(column)).transpose()?;
    let mut first = limits.first.map(FirstOfEach::new);
    let mut counts = [0usize; 2];
    let (mut of_part, mut of_train, mut test_indices) = ([Vec::new(), Vec::new()], Vec::new(), Vec::new());
    // Of each row its part and its place there; those left out have none.
    let mut places = Vec::with_capacity(labels.len());
    for (row, &class) in labels.iter().enumerate() {
        let part = usize::from(is_test(row));
        let place = first[part].takes(class).then(|| (part, counts[part]));
        places.push(place);
        if place.is_none() {
            continue;
        }
        counts[part] += 1;
        of_part[part].push(class);
        match (part, &clients) {
            (0, Some((_, of_row))) => of_train.push(of_row[row]),
            (0, None) => {}
            _ => test_indices.push(row as u32),
        }
    }
    let features = table.columns.features();
    let mut values = [Vec::new(), Vec::new()];
    for (part, (values, count)) in values.iter_mut().zip(counts).enumerate() {
        check_held(path, (count as u64).saturating_mul(features as u64 * 4), part)?;
        values.resize(count * features, 0f32);
    }
    let wanted = (0..table.columns.names.len()).filter(|&column| table.columns.is_feature(column));
    for (feature, column) in wanted.enumerate() {
        table.floats(column, |row, value| {
            if let Some((part, place)) = places[row] {
                values[part][place * features + feature] = value;
            }
        })?;
    }
    let mut parts =
        values.into_iter().zip(of_part).map(|(values, labels)| Part::of(Values::Floats(values), labels, features));
    let [train, test] = [(); 2].map(|()| parts.next().unwrap_or_else(|| Part::new(features)));
    let clients = clients.map(|(names, _)| Clients::of(names, &of_train));
    let shape = [features, 1, 1];
    Ok(Own { shape, classes, train, test, test_indices: Some(test_indices), clients })
}

/// An open file.
struct Table {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// The same file, to look at its pages.
    file: File,
    columns: Columns,
    /// Of each of `columns` its number in the file, and what its values are.
    places: Vec<(usize, Result<Kind, String>)>,
}

impl Table {
    fn open(path: &Path, label: &str, client: &str) -> Result<Self, DataError> {
        let mut source = Source::open(path).map_err(read_error)?;
        let head = source.head(HEAD).map_err(read_error)?;
        if let Some(kind) = FileKind::of(&head).filter(|&kind| kind != FileKind::Parquet) {
            return Err(DataError::Foreign { path: path.to_owned(), kind, expected: "a Parquet file" });
        }
        let damaged = |message: String| DataError::Container { path: path.to_owned(), what: "Parquet file", message };
        let (bytes, file) = (source.bytes(), source.into_file());
        let again = file.try_clone().map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        let reader = guarded(|| SerializedFileReader::new(again)).map_err(|e| damaged(text(&e)))?;
        check_places(reader.metadata(), bytes).map_err(damaged)?;
        let rows = reader.metadata().file_metadata().num_rows();
        if !(5..=MOST_ROWS).contains(&rows) {
            return Err(damaged(format!("{rows} rows, expected 5 to {MOST_ROWS}: every fifth is a test sample")));
        }
        let (mut names, mut places) = (Vec::new(), Vec::new());
        for (i, column) in reader.metadata().file_metadata().schema_descr().columns().iter().enumerate() {
            let parts = column.path().parts();
            let name = parts.first().cloned().unwrap_or_default();
            if name.starts_with("__index_level_") && name.ends_with("__") {
                continue;
            }
            if parts.len() > 1 || column.max_rep_level() > 0 {
                let found = if column.max_rep_level() > 0 { "a list" } else { "a struct" };
                let message =
                    format!("{found}, expected plain values: a column for each feature (or an array in an npz file)");
                return Err(DataError::Column { path: path.to_owned(), column: short(&name), message });
            }
            names.push(name);
            places.push((i, Kind::of(column)));
        }
        let columns = Columns::of(names, label, client).map_err(damaged)?;
        Ok(Self { path: path.to_owned(), reader, file, columns, places })
    }

    fn error(&self, column: usize, message: String) -> DataError {
        DataError::Column { path: self.path.clone(), column: self.columns.shown(column), message }
    }

    /// Hands over a column's values, of the kinds that `takes` takes, `expected` in words.
    fn read(
        &self,
        column: usize,
        takes: impl Fn(Kind) -> bool,
        expected: &str,
        mut each: impl FnMut(usize, Cell<'_>) -> Result<(), String> + Send,
    ) -> Result<(), DataError> {
        let (place, kind) = &self.places[column];
        let kind = match kind {
            Ok(kind) if takes(*kind) => *kind,
            Ok(kind) => return Err(self.error(column, format!("{}, expected {expected}", name(*kind)))),
            Err(other) => return Err(self.error(column, format!("{other}, expected {expected}"))),
        };
        let read = || column::read(&self.reader, &self.file, *place, kind, &mut each);
        guarded(read).map_err(|stop| match stop {
            Stop::Null(row) => self.error(column, format!("row {row} has no value (null), expected {expected}")),
            Stop::Value(message) => self.error(column, message),
            Stop::File(e) => self.error(column, format!("can't be read: {}", text(&e))),
        })
    }

    /// A feature, as f32.
    fn floats(&self, column: usize, mut each: impl FnMut(usize, f32) + Send) -> Result<(), DataError> {
        self.read(
            column,
            |kind| kind != Kind::Text,
            "numbers",
            |row, cell| {
                let value = match cell {
                    Cell::Float(value) => value as f32,
                    Cell::Integer(value) => value as f32,
                    Cell::Bool(value) => f32::from(u8::from(value)),
                    Cell::Text(_) | Cell::Broken => f32::NAN,
                };
                if !value.is_finite() {
                    return Err(format!("row {row}: {value}, expected a finite number"));
                }
                each(row, value);
                Ok(())
            },
        )
    }

    /// A column of names or whole numbers: the names, and of each row its by order of appearance.
    fn names(&self, column: usize) -> Result<(Names, Vec<u32>), DataError> {
        let (mut names, mut of_row) = (Names::default(), Vec::new());
        let takes = |kind| kind != Kind::Float;
        self.read(column, takes, "text, whole numbers or booleans", |row, cell| {
            let number = match cell {
                Cell::Text("") | Cell::Broken | Cell::Float(_) => return Err(format!("row {row}: no name")),
                Cell::Text(name) => names.number(name),
                Cell::Integer(value) => names.number(&value.to_string()),
                Cell::Bool(value) => names.number(if value { "1" } else { "0" }),
            };
            of_row.push(number);
            Ok(())
        })?;
        Ok((names, of_row))
    }

    /// The class of each row, and how many there are.
    fn labels(&self) -> Result<(Vec<u32>, u32), DataError> {
        let (names, mut of_row) = self.names(self.columns.label)?;
        let (sorted, places) = names.sorted();
        if sorted.len() > MOST_CLASSES {
            let message =
                format!("{} labels, expected at most {MOST_CLASSES}; is it the label's column?", sorted.len());
            return Err(self.error(self.columns.label, message));
        }
        of_row.iter_mut().for_each(|class| *class = places[*class as usize]);
        Ok((of_row, sorted.len() as u32))
    }
}

/// What `read` gives. The library has assertions on what a damaged file says: a panic of one of them is an error of the file.
fn guarded<T: Send, E: From<ParquetError> + Send>(read: impl FnOnce() -> Result<T, E> + Send) -> Result<T, E> {
    caught(read).unwrap_or_else(|message| Err(ParquetError::General(message).into()))
}

/// Refuses columns that lie outside the file, which the library takes for granted, and groups of more rows than it has.
fn check_places(metadata: &ParquetMetaData, bytes: u64) -> Result<(), String> {
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let inside = group.columns().iter().all(|column| {
            let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
            let end = u64::try_from(start).ok().zip(u64::try_from(column.compressed_size()).ok());
            end.and_then(|(start, length)| start.checked_add(length)).is_some_and(|end| end <= bytes)
        });
        if !inside {
            return Err(format!("row group {number} is beyond its {bytes} bytes"));
        }
        let (rows, all) = (group.num_rows(), metadata.file_metadata().num_rows());
        if !(0..=all).contains(&rows) {
            return Err(format!("row group {number} has {rows} rows, expected at most the file's {all}"));
        }
    }
    Ok(())
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Bool => "booleans",
        Kind::Integer { .. } => "whole numbers",
        Kind::Float => "floats",
        Kind::Text => "text",
    }
}

/// The library's error; of a packing that this build lacks also what to do.
fn text(error: &ParquetError) -> String {
    let message = error.to_string();
    if message.contains("feature") && message.to_ascii_lowercase().contains("zstd") {
        return "packed by Zstandard; write it with compression=\"snappy\", or build with --features parquet-zstd"
            .to_owned();
    }
    short_message(message.lines().next().unwrap_or_default())
}
