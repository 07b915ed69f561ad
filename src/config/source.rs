//! Where a config's values come from, for messages.

use super::error::ConfigError;
use std::path::PathBuf;

/// A file and the keys that `--set` gave.
pub(super) struct Source {
    /// Name of the file in messages.
    pub file: String,
    /// Folder that paths in the file are relative to.
    pub folder: PathBuf,
    /// Keys given by `--set`.
    pub overridden: Vec<String>,
    /// Name of a preset and the keys that it gave.
    pub preset: Option<(&'static str, Vec<&'static str>)>,
    /// Integers that TOML's 64 bits don't hold, by key, as they were written: their values are floats.
    pub large: Vec<(String, String)>,
}

impl Source {
    /// A file whose paths are relative to `folder`, without overrides.
    pub fn of(file: &str, folder: impl Into<PathBuf>) -> Self {
        Self { file: file.to_owned(), folder: folder.into(), overridden: Vec::new(), preset: None, large: Vec::new() }
    }

    /// Forgets what an earlier value of `key`, or of a table that it replaces, was written as.
    pub fn forget(&mut self, key: &str) {
        let below = |name: &str| name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.large.retain(|(name, _)| !below(name));
    }

    /// Whether `--set` gave this key, or a table that holds it.
    pub fn is_override(&self, key: &str) -> bool {
        self.overridden
            .iter()
            .any(|o| key.strip_prefix(o.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
    }

    /// What a message calls the place of a key.
    pub fn origin(&self, key: &str) -> String {
        match &self.preset {
            _ if self.is_override(key) => "--set".to_owned(),
            Some((name, keys)) if keys.contains(&key) => format!("--preset {name}"),
            _ => self.file.clone(),
        }
    }

    /// The error of a value that is not as `expected`.
    pub fn value_error(&self, key: &str, value: impl ToString, expected: impl Into<String>) -> ConfigError {
        let written = self.large.iter().rev().find(|(name, _)| name == key).map(|(_, text)| text.clone());
        ConfigError::Value {
            origin: self.origin(key),
            key: key.to_owned(),
            value: written.unwrap_or_else(|| value.to_string()),
            expected: expected.into(),
        }
    }
}

/// `section.key`, or `key` outside every section.
pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}
