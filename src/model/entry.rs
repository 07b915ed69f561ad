//! An entry of `sequential`'s `layers`: as a type, from and to JSON.

use serde_json::{Value, json};

use super::ModelError;
use super::table::{Table, flag, nearest, size, size_or_zero};

/// Residuals in residuals, at most: whoever reads a table descends into them.
const MOST_NESTED: usize = 16;

/// An entry of `sequential`'s `layers`.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerSpec {
    /// Square convolution.
    Conv {
        /// Output channels.
        out: usize,
        /// Side of the kernel.
        kernel: usize,
        /// Step.
        stride: usize,
        /// Zeros on every side.
        padding: usize,
        /// Whether it has a bias.
        bias: bool,
    },
    /// Maximum over squares; an odd last row or column is dropped.
    MaxPool {
        /// Side of the square.
        kernel: usize,
        /// Step.
        stride: usize,
    },
    /// Mean over squares; an odd last row or column is dropped.
    AvgPool {
        /// Side of the square.
        kernel: usize,
        /// Step.
        stride: usize,
    },
    /// Mean of each channel, to `[c, 1, 1]`.
    GlobalAvgPool,
    /// Group norm with scale and shift a channel.
    GroupNorm {
        /// Number of groups.
        groups: usize,
    },
    /// Batch norm with scale, shift and running statistics a channel.
    BatchNorm,
    /// Layer norm over all values of a sample, with scale and shift a value.
    LayerNorm,
    /// Affine map of a feature vector.
    Linear {
        /// Outputs.
        out: usize,
        /// Whether it has a bias.
        bias: bool,
    },
    /// `[c, h, w]` to a feature vector.
    Flatten,
    /// max(x, 0).
    Relu,
    /// Exact (erf) GELU.
    Gelu,
    /// Hyperbolic tangent.
    Tanh,
    /// In local steps of training: each value 0 with probability `p`, else divided by `1 - p`. Otherwise nothing.
    Dropout {
        /// From 0 up to, but not, 1.
        p: f64,
    },
    /// Layers to whose output their input is added.
    Residual {
        /// The layers.
        layers: Vec<LayerSpec>,
        /// Where the shape changes, the input goes through a 1x1 convolution or a linear layer, without bias.
        project: bool,
    },
}

/// Entries that are a name alone.
const NAMES: [&str; 6] = ["globalavgpool", "batchnorm", "flatten", "relu", "gelu", "tanh"];

/// Entries that are a table, by the key that says which, with a value for an example.
const TABLES: [(&str, &str); 8] = [
    ("conv", "2"),
    ("maxpool", "2"),
    ("avgpool", "2"),
    ("groupnorm", "2"),
    ("layernorm", "true"),
    ("linear", "2"),
    ("dropout", "0.5"),
    ("residual", "[\"relu\"]"),
];

impl LayerSpec {
    /// The names of all kinds, as [`kind`](Self::kind) gives them.
    pub fn kinds() -> impl Iterator<Item = &'static str> {
        NAMES.into_iter().chain(TABLES.map(|(key, _)| key))
    }

    /// The layer's name in a table.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Conv { .. } => "conv",
            Self::MaxPool { .. } => "maxpool",
            Self::AvgPool { .. } => "avgpool",
            Self::GlobalAvgPool => "globalavgpool",
            Self::GroupNorm { .. } => "groupnorm",
            Self::BatchNorm => "batchnorm",
            Self::LayerNorm => "layernorm",
            Self::Linear { .. } => "linear",
            Self::Flatten => "flatten",
            Self::Relu => "relu",
            Self::Gelu => "gelu",
            Self::Tanh => "tanh",
            Self::Dropout { .. } => "dropout",
            Self::Residual { .. } => "residual",
        }
    }

    /// The layer with another number of outputs, where it is a product.
    pub(super) fn of_outputs(&self, outputs: impl Fn(usize) -> usize) -> Self {
        let mut layer = self.clone();
        if let Self::Conv { out, .. } | Self::Linear { out, .. } = &mut layer {
            *out = outputs(*out);
        }
        layer
    }

    /// The entry with every default filled in.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Conv { out, kernel, stride, padding, bias } => {
                json!({"conv": out, "kernel": kernel, "stride": stride, "padding": padding, "bias": bias})
            }
            Self::MaxPool { kernel, stride } | Self::AvgPool { kernel, stride } => {
                json!({self.kind(): kernel, "stride": stride})
            }
            Self::GroupNorm { groups } => json!({"groupnorm": groups}),
            Self::LayerNorm => json!({"layernorm": true}),
            Self::Linear { out, bias } => json!({"linear": out, "bias": bias}),
            Self::Dropout { p } => json!({"dropout": p}),
            Self::Residual { layers, project } => {
                json!({"residual": layers.iter().map(Self::to_json).collect::<Value>(), "project": project})
            }
            Self::GlobalAvgPool | Self::BatchNorm | Self::Flatten | Self::Relu | Self::Gelu | Self::Tanh => {
                json!(self.kind())
            }
        }
    }
}

/// Reads a list of entries, that of the key `at`, in so many residuals.
pub(super) fn list(at: &str, value: &Value, nested: usize) -> Result<Vec<LayerSpec>, ModelError> {
    let entries = value.as_array().ok_or_else(|| ModelError::key(at, format!("expected an array, found {value}")))?;
    entries.iter().enumerate().map(|(i, entry)| read(format!("{at}[{i}]"), entry, nested)).collect()
}

fn read(at: String, value: &Value, nested: usize) -> Result<LayerSpec, ModelError> {
    if let Some(name) = value.as_str() {
        return named(&at, name);
    }
    let map = value
        .as_object()
        .ok_or_else(|| ModelError::key(&at, format!("expected a layer's name or table, found {value}")))?;
    let table = Table { map, prefix: format!("{at}.") };
    let Some((kind, _)) = TABLES.into_iter().find(|(key, _)| map.contains_key(*key)) else {
        let known = TABLES.map(|(key, _)| key).join(", ");
        return Err(ModelError::key(at, format!("expected a table with one of {known}, found {value}")));
    };
    let main = || table.required(kind, size);
    Ok(match kind {
        "conv" => {
            table.only(&["conv", "kernel", "stride", "padding", "bias"])?;
            LayerSpec::Conv {
                out: main()?,
                kernel: table.required("kernel", size)?,
                stride: table.optional("stride", size)?.unwrap_or(1),
                padding: table.optional("padding", size_or_zero)?.unwrap_or(0),
                bias: table.optional("bias", flag)?.unwrap_or(true),
            }
        }
        "maxpool" | "avgpool" => {
            table.only(&[kind, "stride"])?;
            let kernel = main()?;
            let stride = table.optional("stride", size)?.unwrap_or(kernel);
            if kind == "maxpool" {
                LayerSpec::MaxPool { kernel, stride }
            } else {
                LayerSpec::AvgPool { kernel, stride }
            }
        }
        "groupnorm" => {
            table.only(&["groupnorm"])?;
            LayerSpec::GroupNorm { groups: main()? }
        }
        "layernorm" => {
            table.only(&["layernorm"])?;
            table.required(kind, is_true)?;
            LayerSpec::LayerNorm
        }
        "dropout" => {
            table.only(&["dropout"])?;
            LayerSpec::Dropout { p: table.required(kind, share)? }
        }
        "residual" => {
            table.only(&["residual", "project"])?;
            if nested == MOST_NESTED {
                return Err(ModelError::key(at, format!("residuals nest at most {MOST_NESTED} deep")));
            }
            LayerSpec::Residual {
                layers: list(&format!("{at}.residual"), table.get("residual")?, nested + 1)?,
                project: table.optional("project", flag)?.unwrap_or(false),
            }
        }
        _ => {
            table.only(&["linear", "bias"])?;
            LayerSpec::Linear { out: main()?, bias: table.optional("bias", flag)?.unwrap_or(true) }
        }
    })
}

fn named(at: &str, name: &str) -> Result<LayerSpec, ModelError> {
    match name {
        "globalavgpool" => Ok(LayerSpec::GlobalAvgPool),
        "batchnorm" => Ok(LayerSpec::BatchNorm),
        "flatten" => Ok(LayerSpec::Flatten),
        "relu" => Ok(LayerSpec::Relu),
        "gelu" => Ok(LayerSpec::Gelu),
        "tanh" => Ok(LayerSpec::Tanh),
        other => Err(ModelError::key(
            at,
            match TABLES.into_iter().find(|(key, _)| *key == other) {
                Some((key, example)) => format!("`{key}` needs a table, such as {{\"{key}\": {example}}}"),
                None => format!("unknown layer `{other}`{}", nearest(other, &NAMES)),
            },
        )),
    }
}

fn is_true(value: &Value) -> Result<(), String> {
    if value == &json!(true) { Ok(()) } else { Err(format!("expected true, found {value}")) }
}

fn share(value: &Value) -> Result<f64, String> {
    let p = value.as_f64().filter(|p| (0.0..1.0).contains(p));
    p.ok_or_else(|| format!("expected a number from 0 up to, but not, 1, found {value}"))
}
