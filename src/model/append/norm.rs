//! Norms.

use super::At;
use crate::model::ModelError;
use crate::model::build::Builder;
use crate::model::graph::Init;
use crate::model::layer::{Layer, LayerNorm, Norm, NormKind};

/// A group norm with scale and shift a channel.
pub(super) fn group(builder: &mut Builder, at: At<'_>, groups: usize) -> Result<Layer, ModelError> {
    let channels = builder.shape.c;
    if !channels.is_multiple_of(groups) {
        return Err(at.error(format!("{channels} channels don't divide into {groups} groups")));
    }
    of_channels(builder, at, |_| NormKind::Group { groups })
}

/// A batch norm with scale, shift and running statistics a channel.
pub(super) fn batch(builder: &mut Builder, at: At<'_>) -> Result<Layer, ModelError> {
    let channels = builder.shape.c;
    of_channels(builder, at, |builder| builder.running(at.name, channels))
}

/// A layer norm over all values of a sample, with scale and shift a value.
pub(super) fn layer(builder: &mut Builder, at: At<'_>) -> Result<Layer, ModelError> {
    let input = builder.shape;
    let shape = if input.spatial() == 1 { vec![input.c] } else { vec![input.c, input.h, input.w] };
    let [weight, bias] = affine(builder, at, shape)?;
    Ok(Layer::LayerNorm(LayerNorm { rows: 1, dim: input.len(), weight, bias }))
}

fn of_channels(
    builder: &mut Builder,
    at: At<'_>,
    kind: impl Fn(&mut Builder) -> NormKind,
) -> Result<Layer, ModelError> {
    let input = builder.shape;
    let [weight, bias] = affine(builder, at, vec![input.c])?;
    builder.fusable = true;
    let kind = kind(builder);
    Ok(Layer::Norm(Norm { kind, channels: input.c, spatial: input.spatial(), weight, bias, relu: false }))
}

/// Scale and shift, a value each of `shape`.
fn affine(builder: &mut Builder, at: At<'_>, shape: Vec<usize>) -> Result<[usize; 2], ModelError> {
    let weight = builder.tensor(at.place, at.name, "weight", shape.clone(), Init::Ones)?;
    Ok([weight, builder.tensor(at.place, at.name, "bias", shape, Init::Zeros)?])
}
