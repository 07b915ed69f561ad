//! A grid: config keys with the values that each is to take, every combination of which is a row.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use toml::{Table, Value};

use super::Row;
use crate::config::Config;

/// The most rows of one sweep: more are a slip of the keyboard.
const MOST: usize = 100_000;

/// A key of a config, and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// `section.key`.
    pub key: String,
    /// Its values, each as behind the `=` of `--set`.
    pub values: Vec<String>,
}

impl Axis {
    /// Reads `key.path=value,value,...`. Commas within brackets, braces and quotes belong to a value.
    ///
    /// # Errors
    /// A text without `=`; a key that is none, or that names the seed; an empty value; one that is given twice.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (key, values) =
            text.split_once('=').ok_or_else(|| format!("grid {text:?}: expected key.path=value,value,..."))?;
        Self { key: key.trim().to_owned(), values: split(values) }.checked()
    }

    fn checked(self) -> Result<Self, String> {
        let Self { key, values } = &self;
        if key.split('.').any(|part| part.is_empty() || part.contains(char::is_whitespace)) {
            return Err(format!("grid {key:?}: expected a dotted key, such as zo.lr"));
        }
        if key == "seed" {
            return Err(
                "grid seed: the seeds of a sweep are its `seeds` (--seeds 0..4), not part of its grid".to_owned()
            );
        }
        if values.is_empty() || values.iter().any(String::is_empty) {
            return Err(format!("grid {key}: expected values separated by commas, none of them empty"));
        }
        match values.iter().enumerate().find(|(i, value)| values[..*i].contains(value)) {
            Some((_, value)) => Err(format!("grid {key}: {value} is given twice")),
            None => Ok(self),
        }
    }
}

/// Parts of a list, cut at the commas that are within nothing.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quote) = (vec![String::new()], 0i32, None);
    for c in text.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('[' | '{', None) => depth += 1,
            (']' | '}', None) => depth -= 1,
            (',', None) if depth <= 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

/// The axes of a `[grid]` table: `"zo.lr" = [0.01, 0.02]`, or the same by `[grid.zo]`.
pub(super) fn axes_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Axis>, D::Error> {
    let table = Table::deserialize(deserializer)?;
    let mut axes = Vec::new();
    flatten("", &table, &mut axes).map_err(D::Error::custom)?;
    Ok(axes)
}

fn flatten(prefix: &str, table: &Table, axes: &mut Vec<Axis>) -> Result<(), String> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, axes)?,
            Value::Array(values) => {
                axes.push(Axis { key, values: values.iter().map(Value::to_string).collect() }.checked()?);
            }
            other => return Err(format!("grid {key}: expected a list of values, found {other}")),
        }
    }
    Ok(())
}

/// Every row at every point of the grid, the last axis running fastest; without rows the points alone.
///
/// # Errors
/// A key on two axes; more than 100,000 rows.
pub(super) fn expand(rows: &[Row], axes: &[Axis]) -> Result<Vec<Row>, String> {
    if axes.is_empty() {
        return Ok(rows.to_vec());
    }
    if let Some((_, axis)) = axes.iter().enumerate().find(|(i, axis)| axes[..*i].iter().any(|a| a.key == axis.key)) {
        return Err(format!("grid {}: the key is given twice", axis.key));
    }
    let mut out = if rows.is_empty() { vec![Row::default()] } else { rows.to_vec() };
    for axis in axes {
        if out.len().saturating_mul(axis.values.len()) > MOST {
            return Err(format!("grid: expected at most {MOST} combinations"));
        }
        let along = |row: &Row| axis.values.iter().map(|value| at(row, &axis.key, value)).collect::<Vec<Row>>();
        out = out.iter().flat_map(along).collect();
    }
    Ok(out)
}

fn at(row: &Row, key: &str, value: &str) -> Row {
    let mut row = row.clone();
    let argument = format!("{key}={value}");
    let bare = match Config::setting(&argument) {
        Ok((_, Value::String(text))) => text,
        _ => value.to_owned(),
    };
    let place = format!("{key}={bare}");
    row.label = if row.label.is_empty() { place } else { format!("{}, {place}", row.label) };
    row.set.push(argument);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_at_commas_that_are_within_nothing() {
        let axis = Axis::parse("model.hidden=[16, 8],[32],\"a,b\", 0.5").unwrap();
        assert_eq!(
            (axis.key.as_str(), axis.values),
            ("model.hidden", ["[16, 8]", "[32]", "\"a,b\"", "0.5"].map(String::from).to_vec())
        );
        for (text, message) in [
            ("zo.lr", "expected key.path=value"),
            ("zo..lr=1", "dotted key"),
            ("zo.lr=1,,2", "none of them empty"),
            ("zo.lr=", "none of them empty"),
            ("zo.lr=1,2,1", "1 is given twice"),
            ("seed=1,2", "--seeds"),
        ] {
            let error = Axis::parse(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn every_combination_is_a_row() {
        let axes = [Axis::parse("zo.lr=0.1,0.2").unwrap(), Axis::parse("zo.distribution=\"uniform\",sphere").unwrap()];
        let rows = expand(&[], &axes).unwrap();
        let labels: Vec<&str> = rows.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "zo.lr=0.1, zo.distribution=uniform",
                "zo.lr=0.1, zo.distribution=sphere",
                "zo.lr=0.2, zo.distribution=uniform",
                "zo.lr=0.2, zo.distribution=sphere",
            ]
        );
        assert_eq!(rows[1].set, ["zo.lr=0.1", "zo.distribution=sphere"]);
        let named = Row { label: "a".to_owned(), set: vec!["zo.tau=1".to_owned()], ..Row::default() };
        let both = expand(&[named.clone(), named], &axes[..1]).unwrap();
        assert_eq!((both.len(), both[1].label.as_str(), both[1].set.len()), (4, "a, zo.lr=0.2", 2));
        assert!(
            expand(&[], &[axes[0].clone(), axes[0].clone()]).unwrap_err().contains("zo.lr: the key is given twice")
        );
    }
}
