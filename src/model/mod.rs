//! The model table, and what it becomes: a graph of layers over one flat parameter vector
//! (docs/models.md; docs/perturbation-stream.md, The flat parameter vector).

mod build;
mod builder;
mod graph;
mod init;
mod link;
mod measures;
mod narrow;
mod resnet;
mod sequential;
mod spec;
mod table;
mod vit;

pub use crate::layers::{Init, Layer, ModelError, ParamTensor, Shape};
pub use graph::{Graph, Node, Source};
pub use link::Link;
pub use narrow::{Classifier, Narrow};
pub use spec::{Input, ModelSpec, NormChoice, ResNetSpec, VitSpec};

#[cfg(test)]
mod tests;
