//! `[model]`: the model table as it stands, for the model module to read, and the weights to start from.

use super::error::ConfigError;
use super::names::{DEFAULT_MODEL, ModelKind};
use super::reader::Section;
use serde_json::{Map, Value as Json};
use std::path::PathBuf;
use toml::Value;

/// `[model]`. Keys that the kind doesn't have are refused here; values are the model module's to check, which knows the range of each.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The table's `kind`.
    pub kind: ModelKind,
    /// Start from this safetensors file (absolute path) instead of a random initialisation.
    pub weights: Option<PathBuf>,
    /// The model table, `kind` first and without `weights`; `input` and `classes` may be left to the data.
    pub table: Map<String, Json>,
}

impl ModelConfig {
    pub(super) fn read(s: &Section<'_>) -> Result<Self, ConfigError> {
        let kind = s.choice("kind", DEFAULT_MODEL, ModelKind::NAMES)?;
        let mut table = Map::new();
        table.insert("kind".to_owned(), Json::from(kind.name()));
        for (key, value) in s.entries().filter(|(key, _)| *key != "weights" && *key != "kind") {
            let json = to_json(value)
                .ok_or_else(|| s.error(key, value, "finite numbers, strings, booleans, lists and tables of them"))?;
            table.insert(key.clone(), json);
        }
        Ok(Self { kind, weights: s.path("weights", "")?, table })
    }

    /// Whether the table asks for batch norm.
    pub fn has_batch_norm(&self) -> bool {
        let norm = || self.table.get("norm").and_then(Json::as_str) == Some("batch");
        self.kind == ModelKind::Sequential && self.table.get("layers").is_some_and(names_batch_norm) || norm()
    }

    /// The section as TOML, `weights` included.
    pub(super) fn to_toml(&self) -> toml::Table {
        let mut table: toml::Table =
            self.table.iter().filter_map(|(key, value)| Some((key.clone(), to_toml(value)?))).collect();
        let weights = self.weights.as_deref().and_then(|p| p.to_str()).unwrap_or_default();
        table.insert("weights".to_owned(), Value::String(weights.to_owned()));
        table
    }
}

/// Whether an entry of a `sequential`'s layers, or one in it, is a batch norm.
fn names_batch_norm(value: &Json) -> bool {
    match value {
        Json::String(name) => name == "batchnorm",
        Json::Array(entries) => entries.iter().any(names_batch_norm),
        Json::Object(entry) => entry.values().any(names_batch_norm),
        _ => false,
    }
}

/// `None` for what JSON cannot hold: dates and non-finite numbers.
fn to_json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::String(s) => Json::from(s.as_str()),
        Value::Integer(i) => Json::from(*i),
        Value::Float(x) => Json::Number(serde_json::Number::from_f64(*x)?),
        Value::Boolean(b) => Json::from(*b),
        Value::Array(items) => Json::Array(items.iter().map(to_json).collect::<Option<_>>()?),
        Value::Table(table) => {
            Json::Object(table.iter().map(|(k, v)| Some((k.clone(), to_json(v)?))).collect::<Option<_>>()?)
        }
        Value::Datetime(_) => return None,
    })
}

/// `None` for null and integers beyond i64, which [`to_json`] never makes.
fn to_toml(value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(b) => Value::Boolean(*b),
        Json::Number(n) => match n.as_i64() {
            Some(i) => Value::Integer(i),
            None => Value::Float(n.as_f64()?),
        },
        Json::String(s) => Value::String(s.clone()),
        Json::Array(items) => Value::Array(items.iter().map(to_toml).collect::<Option<_>>()?),
        Json::Object(map) => {
            Value::Table(map.iter().map(|(k, v)| Some((k.clone(), to_toml(v)?))).collect::<Option<_>>()?)
        }
    })
}
