//! ResNet of basic blocks in its CIFAR form (docs/models.md): a 3x3 stem without pooling, four stages, global average
//! pool. A block is `relu(norm(conv(relu(norm(conv(x))))) + shortcut(x))`; norms are called `bn1` whatever they are.

use std::fmt::Display;

use super::builder::Builder;
use super::graph::Source;
use super::spec::{NormChoice, ResNetSpec};
use crate::layers::kinds::norm::{Norm, NormKind};
use crate::layers::kinds::{conv, globalavgpool, linear};
use crate::layers::{Init, ModelError};

/// Blocks of each stage.
pub(super) fn blocks(depth: usize) -> Option<[usize; 4]> {
    match depth {
        10 => Some([1, 1, 1, 1]),
        18 => Some([2, 2, 2, 2]),
        34 => Some([3, 4, 6, 3]),
        _ => None,
    }
}

/// What is wrong with a depth that has no [`blocks`].
pub(super) fn no_depth(found: &dyn Display) -> String {
    format!("expected 10, 18 or 34, found {found}")
}

pub(super) fn build(builder: &mut Builder, spec: &ResNetSpec, classes: usize) -> Result<(), ModelError> {
    let blocks = blocks(spec.depth).ok_or_else(|| ModelError::key("depth", no_depth(&spec.depth)))?;
    conv(builder, "conv1", builder.hidden(spec.width), 3, 1)?;
    let stem = norm_tensors(builder, "bn1", spec)?;
    norm(builder, stem, true, None);
    for (stage, blocks) in blocks.into_iter().enumerate() {
        for block in 0..blocks {
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            let name = format!("layer{}.{block}", stage + 1);
            let planes = builder.hidden(spec.width << stage);
            basic_block(builder, &name, spec, planes, stride)?;
        }
    }
    builder.add("", "the global average pool", globalavgpool::Spec)?;
    builder.add("linear", "linear", linear::Spec { out: classes, bias: true })
}

/// The shortcut's nodes stand right before the sum that takes them, its tensors behind those of the second norm (the flat order).
fn basic_block(
    builder: &mut Builder,
    name: &str,
    spec: &ResNetSpec,
    planes: usize,
    stride: usize,
) -> Result<(), ModelError> {
    let (entry, shape) = (builder.at, builder.shape);
    conv(builder, &format!("{name}.conv1"), planes, 3, stride)?;
    let first = norm_tensors(builder, &format!("{name}.bn1"), spec)?;
    norm(builder, first, true, None);
    conv(builder, &format!("{name}.conv2"), planes, 3, 1)?;
    let second = norm_tensors(builder, &format!("{name}.bn2"), spec)?;
    let (at, out) = (builder.at, builder.shape);
    let mut residual = entry;
    if stride != 1 || shape.c != planes {
        (builder.at, builder.shape) = (entry, shape);
        conv(builder, &format!("{name}.shortcut.0"), planes, 1, stride)?;
        let third = norm_tensors(builder, &format!("{name}.shortcut.1"), spec)?;
        norm(builder, third, false, None);
        residual = builder.at;
        (builder.at, builder.shape) = (at, out);
    }
    norm(builder, second, true, Some(residual));
    Ok(())
}

fn conv(builder: &mut Builder, name: &str, out: usize, kernel: usize, stride: usize) -> Result<(), ModelError> {
    builder.add(name, name, conv::Spec { out, kernel, stride, padding: kernel / 2, bias: false })
}

struct NormTensors {
    kind: NormKind,
    weight: usize,
    bias: usize,
}

/// Makes the tensors of a norm on what the builder stands at.
fn norm_tensors(builder: &mut Builder, name: &str, spec: &ResNetSpec) -> Result<NormTensors, ModelError> {
    let channels = builder.shape.c;
    let weight = builder.tensor(name, "weight", vec![channels], Init::Ones)?;
    let bias = builder.tensor(name, "bias", vec![channels], Init::Zeros)?;
    let kind = match spec.norm {
        NormChoice::Batch => NormKind::of_batch(&mut builder.tensors, name, channels),
        NormChoice::Group { groups } if channels.is_multiple_of(groups) => NormKind::Group { groups },
        NormChoice::Group { groups } => {
            let message = format!("{channels} channels don't divide into {groups} groups (model.groups)");
            return Err(ModelError::Shape { layer: name.to_owned(), message });
        }
    };
    Ok(NormTensors { kind, weight, bias })
}

fn norm(builder: &mut Builder, tensors: NormTensors, relu: bool, residual: Option<Source>) {
    let NormTensors { kind, weight, bias } = tensors;
    builder.push(Norm { kind, shape: builder.shape, weight, bias, relu }, residual);
}
