//! Views of values as another shape.

use crate::model::build::Builder;
use crate::model::graph::Shape;
use crate::model::layer::Layer;

/// `[c, h, w]` to a feature vector. No layer: the memory is the same, and what is fused into the layer before it stays right.
pub(super) fn flatten(builder: &mut Builder, fusable: bool) -> Option<Layer> {
    builder.shape = Shape::features(builder.shape.len());
    builder.fusable = fusable;
    None
}
