//! A golden forward and backward pass.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::GoldenError;
use super::samples::samples;
use crate::files::{self, Limit};
use crate::ledger::parse_hex64;
use crate::model::{Graph, ModelSpec, ParamTensor};
use crate::weights::TensorFile;

/// Parameters and gradients of a model of a hundred million weights.
const LIMIT: Limit = Limit { bytes: 1 << 30, what: "a golden file" };

/// Which statistics batch norm uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The batch's.
    Train,
    /// The running ones.
    Eval,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "train" => Ok(Self::Train),
            "eval" => Ok(Self::Eval),
            other => Err(format!("mode: expected `train` or `eval`, found `{other}`")),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Train { "train" } else { "eval" })
    }
}

/// A forward and backward pass of one batch.
#[derive(Clone, Debug, PartialEq)]
pub struct PassGolden {
    /// The model table.
    pub spec: ModelSpec,
    /// Its graph.
    pub graph: Graph,
    /// Which statistics batch norm uses.
    pub mode: Mode,
    /// Samples N.
    pub samples: usize,
    /// `[N, input]`.
    pub x: Vec<f32>,
    /// `[N]`, below the model's classes.
    pub y: Vec<u32>,
    /// The weight vector: the flat parameters, then the running statistics before.
    pub weights: Vec<f32>,
    /// `[N, classes]`.
    pub logits: Vec<f32>,
    /// Mean cross-entropy.
    pub loss: f32,
    /// The flat gradient of `loss`.
    pub grads: Vec<f32>,
    /// Running statistics after, in the order of the model's buffers; empty where the file has none.
    pub out_buffers: Vec<f32>,
    /// The same batch in a local step whose dropouts drop, where the file has one.
    pub masked: Option<MaskedPass>,
}

/// A pass in which the model's dropouts drop; all else of a golden file is without.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskedPass {
    /// What the masks follow from (docs/random.md, Masks of dropouts).
    pub seed: u64,
    /// Mean cross-entropy.
    pub loss: f32,
    /// The flat gradient of it.
    pub grads: Vec<f32>,
}

impl PassGolden {
    /// Reads a golden safetensors file.
    ///
    /// # Errors
    /// A file that can't be read or is cut off; metadata or tensors that are missing, unknown, misshapen or out of range; a
    /// kind of model that is not available.
    pub fn read(path: &Path) -> Result<Self, GoldenError> {
        let bytes = files::read(path, LIMIT)?;
        let file = TensorFile::parse(path, &bytes)?;
        let field = |message: String| GoldenError::Field { path: path.to_owned(), message };
        let model = |source| GoldenError::Model { path: path.to_owned(), source };
        let text = |key: &str| file.metadata(key).ok_or_else(|| field(format!("metadata `{key}`: missing")));
        let table =
            serde_json::from_str(text("model")?).map_err(|e| field(format!("metadata `model`: expected JSON: {e}")))?;
        let spec = ModelSpec::from_json(&table).map_err(model)?;
        let graph = spec.graph().map_err(model)?;
        let mode = text("mode")?.parse().map_err(|m| field(format!("metadata {m}")))?;

        let (x, y) = samples(&file, &graph)?;
        if let Some(i) = x.iter().position(|x| !x.is_finite()) {
            return Err(file.error("x", format!("expected finite values, found {} at index {i}", x[i])).into());
        }
        let samples = y.len();
        let mut weights = file.flat("param/", graph.params())?;
        let grads = file.flat("grad/", graph.params())?;
        let logits = file.f32s("out/logits", &[samples, graph.classes])?;
        let loss = file.f32s("out/loss", &[1])?[0];
        weights.extend(file.flat("buffer/", graph.buffers())?);
        let after = file.names().iter().any(|name| name.starts_with("out_buffer/"));
        let out_buffers = if after { file.flat("out_buffer/", graph.buffers())? } else { Vec::new() };
        let masked = file.metadata("masks").map(|seed| masked(path, &file, &graph, seed)).transpose()?;
        let prefixed = |name: &str, prefix: &str, known: &[ParamTensor]| {
            name.strip_prefix(prefix).is_some_and(|n| known.iter().any(|p| p.name == n))
        };
        for name in file.names() {
            let known = ["x", "y", "out/logits", "out/loss"].contains(&name)
                || ["param/", "grad/"].iter().any(|prefix| prefixed(name, prefix, graph.params()))
                || ["buffer/", "out_buffer/"].iter().any(|prefix| prefixed(name, prefix, graph.buffers()))
                || (masked.is_some() && (name == "masked/loss" || prefixed(name, "masked/grad/", graph.params())));
            if !known {
                return Err(file.error(name, "the model has no tensor of this name".to_owned()).into());
            }
        }
        Ok(Self { spec, graph, mode, samples, x, y, weights, logits, loss, grads, out_buffers, masked })
    }
}

/// The pass with masks from `seed`, 16 hex digits.
fn masked(path: &Path, file: &TensorFile<'_>, graph: &Graph, seed: &str) -> Result<MaskedPass, GoldenError> {
    let seed = parse_hex64(seed).ok_or_else(|| GoldenError::Field {
        path: path.to_owned(),
        message: format!("metadata `masks`: expected 16 hex digits, found `{seed}`"),
    })?;
    Ok(MaskedPass { seed, loss: file.f32s("masked/loss", &[1])?[0], grads: file.flat("masked/grad/", graph.params())? })
}
