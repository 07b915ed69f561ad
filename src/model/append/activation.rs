//! Activations.

use crate::model::build::Builder;
use crate::model::layer::{Conv, Gelu, Layer, Linear, Norm, Relu, Tanh};

/// max(x, 0): part of the layer before it where that can, and nothing of its own then.
pub(super) fn relu(builder: &mut Builder, fusable: bool) -> Option<Layer> {
    if let (
        true,
        Some(Layer::Linear(Linear { relu, .. }) | Layer::Conv(Conv { relu, .. }) | Layer::Norm(Norm { relu, .. })),
    ) = (fusable, builder.last_layer())
    {
        *relu = true;
        return None;
    }
    Some(Layer::Relu(Relu { len: builder.shape.len() }))
}

/// Exact (erf) GELU.
pub(super) fn gelu(builder: &Builder) -> Layer {
    Layer::Gelu(Gelu { len: builder.shape.len() })
}

/// Hyperbolic tangent.
pub(super) fn tanh(builder: &Builder) -> Layer {
    Layer::Tanh(Tanh { len: builder.shape.len() })
}
