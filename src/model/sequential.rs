//! Chains of layers, with residuals in them. A layer's tensors are named by its position, as in `torch.nn.Sequential`; those of a
//! residual's layers by the positions of both, as in one `Sequential` in another, with `project` behind them.

use super::builder::Builder;
use super::graph::Source;
use super::link::Link;
use crate::layers::kinds::add::Add;
use crate::layers::kinds::{conv, linear};
use crate::layers::{Layer, LayerSpec, ModelError, Shape, kind, window};

/// Appends the chain and checks that it gives the classes.
pub(super) fn build(builder: &mut Builder, layers: &[Link], classes: usize) -> Result<(), ModelError> {
    let mut left = products(layers);
    chain(builder, layers, "", "", &mut left)?;
    let shape = builder.shape;
    if shape != Shape::features(classes) {
        let message = format!("gives {shape}, expected model.classes = {classes} features");
        let layer = match layers.last() {
            Some(last) => format!("layer {} ({})", layers.len() - 1, last.name()),
            None => "model.layers (empty)".to_owned(),
        };
        return Err(ModelError::Shape { layer, message });
    }
    if builder.tensors.is_empty() {
        return Err(ModelError::key("layers", "expected at least one layer with weights"));
    }
    Ok(())
}

/// Whether the last product of a chain stands in a residual.
pub(super) fn ends_in_residual(layers: &[Link]) -> bool {
    let last = layers.iter().rev().find(|layer| products(std::slice::from_ref(layer)) > 0);
    matches!(last, Some(Link::Residual { .. }))
}

/// Linear layers and convolutions of a chain.
fn products(layers: &[Link]) -> usize {
    let of = |link: &Link| match link {
        Link::Layer(spec) => usize::from({ *spec }.outputs().is_some()),
        Link::Residual { layers, .. } => products(layers),
    };
    layers.iter().map(of).sum()
}

/// `left`: products of the model that are still to come; the last of them gives the classes and keeps its width.
fn chain(
    builder: &mut Builder,
    layers: &[Link],
    prefix: &str,
    place: &str,
    left: &mut usize,
) -> Result<(), ModelError> {
    for (i, link) in layers.iter().enumerate() {
        let (name, place) = (format!("{prefix}{i}"), format!("{place}layer {i} ({})", link.name()));
        match link {
            Link::Residual { layers, project } => residual(builder, layers, *project, &name, &place, left)?,
            Link::Layer(spec) => {
                let mut spec = *spec;
                if let Some(out) = spec.outputs() {
                    *left -= 1;
                    *out = if *left == 0 { *out } else { builder.hidden(*out) };
                }
                builder.add(&name, &place, spec)?;
            }
        }
    }
    Ok(())
}

fn residual(
    builder: &mut Builder,
    layers: &[Link],
    project: bool,
    name: &str,
    place: &str,
    left: &mut usize,
) -> Result<(), ModelError> {
    let error = |message: String| ModelError::Shape { layer: place.to_owned(), message };
    let (entry, before) = (builder.at, builder.shape);
    // What is read twice is not changed by what follows.
    builder.open = false;
    chain(builder, layers, &format!("{name}."), &format!("{place}, "), left)?;
    let (at, after) = (builder.at, builder.shape);
    if at == entry {
        return Err(error("expects a layer that computes something".to_owned()));
    }
    if after == before {
        add(builder, entry);
        return Ok(());
    }
    if !project {
        let message =
            format!("its layers give {after}, its input is {before}; \"project\": true brings it to that shape");
        return Err(error(message));
    }
    let last = builder.take_last(sums);
    (builder.at, builder.shape) = (entry, before);
    let spec = projection(before, after)
        .ok_or_else(|| error(format!("no 1x1 convolution or linear layer makes {after} of its input {before}")))?;
    builder.add(&format!("{name}.project"), &format!("{place}, project"), spec)?;
    let shortcut = builder.at;
    (builder.at, builder.shape) = (at, after);
    if let Some(node) = last {
        // Behind the projection now, which its sum reads.
        builder.at = node.input;
        builder.push(node.layer, None);
    }
    add(builder, shortcut);
    Ok(())
}

/// Adds what lies at `shortcut` to where the builder stands: in a norm or linear layer there, else by a layer of its own.
fn add(builder: &mut Builder, shortcut: Source) {
    let len = builder.shape.len();
    match builder.last_node() {
        Some(node) if sums(&node.layer) && node.residual.is_none() => {
            node.residual = Some(shortcut);
            builder.open = kind(&node.layer).relu_follows_residual();
        }
        _ => {
            builder.push(Add { len }, Some(shortcut));
            builder.open = false;
        }
    }
}

/// Whether a layer can add a residual to what the table says that it gives.
fn sums(layer: &Layer) -> bool {
    kind(layer).adds_residual()
}

/// What makes a shape of another: a linear layer between vectors, else a 1x1 convolution of the smallest stride that does.
fn projection(before: Shape, after: Shape) -> Option<LayerSpec> {
    if before.spatial() == 1 && after.spatial() == 1 {
        return Some(linear::Spec { out: after.c, bias: false }.into());
    }
    // A single pixel for an image would be one of its corners.
    let side = |n: usize, to: usize| (n - 1) / to + 1;
    let stride = side(before.h, after.h).max(side(before.w, after.w));
    let fits = |n: usize, to: usize| window(n, 1, stride, 0) == Some(to);
    if after.spatial() == 1 || !fits(before.h, after.h) || !fits(before.w, after.w) {
        return None;
    }
    Some(conv::Spec { out: after.c, kernel: 1, stride, padding: 0, bias: false }.into())
}
