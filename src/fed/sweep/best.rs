//! Which value of a key is best, by samples that no client trains on and that are not the test samples.

use serde::Serialize;
use toml::Value;

use super::{Cell, Description, Outcome, Spread};
use crate::fed::error::FedError;

/// What is held back where a sweep that chooses says nothing of its own.
pub const SHARE: &str = "data.validation=0.1";

/// The best value of a key among the rows that differ in nothing else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// The key.
    pub key: String,
    /// Its best value; null where no value has all its runs done.
    pub value: Option<Value>,
    /// What else these rows set: keys and values.
    pub others: Vec<(String, Value)>,
    /// The row's label.
    pub row: Option<String>,
    /// Accuracy of the validation samples: what it was chosen by.
    pub validation: Option<Spread>,
    /// Test accuracy of the same row: what it was not chosen by.
    #[serde(rename = "final")]
    pub last: Option<Spread>,
}

/// Of each group of rows that differ in `key` alone, the row whose validation samples are predicted best at the end, in the mean over the
/// seeds. Rows of which a run diverged, failed or is missing aren't chosen; of equal ones the first is.
///
/// # Errors
/// A key that no row sets.
pub fn best(description: &Description, cells: &[Cell], outcome: &Outcome, key: &str) -> Result<Vec<Best>, FedError> {
    let mut groups: Vec<(Option<&str>, Best)> = Vec::new();
    for (place, row) in description.rows.iter().enumerate() {
        let Some(cell) = cells.iter().find(|cell| cell.row == place) else { continue };
        let Some((_, value)) = cell.set.iter().rfind(|(name, _)| name == key) else { continue };
        let others: Vec<(String, Value)> = cell.set.iter().filter(|(name, _)| name != key).cloned().collect();
        let preset = row.preset.as_deref();
        let at = match groups.iter().position(|(of, group)| *of == preset && group.others == others) {
            Some(at) => at,
            None => {
                let (key, none) = (key.to_owned(), None);
                let group = Best { key, value: None, others, row: None, validation: none, last: none };
                groups.push((preset, group));
                groups.len() - 1
            }
        };
        let figures = outcome.row(place);
        let best = &mut groups[at].1;
        let reached = figures.of.validation.filter(|_| figures.diverged == 0 && figures.missing == 0);
        if let Some(reached) = reached.filter(|r| best.validation.is_none_or(|b| r.mean > b.mean)) {
            (best.value, best.row) = (Some(value.clone()), Some(row.label.clone()));
            (best.validation, best.last) = (Some(reached), figures.of.last);
        }
    }
    if groups.is_empty() {
        return Err(FedError::Refused(format!(
            "best {key}: no row sets this key; name its values with --grid {key}=..."
        )));
    }
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}
