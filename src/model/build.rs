//! From the model table to the graph: shapes, offsets and names. `sequential`, `resnet` and `vit` have files of their own.

use super::builder::Builder;
use super::graph::Graph;
use super::spec::{Input, ModelSpec};
use super::{resnet, sequential, vit};
use crate::layers::kinds::{conv, flatten, linear, pool, relu};
use crate::layers::limits::fits;
use crate::layers::{ModelError, Shape};

impl ModelSpec {
    /// The graph of a complete table.
    ///
    /// # Errors
    /// `input` or `classes` missing; layers that don't fit together, named with the numbers; more values than 2^29 in a
    /// tensor, an activation or all parameters.
    pub fn graph(&self) -> Result<Graph, ModelError> {
        self.graph_of_share(1.0)
    }

    /// The graph with `share` of each hidden width ([`Builder::hidden`]).
    pub(super) fn graph_of_share(&self, share: f64) -> Result<Graph, ModelError> {
        let missing = |key| ModelError::key(key, "missing, and no data to take it from");
        let input = self.input().ok_or_else(|| missing("input"))?;
        let classes = self.classes().ok_or_else(|| missing("classes"))?;
        let mut input = match input {
            Input::Features(n) => Shape::features(n),
            Input::Image([c, h, w]) => Shape { c, h, w },
        };
        fits("model.input", [input.c, input.h, input.w])?;
        if matches!(self, Self::Mlp { .. }) {
            input = Shape::features(input.len());
        }
        let mut builder = Builder::new(input, share);
        match self {
            Self::Mlp { hidden, .. } => {
                for (i, &width) in hidden.iter().enumerate() {
                    let name = format!("layers.{i}");
                    let out = builder.hidden(width);
                    builder.add(&name, &name, linear::Spec { out, bias: true })?;
                    builder.add(&name, &name, relu::Spec)?;
                }
                let name = format!("layers.{}", hidden.len());
                builder.add(&name, &name, linear::Spec { out: classes, bias: true })?;
            }
            Self::Cnn { channels, hidden, .. } => {
                for (i, &out) in channels.iter().enumerate() {
                    let (name, out) = (format!("conv{i}"), builder.hidden(out));
                    let conv = conv::Spec { out, kernel: 5, stride: 1, padding: 2, bias: true };
                    builder.add(&name, &name, conv)?;
                    builder.add(&name, &name, relu::Spec)?;
                    let pool = pool::MaxSpec(pool::Squares { kernel: 2, stride: 2 });
                    builder.add(&name, &format!("the pooling after {name}"), pool)?;
                }
                builder.add("", "flatten", flatten::Spec)?;
                let out = builder.hidden(*hidden);
                builder.add("fc1", "fc1", linear::Spec { out, bias: true })?;
                builder.add("fc1", "fc1", relu::Spec)?;
                builder.add("fc2", "fc2", linear::Spec { out: classes, bias: true })?;
            }
            Self::Sequential { layers, .. } => sequential::build(&mut builder, layers, classes)?,
            Self::ResNet(spec) => resnet::build(&mut builder, spec, classes)?,
            Self::Vit(spec) => vit::build(&mut builder, spec, classes)?,
        }
        Ok(builder.finish(input, classes))
    }
}
