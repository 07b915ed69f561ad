//! What an entry of a model table appends to a graph: its shapes, tensors and layer, a file a kind. [`Builder::add`] is the only place that
//! knows all kinds.

mod activation;
mod conv;
mod dropout;
mod linear;
mod norm;
mod pool;
mod reshape;

use super::ModelError;
use super::build::Builder;
use super::entry::LayerSpec;
use super::layer::Layer;

/// Where an entry stands.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    /// The prefix of its tensors.
    pub name: &'a str,
    /// What it is called in messages.
    pub place: &'a str,
}

impl At<'_> {
    /// What is wrong with the entry.
    fn error(self, message: String) -> ModelError {
        ModelError::Shape { layer: self.place.to_owned(), message }
    }
}

impl Builder {
    /// Appends an entry of a table. `name` is the prefix of its tensors, `place` names it in messages.
    pub(super) fn add(&mut self, name: &str, place: &str, spec: &LayerSpec) -> Result<(), ModelError> {
        let at = At { name, place };
        let fusable = std::mem::take(&mut self.fusable);
        let layer = match *spec {
            LayerSpec::Linear { out, bias } => Some(linear::append(self, at, out, bias)?),
            LayerSpec::Conv { .. } => Some(conv::append(self, at, spec)?),
            LayerSpec::MaxPool { kernel, stride } => Some(Layer::MaxPool(pool::max(self, at, kernel, stride)?)),
            LayerSpec::AvgPool { kernel, stride } => Some(Layer::AvgPool(pool::mean(self, at, kernel, stride)?)),
            LayerSpec::GlobalAvgPool => Some(pool::global(self)),
            LayerSpec::GroupNorm { groups } => Some(norm::group(self, at, groups)?),
            LayerSpec::BatchNorm => Some(norm::batch(self, at)?),
            LayerSpec::LayerNorm => Some(norm::layer(self, at)?),
            LayerSpec::Dropout { p } => Some(dropout::append(self, p)),
            LayerSpec::Residual { .. } => return Err(at.error("stands in \"sequential\" only".to_owned())),
            LayerSpec::Flatten => reshape::flatten(self, fusable),
            LayerSpec::Relu => activation::relu(self, fusable),
            LayerSpec::Gelu => Some(activation::gelu(self)),
            LayerSpec::Tanh => Some(activation::tanh(self)),
        };
        if let Some(layer) = layer {
            self.push(layer, None);
        }
        Ok(())
    }
}
