//! Vision transformer (docs/models.md): patches as tokens behind a class token, pre-norm blocks of attention and a
//! two-layer perceptron with exact GELU, no final norm, the head on the class token. As nothing reads the last block's other tokens
//! behind its attention, they are left out from there on: an eighth of the work of six blocks.

use std::ops::RangeInclusive;

use super::builder::Builder;
use super::graph::Source;
use super::spec::VitSpec;
use crate::layers::kinds::attention::Attention;
use crate::layers::kinds::class_token::ClassToken;
use crate::layers::kinds::conv::Conv;
use crate::layers::kinds::gelu::Gelu;
use crate::layers::kinds::layer_norm::LayerNorm;
use crate::layers::kinds::linear::Linear;
use crate::layers::kinds::tokens::Tokens;
use crate::layers::limits::fits;
use crate::layers::table::integer;
use crate::layers::{Init, ModelError, Shape};

/// Deviation of the initial weights, 0.02.
const INIT: Init = Init::TruncatedNormal { thousandths: 20 };

/// Blocks that a table may ask for: without a bound tiny ones would fill the memory of whoever reads the table.
pub(super) const DEPTHS: RangeInclusive<usize> = 1..=1000;

pub(super) fn build(builder: &mut Builder, spec: &VitSpec, classes: usize) -> Result<(), ModelError> {
    let (input, VitSpec { patch, heads, .. }) = (builder.shape, *spec);
    if !(input.h.is_multiple_of(patch) && input.w.is_multiple_of(patch)) {
        let message = format!("patches of {patch} x {patch} (model.patch) don't divide the input {input}");
        return Err(ModelError::Shape { layer: "patch_embed".to_owned(), message });
    }
    integer(&spec.depth.into(), DEPTHS).map_err(|message| ModelError::key("depth", message))?;
    if !spec.dim.is_multiple_of(heads) {
        return Err(ModelError::key("heads", format!("{heads} heads don't divide model.dim = {}", spec.dim)));
    }
    // Heads stay whole: fewer of them where the graph gets a share of each width.
    let (dim, hidden, head) = (builder.hidden(spec.dim), builder.hidden(spec.mlp), spec.dim / heads);
    if !dim.is_multiple_of(head) {
        let message = format!("{dim} of model.dim = {} are no whole heads of {head}", spec.dim);
        return Err(ModelError::key("dim", message));
    }
    let heads = dim / head;
    let (h, w) = (input.h / patch, input.w / patch);
    let tokens = h * w + 1;
    // The largest activations: attention's q, k and v, and the perceptron's hidden layer.
    fits("blocks.0.attn.qkv", [tokens, 3, dim])?;
    fits("blocks.0.mlp.fc1", [tokens, hidden, 1])?;
    let class = builder.tensors.learnt("cls_token", "", "cls_token", vec![1, 1, dim], INIT)?;
    let position = builder.tensors.learnt("pos_embed", "", "pos_embed", vec![1, tokens, dim], INIT)?;
    let place = "patch_embed";
    let weight = builder.tensor(place, "weight", vec![dim, input.c, patch, patch], INIT)?;
    let bias = Some(builder.tensor(place, "bias", vec![dim], Init::Zeros)?);
    let output = Shape { c: dim, h, w };
    builder.push(Conv { input, output, kernel: patch, stride: patch, padding: 0, weight, bias, relu: false }, None);
    builder.push(Tokens { patches: output, class, position }, None);
    for block in 0..spec.depth {
        let name = |part: &str| format!("blocks.{block}.{part}");
        let mut entry = builder.at;
        layer_norm(builder, &name("norm1"), tokens, dim)?;
        linear(builder, &name("attn.qkv"), tokens, [dim, 3 * dim], None)?;
        builder.push(Attention { tokens, heads, dim }, None);
        let mut rows = tokens;
        if block + 1 == spec.depth {
            let attention = builder.at;
            entry = class_token(builder, entry, tokens, dim);
            class_token(builder, attention, tokens, dim);
            rows = 1;
        }
        linear(builder, &name("attn.proj"), rows, [dim, dim], Some(entry))?;
        let entry = builder.at;
        layer_norm(builder, &name("norm2"), rows, dim)?;
        linear(builder, &name("mlp.fc1"), rows, [dim, hidden], None)?;
        builder.push(Gelu { len: rows * hidden }, None);
        linear(builder, &name("mlp.fc2"), rows, [hidden, dim], Some(entry))?;
    }
    linear(builder, "head", 1, [dim, classes], None)
}

/// The first of the tokens that a node gives; the builder stands behind it.
fn class_token(builder: &mut Builder, of: Source, tokens: usize, dim: usize) -> Source {
    builder.at = of;
    builder.push(ClassToken { tokens, dim }, None);
    builder.at
}

fn layer_norm(builder: &mut Builder, name: &str, rows: usize, dim: usize) -> Result<(), ModelError> {
    let weight = builder.tensor(name, "weight", vec![dim], Init::Ones)?;
    let bias = builder.tensor(name, "bias", vec![dim], Init::Zeros)?;
    builder.push(LayerNorm { rows, dim, weight, bias }, None);
    Ok(())
}

fn linear(
    builder: &mut Builder,
    name: &str,
    rows: usize,
    [in_features, out_features]: [usize; 2],
    residual: Option<Source>,
) -> Result<(), ModelError> {
    let weight = builder.tensor(name, "weight", vec![out_features, in_features], INIT)?;
    let bias = Some(builder.tensor(name, "bias", vec![out_features], Init::Zeros)?);
    builder.push(Linear { rows, in_features, out_features, weight, bias, relu: false }, residual);
    Ok(())
}
