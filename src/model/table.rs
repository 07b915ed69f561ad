//! The model table from and to JSON. TOML comes through here too: both deserialise to the same value.

use serde_json::{Map, Value, json};

use super::ModelError;
use super::entry::{self, LayerSpec};
use super::resnet;
use super::spec::{Input, ModelSpec, NormChoice, ResNetSpec, VitSpec};

/// Largest of any size in a table: products of three still fit a u128, and of two a u64.
const MAX_SIZE: u64 = 1 << 24;

impl ModelSpec {
    /// Reads a model table. A key `weights` (a config's file to start from) is no part of the model and passed over.
    ///
    /// # Errors
    /// A kind that is unknown; a key that is missing, unknown, or of the wrong type or range.
    pub fn from_json(value: &Value) -> Result<Self, ModelError> {
        let map = value
            .as_object()
            .ok_or_else(|| ModelError::key("kind", format!("expected a table with a key `kind`, found {value}")))?;
        let table = Table { map, prefix: String::new() };
        let kind = table.get("kind")?.as_str().ok_or_else(|| ModelError::key("kind", "expected a string"))?;
        match kind {
            "mlp" => {
                table.only(&["kind", "input", "hidden", "classes", "weights"])?;
                Ok(Self::Mlp {
                    input: table.optional("input", input)?,
                    hidden: table.required("hidden", sizes)?,
                    classes: table.optional("classes", size)?,
                })
            }
            "cnn" => {
                table.only(&["kind", "input", "channels", "hidden", "classes", "weights"])?;
                Ok(Self::Cnn {
                    input: table.optional("input", image)?,
                    channels: table.required("channels", sizes)?,
                    hidden: table.required("hidden", size)?,
                    classes: table.optional("classes", size)?,
                })
            }
            "sequential" => {
                table.only(&["kind", "input", "layers", "classes", "weights"])?;
                Ok(Self::Sequential {
                    input: table.optional("input", input)?,
                    layers: entry::list("layers", table.get("layers")?, 0)?,
                    classes: table.optional("classes", size)?,
                })
            }
            "resnet" => resnet(&table).map(Self::ResNet),
            "vit" => vit(&table).map(Self::Vit),
            other => {
                let known = ["mlp", "cnn", "resnet", "vit", "sequential"];
                Err(ModelError::key("kind", format!("unknown kind `{other}`{}", nearest(other, &known))))
            }
        }
    }

    /// The table with every default filled in; `input` and `classes` are left out where they are not known.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("kind".to_owned(), json!(self.kind()));
        match self.input() {
            Some(Input::Features(n)) => map.insert("input".to_owned(), json!(n)),
            Some(Input::Image(chw)) => map.insert("input".to_owned(), json!(chw)),
            None => None,
        };
        match self {
            Self::Mlp { hidden, .. } => {
                map.insert("hidden".to_owned(), json!(hidden));
            }
            Self::Cnn { channels, hidden, .. } => {
                map.insert("channels".to_owned(), json!(channels));
                map.insert("hidden".to_owned(), json!(hidden));
            }
            Self::Sequential { layers, .. } => {
                map.insert("layers".to_owned(), layers.iter().map(LayerSpec::to_json).collect());
            }
            Self::ResNet(spec) => {
                map.insert("depth".to_owned(), json!(spec.depth));
                map.insert("width".to_owned(), json!(spec.width));
                match spec.norm {
                    NormChoice::Batch => map.insert("norm".to_owned(), json!("batch")),
                    NormChoice::Group { groups } => {
                        map.insert("norm".to_owned(), json!("group"));
                        map.insert("groups".to_owned(), json!(groups))
                    }
                };
            }
            Self::Vit(spec) => {
                let sizes = [
                    ("patch", spec.patch),
                    ("dim", spec.dim),
                    ("depth", spec.depth),
                    ("heads", spec.heads),
                    ("mlp", spec.mlp),
                ];
                map.extend(sizes.map(|(key, size)| (key.to_owned(), json!(size))));
            }
        }
        if let Some(classes) = self.classes() {
            map.insert("classes".to_owned(), json!(classes));
        }
        Value::Object(map)
    }
}

fn resnet(table: &Table<'_>) -> Result<ResNetSpec, ModelError> {
    table.only(&["kind", "input", "depth", "width", "norm", "groups", "classes", "weights"])?;
    let groups = table.optional("groups", size)?;
    let norm = match table.optional("norm", text)?.as_deref().unwrap_or("group") {
        "group" => NormChoice::Group { groups: groups.unwrap_or(2) },
        "batch" if groups.is_none() => NormChoice::Batch,
        "batch" => return Err(table.error("groups", "belongs to norm = \"group\", found norm = \"batch\"".to_owned())),
        other => return Err(table.error("norm", format!("expected \"group\" or \"batch\", found \"{other}\""))),
    };
    let depth = table.optional("depth", size)?.unwrap_or(18);
    if resnet::blocks(depth).is_none() {
        return Err(table.error("depth", format!("expected 10, 18 or 34, found {depth}")));
    }
    let width = table.optional("width", size)?.unwrap_or(64);
    Ok(ResNetSpec {
        input: table.optional("input", image)?,
        depth,
        width,
        norm,
        classes: table.optional("classes", size)?,
    })
}

fn vit(table: &Table<'_>) -> Result<VitSpec, ModelError> {
    table.only(&["kind", "input", "patch", "dim", "depth", "heads", "mlp", "classes", "weights"])?;
    let sized = |key, default| Ok::<usize, ModelError>(table.optional(key, size)?.unwrap_or(default));
    Ok(VitSpec {
        input: table.optional("input", image)?,
        patch: sized("patch", 4)?,
        dim: sized("dim", 512)?,
        depth: sized("depth", 6)?,
        heads: sized("heads", 8)?,
        mlp: sized("mlp", 2048)?,
        classes: table.optional("classes", size)?,
    })
}

/// A table and where it stands, for messages.
pub(super) struct Table<'a> {
    /// The table.
    pub map: &'a Map<String, Value>,
    /// What stands before its keys.
    pub prefix: String,
}

impl<'a> Table<'a> {
    pub fn get(&self, key: &str) -> Result<&'a Value, ModelError> {
        self.map.get(key).ok_or_else(|| self.error(key, "missing".to_owned()))
    }

    pub fn required<T>(&self, key: &str, read: impl Fn(&Value) -> Result<T, String>) -> Result<T, ModelError> {
        read(self.get(key)?).map_err(|m| self.error(key, m))
    }

    pub fn optional<T>(&self, key: &str, read: impl Fn(&Value) -> Result<T, String>) -> Result<Option<T>, ModelError> {
        self.map.get(key).map(read).transpose().map_err(|m| self.error(key, m))
    }

    pub fn only(&self, known: &[&str]) -> Result<(), ModelError> {
        match self.map.keys().find(|k| !known.contains(&k.as_str())) {
            Some(key) => Err(self.error(key, format!("unknown key{}", nearest(key, known)))),
            None => Ok(()),
        }
    }

    pub fn error(&self, key: &str, message: String) -> ModelError {
        ModelError::key(format!("{}{key}", self.prefix), message)
    }
}

pub(super) fn nearest(word: &str, known: &[&str]) -> String {
    let best = known.iter().max_by(|a, b| strsim::jaro_winkler(word, a).total_cmp(&strsim::jaro_winkler(word, b)));
    best.map_or_else(String::new, |best| format!(", the nearest known is `{best}`"))
}

pub(super) fn size_or_zero(value: &Value) -> Result<usize, String> {
    let n = value.as_u64().filter(|&n| n <= MAX_SIZE).and_then(|n| usize::try_from(n).ok());
    n.ok_or_else(|| format!("expected an integer from 0 to {MAX_SIZE}, found {value}"))
}

pub(super) fn size(value: &Value) -> Result<usize, String> {
    size_or_zero(value)
        .ok()
        .filter(|&n| n > 0)
        .ok_or_else(|| format!("expected an integer from 1 to {MAX_SIZE}, found {value}"))
}

fn sizes(value: &Value) -> Result<Vec<usize>, String> {
    value.as_array().ok_or_else(|| format!("expected an array of integers, found {value}"))?.iter().map(size).collect()
}

fn image(value: &Value) -> Result<[usize; 3], String> {
    let error = || format!("expected [channels, height, width], found {value}");
    sizes(value).map_err(|_| error())?.try_into().map_err(|_| error())
}

fn input(value: &Value) -> Result<Input, String> {
    if value.is_array() { image(value).map(Input::Image) } else { size(value).map(Input::Features) }
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("expected a string, found {value}"))
}

pub(super) fn flag(value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| format!("expected true or false, found {value}"))
}
