//! Reading tables of JSON, of which a model is one.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::error::ModelError;

/// Largest of any size in a table: products of three still fit a u128, and of two a u64.
pub const MAX_SIZE: usize = 1 << 24;

/// A table and where it stands, for messages.
pub struct Table<'a> {
    /// The table.
    pub map: &'a Map<String, Value>,
    /// What stands before its keys.
    pub prefix: String,
}

impl<'a> Table<'a> {
    /// A key's value.
    ///
    /// # Errors
    /// It is missing.
    pub fn get(&self, key: &str) -> Result<&'a Value, ModelError> {
        self.map.get(key).ok_or_else(|| self.error(key, "missing".to_owned()))
    }

    /// What `read` makes of a key's value.
    ///
    /// # Errors
    /// It is missing, or `read` refuses it.
    pub fn required<T>(&self, key: &str, read: impl Fn(&Value) -> Result<T, String>) -> Result<T, ModelError> {
        read(self.get(key)?).map_err(|m| self.error(key, m))
    }

    /// The same, where the key is there.
    ///
    /// # Errors
    /// `read` refuses it.
    pub fn optional<T>(&self, key: &str, read: impl Fn(&Value) -> Result<T, String>) -> Result<Option<T>, ModelError> {
        self.map.get(key).map(read).transpose().map_err(|m| self.error(key, m))
    }

    /// Checks that there are no other keys.
    ///
    /// # Errors
    /// The first that is unknown, with the nearest known one.
    pub fn only(&self, known: &[&str]) -> Result<(), ModelError> {
        match self.map.keys().find(|k| !known.contains(&k.as_str())) {
            Some(key) => Err(self.error(key, format!("unknown key{}", nearest(key, known)))),
            None => Ok(()),
        }
    }

    /// What is wrong with a key.
    pub fn error(&self, key: &str, message: String) -> ModelError {
        ModelError::key(format!("{}{key}", self.prefix), message)
    }
}

/// What a message says of the known word nearest to one that is unknown.
pub fn nearest(word: &str, known: &[&str]) -> String {
    let best = known.iter().max_by(|a, b| strsim::jaro_winkler(word, a).total_cmp(&strsim::jaro_winkler(word, b)));
    best.map_or_else(String::new, |best| format!(", the nearest known is `{best}`"))
}

/// An integer of a range.
///
/// # Errors
/// Anything else.
pub fn integer(value: &Value, range: RangeInclusive<usize>) -> Result<usize, String> {
    let n = value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| range.contains(n));
    n.ok_or_else(|| format!("expected an integer from {} to {}, found {value}", range.start(), range.end()))
}

/// A size, or nothing.
///
/// # Errors
/// No integer from 0 to the largest size.
pub fn size_or_zero(value: &Value) -> Result<usize, String> {
    integer(value, 0..=MAX_SIZE)
}

/// A size.
///
/// # Errors
/// No integer from 1 to the largest size.
pub fn size(value: &Value) -> Result<usize, String> {
    integer(value, 1..=MAX_SIZE)
}

/// Yes or no.
///
/// # Errors
/// No boolean.
pub fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("expected true or false, found {value}"))
}
