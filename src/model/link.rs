//! An entry of `sequential`'s `layers`: a layer, or layers with a residual around them.

use serde_json::{Value, json};

use crate::layers::table::{Table, flag, nearest};
use crate::layers::{LayerSpec, ModelError};

/// Residuals in residuals, at most: whoever reads a table descends into them.
const MOST_NESTED: usize = 16;

const RESIDUAL: &str = "residual";

/// An entry of `sequential`'s `layers`.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    /// A layer.
    Layer(LayerSpec),
    /// Layers to whose output their input is added.
    Residual {
        /// The layers.
        layers: Vec<Link>,
        /// Where the shape changes, the input goes through a 1x1 convolution or a linear layer, without bias.
        project: bool,
    },
}

impl Link {
    /// The names of all kinds, as [`Link::name`] gives them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        LayerSpec::all().into_iter().map(|(name, _)| name).chain([RESIDUAL])
    }

    /// Its name in a table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Layer(spec) => spec.name(),
            Self::Residual { .. } => RESIDUAL,
        }
    }

    /// The entry with every default filled in.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Layer(spec) => spec.to_json(),
            Self::Residual { layers, project } => {
                json!({RESIDUAL: layers.iter().map(Self::to_json).collect::<Value>(), "project": project})
            }
        }
    }
}

/// Reads a list of entries, that of the key `at`, in so many residuals.
pub(super) fn list(at: &str, value: &Value, nested: usize) -> Result<Vec<Link>, ModelError> {
    let entries = value.as_array().ok_or_else(|| ModelError::key(at, format!("expected an array, found {value}")))?;
    entries.iter().enumerate().map(|(i, entry)| read(format!("{at}[{i}]"), entry, nested)).collect()
}

/// Entries that are a table: the key that says which, and an example of its value.
fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let layers = LayerSpec::all().into_iter().filter_map(|(name, example)| Some((name, example?)));
    layers.chain([(RESIDUAL, "[\"relu\"]")])
}

fn read(at: String, value: &Value, nested: usize) -> Result<Link, ModelError> {
    if let Some(name) = value.as_str() {
        return LayerSpec::named(name).map(Link::Layer).ok_or_else(|| unknown(at, name));
    }
    let map = value
        .as_object()
        .ok_or_else(|| ModelError::key(&at, format!("expected a layer's name or table, found {value}")))?;
    let table = Table { map, prefix: format!("{at}.") };
    let name = tables().map(|(name, _)| name).find(|name| map.contains_key(*name)).unwrap_or_default();
    if name == RESIDUAL {
        return residual(at, &table, nested);
    }
    LayerSpec::read(name, &table)?.map(Link::Layer).ok_or_else(|| {
        let known: Vec<_> = tables().map(|(name, _)| name).collect();
        ModelError::key(at, format!("expected a table with one of {}, found {value}", known.join(", ")))
    })
}

fn residual(at: String, table: &Table<'_>, nested: usize) -> Result<Link, ModelError> {
    table.only(&[RESIDUAL, "project"])?;
    if nested == MOST_NESTED {
        return Err(ModelError::key(at, format!("residuals nest at most {MOST_NESTED} deep")));
    }
    Ok(Link::Residual {
        layers: list(&format!("{at}.{RESIDUAL}"), table.get(RESIDUAL)?, nested + 1)?,
        project: table.optional("project", flag)?.unwrap_or(false),
    })
}

/// What is wrong with a name that is no entry.
fn unknown(at: String, name: &str) -> ModelError {
    let message = match tables().find(|(key, _)| *key == name) {
        Some((key, example)) => format!("`{key}` needs a table, such as {{\"{key}\": {example}}}"),
        None => {
            let names = LayerSpec::all().into_iter().filter(|(_, example)| example.is_none()).map(|(name, _)| name);
            format!("unknown layer `{name}`{}", nearest(name, &names.collect::<Vec<_>>()))
        }
    };
    ModelError::key(at, message)
}
