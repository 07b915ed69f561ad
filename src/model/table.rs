//! The model table from and to JSON. TOML comes through here too: both deserialise to the same value.

use serde_json::{Map, Value, json};

use super::link::{self, Link};
use super::spec::{Input, ModelSpec, NormChoice, ResNetSpec, VitSpec};
use super::{resnet, vit};
use crate::layers::ModelError;
use crate::layers::table::{MAX_SIZE, Table, integer, nearest, size};

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
                    layers: link::list("layers", table.get("layers")?, 0)?,
                    classes: table.optional("classes", size)?,
                })
            }
            "resnet" => residual(&table).map(Self::ResNet),
            "vit" => transformer(&table).map(Self::Vit),
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
                map.insert("layers".to_owned(), layers.iter().map(Link::to_json).collect());
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

fn residual(table: &Table<'_>) -> Result<ResNetSpec, ModelError> {
    table.only(&["kind", "input", "depth", "width", "norm", "groups", "classes", "weights"])?;
    let groups = table.optional("groups", size)?;
    let norm = match table.optional("norm", text)?.as_deref().unwrap_or("group") {
        "group" => NormChoice::Group { groups: groups.unwrap_or(2) },
        "batch" if groups.is_none() => NormChoice::Batch,
        "batch" => return Err(table.error("groups", "belongs to norm = \"group\", found norm = \"batch\"".to_owned())),
        other => return Err(table.error("norm", format!("expected \"group\" or \"batch\", found \"{other}\""))),
    };
    let depth = table.optional("depth", residual_depth)?.unwrap_or(18);
    let width = table.optional("width", size)?.unwrap_or(64);
    Ok(ResNetSpec {
        input: table.optional("input", image)?,
        depth,
        width,
        norm,
        classes: table.optional("classes", size)?,
    })
}

fn transformer(table: &Table<'_>) -> Result<VitSpec, ModelError> {
    table.only(&["kind", "input", "patch", "dim", "depth", "heads", "mlp", "classes", "weights"])?;
    let sized = |key, default| Ok::<usize, ModelError>(table.optional(key, size)?.unwrap_or(default));
    let depth = |value: &Value| integer(value, vit::DEPTHS);
    Ok(VitSpec {
        input: table.optional("input", image)?,
        patch: sized("patch", 4)?,
        dim: sized("dim", 512)?,
        depth: table.optional("depth", depth)?.unwrap_or(6),
        heads: sized("heads", 8)?,
        mlp: sized("mlp", 2048)?,
        classes: table.optional("classes", size)?,
    })
}

fn residual_depth(value: &Value) -> Result<usize, String> {
    let depth = size(value).ok().filter(|&depth| resnet::blocks(depth).is_some());
    depth.ok_or_else(|| resnet::no_depth(value))
}

fn sizes(value: &Value) -> Result<Vec<usize>, String> {
    value.as_array().ok_or_else(|| format!("expected an array of integers, found {value}"))?.iter().map(size).collect()
}

fn image(value: &Value) -> Result<[usize; 3], String> {
    let error = || format!("expected [channels, height, width], each an integer from 1 to {MAX_SIZE}, found {value}");
    sizes(value).map_err(|_| error())?.try_into().map_err(|_| error())
}

fn input(value: &Value) -> Result<Input, String> {
    if value.is_array() { image(value).map(Input::Image) } else { size(value).map(Input::Features) }
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("expected a string, found {value}"))
}
