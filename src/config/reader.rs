//! Typed reading of one section: each value's type and range, with errors that name origin, key, value and expectation.

use super::error::ConfigError;
use super::names::list;
use super::seeds;
use super::source::{Source, join};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::{Table, Value};

/// More memory than any adapter has.
const MOST_BYTES: u64 = 1 << 50;

/// One table of the config; an absent one has every default.
pub(super) struct Section<'a> {
    name: &'static str,
    table: Option<&'a Table>,
    source: &'a Source,
}

impl<'a> Section<'a> {
    /// The keys outside every section.
    pub fn root(table: &'a Table, source: &'a Source) -> Self {
        Self { name: "", table: Some(table), source }
    }

    /// The section called `name`.
    pub fn of(root: &'a Table, name: &'static str, source: &'a Source) -> Result<Self, ConfigError> {
        let table = match root.get(name) {
            None => None,
            Some(Value::Table(table)) => Some(table),
            Some(other) => {
                return Err(source.value_error(name, other, format!("a table, as [{name}]")));
            }
        };
        Ok(Self { name, table, source })
    }

    /// Every entry as it stands.
    pub fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.table.into_iter().flatten()
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.table?.get(key)
    }

    /// The error of this section's `key`.
    pub fn error(&self, key: &str, value: impl ToString, expected: impl Into<String>) -> ConfigError {
        self.source.value_error(&join(self.name, key), value, expected)
    }

    /// A number that an f32 can hold; `ok` is asked only of finite ones.
    pub fn number(&self, key: &str, default: f64, expected: &str, ok: fn(f64) -> bool) -> Result<f64, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        self.check_number(key, value, expected, ok)
    }

    fn check_number(&self, key: &str, value: &Value, expected: &str, ok: fn(f64) -> bool) -> Result<f64, ConfigError> {
        let number = match value {
            Value::Float(x) => *x,
            Value::Integer(i) => *i as f64,
            other => return Err(self.error(key, other, expected)),
        };
        if !number.is_finite() || !ok(number) {
            return Err(self.error(key, value, expected));
        }
        // Settings reach the device as f32.
        if (number as f32).is_finite() {
            return Ok(number);
        }
        Err(self.error(key, value, format!("{expected}, and no larger than an f32 holds ({:e})", f32::MAX)))
    }

    /// A number, or `word`, which is `None`.
    pub fn number_or(
        &self,
        key: &str,
        default: f64,
        word: &str,
        expected: &str,
        ok: fn(f64) -> bool,
    ) -> Result<Option<f64>, ConfigError> {
        match self.get(key) {
            Some(Value::String(text)) if text == word => Ok(None),
            Some(value) => self.check_number(key, value, expected, ok).map(Some),
            None => Ok(Some(default)),
        }
    }

    /// True or false.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Boolean(flag)) => Ok(*flag),
            Some(other) => Err(self.error(key, other, "true or false")),
        }
    }

    /// A list of numbers.
    pub fn numbers(&self, key: &str, expected: &str, ok: fn(f64) -> bool) -> Result<Vec<f64>, ConfigError> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|v| self.check_number(key, v, expected, ok)).collect(),
            Some(other) => Err(self.error(key, other, expected)),
        }
    }

    /// Integers of a range, as many as one of `lengths`; an empty list where there are none.
    pub fn counts(
        &self,
        key: &str,
        expected: &str,
        lengths: RangeInclusive<usize>,
        range: RangeInclusive<u32>,
    ) -> Result<Vec<u32>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(Vec::new()) };
        let one = |item: &Value| item.as_integer().and_then(|i| u32::try_from(i).ok()).filter(|n| range.contains(n));
        let items = value.as_array().filter(|items| items.is_empty() || lengths.contains(&items.len()));
        let counts = items.and_then(|items| items.iter().map(one).collect::<Option<Vec<_>>>());
        counts.ok_or_else(|| self.error(key, value, expected))
    }

    /// An integer of a range.
    pub fn count(&self, key: &str, default: u32, range: RangeInclusive<u32>) -> Result<u32, ConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Integer(i)) if u32::try_from(*i).is_ok_and(|n| range.contains(&n)) => Ok(*i as u32),
            Some(other) => Err(self.error(key, other, format!("an integer from {} to {}", range.start(), range.end()))),
        }
    }

    /// A text.
    pub fn text(&self, key: &str, default: &str) -> Result<String, ConfigError> {
        match self.get(key) {
            None => Ok(default.to_owned()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => Err(self.error(key, other, "a string")),
        }
    }

    /// One of `names`.
    pub fn choice<T: FromStr>(&self, key: &str, default: T, names: &[&str]) -> Result<T, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        let parsed = value.as_str().and_then(|text| text.parse().ok());
        parsed.ok_or_else(|| {
            let near = value.as_str().and_then(|text| names.iter().find(|name| strsim::osa_distance(name, text) <= 2));
            let hint = near.map(|name| format!(" (did you mean \"{name}\"?)")).unwrap_or_default();
            self.error(key, value, format!("one of {}{hint}", list(names)))
        })
    }

    /// An amount of memory in bytes: a string such as "512MiB", or an integer.
    pub fn bytes(&self, key: &str, default: u64) -> Result<u64, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        let bytes = match value {
            Value::Integer(i) => u64::try_from(*i).ok(),
            Value::String(text) => text.trim().parse::<bytesize::ByteSize>().ok().map(|b| b.as_u64()),
            _ => None,
        };
        bytes.filter(|&b| b <= MOST_BYTES).ok_or_else(|| {
            let expected =
                "an amount of memory such as \"512MiB\", at most \"1PiB\", or \"0\" for what the adapter allows";
            self.error(key, value, expected)
        })
    }

    /// A seed, `None` where it is not given.
    pub fn seed(&self, key: &str) -> Result<Option<u64>, ConfigError> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        seeds::parse(value).map(Some).ok_or_else(|| self.error(key, value, seeds::EXPECTED))
    }

    /// A path, made absolute: relative to the config file's folder, or, given by `--set`, to the current folder. An empty
    /// text is `None`.
    pub fn path(&self, key: &str, default: &str) -> Result<Option<PathBuf>, ConfigError> {
        let text = self.text(key, default)?;
        if text.is_empty() {
            return Ok(None);
        }
        let base =
            if self.source.is_override(&join(self.name, key)) { Path::new("") } else { self.source.folder.as_path() };
        let absolute = std::path::absolute(base.join(&text))
            .map_err(|e| self.error(key, &text, format!("a usable path ({e})")))?;
        if absolute.to_str().is_none() {
            return Err(self.error(
                key,
                absolute.display(),
                "a path that is valid UTF-8, as a config can hold no other",
            ));
        }
        Ok(Some(absolute))
    }
}
