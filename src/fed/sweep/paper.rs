//! What the paper reports, by table: `configs/paper/values.toml`, which is part of the program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

const TEXT: &str = include_str!("../../../configs/paper/values.toml");

/// A table or figure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    title: String,
    #[serde(default)]
    values: BTreeMap<String, String>,
}

type Tables = BTreeMap<String, Table>;

static TABLES: LazyLock<Result<Tables, String>> =
    LazyLock::new(|| toml::from_str(TEXT).map_err(|e| format!("configs/paper/values.toml: {e}")));

fn table(name: &str) -> Result<&'static Table, String> {
    let tables = TABLES.as_ref().map_err(String::clone)?;
    let known = || tables.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    tables.get(name).ok_or_else(|| format!("table = {name:?}: expected one of {}", known()))
}

/// A table's heading, by its name: `table2`.
///
/// # Errors
/// A table that there is not.
pub fn title(name: &str) -> Result<String, String> {
    table(name).map(|table| table.title.clone())
}

/// A value of a table, as the paper has it.
///
/// # Errors
/// A table or a value that there is not.
pub fn value(of: &str, name: &str) -> Result<String, String> {
    let table = table(of)?;
    let known = || table.values.keys().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    table.values.get(name).cloned().ok_or_else(|| format!("value = {name:?}: {of} has {}", known()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_it_should_be() {
        assert!(TABLES.as_ref().is_ok_and(|tables| tables.len() >= 11), "{:?}", TABLES.as_ref().err());
        assert_eq!(value("table2", "ZOWarmUp 10/90").unwrap(), "54.3 (4.8)");
        assert_eq!(value("table5", "High Res Only 90/10").unwrap(), "59.3");
    }
}
