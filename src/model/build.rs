//! From the model table to the graph: shapes, offsets and names. `sequential`, `resnet` and `vit` have files of their own.

use super::append::At;
use super::entry::LayerSpec;
use super::graph::{Graph, Init, Node, ParamTensor, Shape, Source};
use super::layer::{Layer, Norm, NormKind};
use super::spec::{Input, ModelSpec};
use super::{ModelError, resnet, sequential, vit};

/// Kernels index with u32, and a buffer's bytes must fit one too.
pub(super) const MAX_VALUES: u128 = 1 << 29;

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
                    builder.add(&name, &name, &LayerSpec::Linear { out, bias: true })?;
                    builder.add(&name, &name, &LayerSpec::Relu)?;
                }
                let name = format!("layers.{}", hidden.len());
                builder.add(&name, &name, &LayerSpec::Linear { out: classes, bias: true })?;
            }
            Self::Cnn { channels, hidden, .. } => {
                for (i, &out) in channels.iter().enumerate() {
                    let (name, out) = (format!("conv{i}"), builder.hidden(out));
                    builder.add(
                        &name,
                        &name,
                        &LayerSpec::Conv { out, kernel: 5, stride: 1, padding: 2, bias: true },
                    )?;
                    builder.add(&name, &name, &LayerSpec::Relu)?;
                    builder.add(
                        &name,
                        &format!("the pooling after {name}"),
                        &LayerSpec::MaxPool { kernel: 2, stride: 2 },
                    )?;
                }
                builder.add("", "flatten", &LayerSpec::Flatten)?;
                let out = builder.hidden(*hidden);
                builder.add("fc1", "fc1", &LayerSpec::Linear { out, bias: true })?;
                builder.add("fc1", "fc1", &LayerSpec::Relu)?;
                builder.add("fc2", "fc2", &LayerSpec::Linear { out: classes, bias: true })?;
            }
            Self::Sequential { layers, .. } => sequential::build(&mut builder, layers, classes)?,
            Self::ResNet(spec) => resnet::build(&mut builder, spec, classes)?,
            Self::Vit(spec) => vit::build(&mut builder, spec, classes)?,
        }
        Ok(builder.finish(input, classes))
    }
}

/// A graph in the making. Layers are added behind [`Builder::at`].
pub(super) struct Builder {
    /// What the next layer reads.
    pub at: Source,
    /// Its shape.
    pub shape: Shape,
    /// Share of each hidden width that the graph gets; 1: all.
    share: f64,
    nodes: Vec<Node>,
    params: Vec<ParamTensor>,
    total: usize,
    buffers: Vec<ParamTensor>,
    /// Dropouts so far.
    pub dropouts: usize,
    /// The last table entry was linear, a convolution or a norm: a ReLU right after it is fused.
    pub fusable: bool,
}

impl Builder {
    fn new(shape: Shape, share: f64) -> Self {
        let (nodes, params, buffers) = (Vec::new(), Vec::new(), Vec::new());
        Self { at: Source::Batch, shape, share, nodes, params, total: 0, buffers, dropouts: 0, fusable: false }
    }

    /// How much of a hidden width the graph gets: its share, rounded up.
    pub(super) fn hidden(&self, width: usize) -> usize {
        // A share such as 0.7 may be a little more than written: 0.7 x 10 is 7.
        let most = width.max(1);
        ((self.share * width as f64 - 1e-9).ceil().max(1.0) as usize).min(most)
    }

    /// The graph; the running statistics come to lie behind the parameters.
    fn finish(mut self, input: Shape, classes: usize) -> Graph {
        for buffer in &mut self.buffers {
            buffer.offset += self.total;
        }
        for node in &mut self.nodes {
            if let Layer::Norm(Norm { kind: NormKind::Batch { mean, variance }, .. }) = &mut node.layer {
                *mean += self.total;
                *variance += self.total;
            }
        }
        let learnable = self.params.len();
        self.params.extend(self.buffers);
        Graph { input, nodes: self.nodes, tensors: self.params, learnable, classes }
    }

    /// Appends a layer that reads `at` and what is added to it, and moves on behind it.
    pub(super) fn push(&mut self, layer: Layer, residual: Option<Source>) {
        self.nodes.push(Node { layer, input: self.at, residual });
        self.at = Source::Node(self.nodes.len() - 1);
    }

    /// Whether anything is learnt so far.
    pub(super) fn has_weights(&self) -> bool {
        !self.params.is_empty()
    }

    /// The node that the builder stands at, where it is the last one.
    pub(super) fn last_node(&mut self) -> Option<&mut Node> {
        let is_last = self.at == Source::Node(self.nodes.len().wrapping_sub(1));
        self.nodes.last_mut().filter(|_| is_last)
    }

    /// Takes the last node back where its layer is such a one and adds nothing. Nothing may read it, and who calls says where the builder
    /// stands then.
    pub(super) fn take_last(&mut self, such: impl Fn(&Layer) -> bool) -> Option<Node> {
        self.nodes.pop_if(|node| node.residual.is_none() && such(&node.layer))
    }

    /// A channel's statistics of a batch norm: offsets of mean and variance, from the first buffer on.
    pub(super) fn running(&mut self, name: &str, channels: usize) -> NormKind {
        let mut tensor = |kind: &str, init| {
            let offset = self.buffers.last().map_or(0, |b| b.offset + b.len);
            let (name, shape) = (format!("{name}.{kind}"), vec![channels]);
            self.buffers.push(ParamTensor { name, shape, offset, len: channels, init });
            offset
        };
        NormKind::Batch { mean: tensor("running_mean", Init::Zeros), variance: tensor("running_var", Init::Ones) }
    }

    /// The layer that was appended last.
    pub(super) fn last_layer(&mut self) -> Option<&mut Layer> {
        self.nodes.last_mut().map(|node| &mut node.layer)
    }

    /// The tensors of a product whose weight has this shape, outputs first: weight, and bias where it has one. A ReLU may be fused into it.
    pub(super) fn product(
        &mut self,
        at: At<'_>,
        shape: Vec<usize>,
        init: Init,
        bias: bool,
    ) -> Result<(usize, Option<usize>), ModelError> {
        let out = shape[0];
        let weight = self.tensor(at.place, at.name, "weight", shape, init)?;
        let bias = bias.then(|| self.tensor(at.place, at.name, "bias", vec![out], Init::Zeros)).transpose()?;
        self.fusable = true;
        Ok((weight, bias))
    }

    /// Appends a tensor and gives its offset.
    pub(super) fn tensor(
        &mut self,
        place: &str,
        layer: &str,
        kind: &str,
        shape: Vec<usize>,
        init: Init,
    ) -> Result<usize, ModelError> {
        let len = shape.iter().fold(1u128, |n, &s| n.saturating_mul(s as u128));
        let end = (self.total as u128).saturating_add(len);
        if end > MAX_VALUES {
            return Err(too_large(place, end));
        }
        let offset = self.total;
        self.total = end as usize;
        let name = if layer.is_empty() { kind.to_owned() } else { format!("{layer}.{kind}") };
        self.params.push(ParamTensor { name, shape, offset, len: len as usize, init });
        Ok(offset)
    }
}

/// Positions of a window along a side, an incomplete last one dropped; none where it doesn't fit once.
pub(super) fn window(n: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    Some((n + 2 * padding).checked_sub(kernel)? / stride + 1)
}

pub(super) fn fits(place: &str, shape: [usize; 3]) -> Result<(), ModelError> {
    let len = shape.iter().fold(1u128, |n, &s| n.saturating_mul(s as u128));
    if len > MAX_VALUES { Err(too_large(place, len)) } else { Ok(()) }
}

pub(super) fn too_large(place: &str, found: u128) -> ModelError {
    ModelError::Shape {
        layer: place.to_owned(),
        message: format!("expected at most {MAX_VALUES} values, found {found}"),
    }
}
