//! The kernels of each layer kind: forward and backward of a chunk of lanes.

use super::lanes::LaneTables;
use crate::kernels::moments::{Moments, Parts};
use crate::kernels::norm::{self, Statistics};
use crate::kernels::params::{ABSENT, Lanes};
use crate::kernels::parts::{Split, Target};
use crate::kernels::tiling::{Operands, Product, Tiling};
use crate::kernels::{activation, attention, conv, conv_grad, layer_norm, linear, linear_grad, pool, tokens};
use crate::model::{Layer, NormKind, Shape};
use crate::recording::windows::Running;
use crate::recording::{Recording, Span};

/// How the kernels of a pass compute.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// Products, and what perturbs the weights.
    pub product: Product,
    /// Batch norms take the statistics of a lane's rows, not the running ones.
    pub batch_statistics: bool,
}

/// f32 that a layer keeps: for each row of a chunk, and for each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// A row (sample).
    pub row: usize,
    /// A lane.
    pub lane: usize,
}

impl Room {
    /// Bytes for so many rows and lanes.
    pub fn bytes(self, rows: u64, lanes: u64) -> u64 {
        (4 * (rows * self.row as u64 + lanes * self.lane as u64)).max(4)
    }

    /// The larger of two, each way.
    pub fn max(self, other: Self) -> Self {
        Self { row: self.row.max(other.row), lane: self.lane.max(other.lane) }
    }
}

/// What a layer keeps for its backward pass: means and reciprocal deviations of norms, log-sum-exps of attention.
pub fn saved(layer: &Layer) -> Room {
    match *layer {
        Layer::Norm { .. } => norm_room(layer, |kept| kept.stats),
        Layer::LayerNorm { rows, .. } => Room { row: 2 * rows, lane: 0 },
        Layer::Attention { tokens, heads, .. } => Room { row: tokens * heads, lane: 0 },
        _ => Room::default(),
    }
}

/// A norm's factors and addends between its two kernels.
pub fn coefficients(layer: &Layer) -> Room {
    norm_room(layer, |kept| kept.coefficients)
}

/// A batch norm's (mean, unbiased variance) of each channel.
pub fn moments(layer: &Layer) -> Room {
    norm_room(layer, |kept| kept.moments)
}

/// What a norm's kernels keep, with batch statistics where it can have them; nothing for other layers.
fn norm_room(layer: &Layer, part: fn(&norm::KeptValues) -> u64) -> Room {
    let Layer::Norm { kind, channels, .. } = *layer else { return Room::default() };
    let groups = if let NormKind::Group { groups } = kind { groups } else { 1 };
    let kept = norm::kept_values(statistics(kind, true), channels as u32, groups as u32);
    let values = part(&kept) as usize;
    if kept.per_lane { Room { row: 0, lane: values } } else { Room { row: values, lane: 0 } }
}

/// How the sums of a layer's gradients are split, and f32 of a part of each.
pub fn splits(layer: &Layer, tiling: Tiling) -> Vec<(Split, u32)> {
    let bias = |bias: Option<usize>, outputs: u32, spatial: u32, rows: u32| {
        let bias_offset = bias? as u32;
        let params = linear_grad::BiasParams { outputs, spatial, bias_offset, accumulate: 0 };
        Some((params.split(rows)?, outputs))
    };
    let found = match *layer {
        Layer::Linear { rows, in_features, out_features, weight, bias: bias_at, .. } => {
            let params = linear_weight(in_features, out_features, weight, 0, 0);
            let (rows, outputs) = (rows as u32, out_features as u32);
            let weight = params.split(tiling, rows).map(|split| (split, params.inputs * params.outputs));
            [weight, bias(bias_at, outputs, 1, rows)]
        }
        Layer::Conv { output, bias: bias_at, .. } => {
            let weight =
                conv_params(layer, 0, 0).and_then(|params| Some((params.weight_split(tiling)?, params.weight_len())));
            [weight, bias(bias_at, output.c as u32, output.spatial() as u32, 1)]
        }
        Layer::Norm { .. } => {
            let (params, _) = norm_params(layer, false);
            [params.split().map(|split| (split, params.tensors().size())), None]
        }
        Layer::LayerNorm { rows, dim, weight, bias } => {
            let params = layer_norm_params(dim, weight, bias, false);
            [params.split(rows as u32).map(|split| (split, params.tensors().size())), None]
        }
        _ => [None, None],
    };
    found.into_iter().flatten().collect()
}

fn linear_weight(
    inputs: usize,
    outputs: usize,
    weight: usize,
    from_batch: u32,
    accumulate: u32,
) -> linear_grad::WeightParams {
    let (inputs, outputs, weight_offset) = (inputs as u32, outputs as u32, weight as u32);
    linear_grad::WeightParams { inputs, outputs, weight_offset, from_batch, accumulate }
}

/// A convolution's parameters; `None` for other layers.
fn conv_params(layer: &Layer, from_batch: u32, accumulate: u32) -> Option<conv_grad::Params> {
    let Layer::Conv { input, output, kernel, stride, padding, weight, .. } = *layer else { return None };
    let ([c, h, w], [out_c, out_h, out_w]) = (dims(input), dims(output));
    Some(conv_grad::Params {
        c,
        h,
        w,
        out_c,
        out_h,
        out_w,
        kernel: kernel as u32,
        stride: stride as u32,
        padding: padding as u32,
        weight_offset: weight as u32,
        from_batch,
        accumulate,
    })
}

fn offset(tensor: Option<usize>) -> u32 {
    tensor.map_or(ABSENT, |o| o as u32)
}

fn dims(shape: Shape) -> [u32; 3] {
    [shape.c as u32, shape.h as u32, shape.w as u32]
}

/// Pooling windows over all rows of a chunk.
fn windows(rows: u64, input: Shape, kernel: usize, stride: usize) -> pool::Params {
    let planes = (rows * input.c as u64) as u32;
    pool::Params::square(planes, input.h as u32, input.w as u32, kernel as u32, stride as u32)
}

fn whole(rows: u64, input: Shape) -> pool::Params {
    pool::Params::global((rows * input.c as u64) as u32, input.h as u32, input.w as u32)
}

fn statistics(kind: NormKind, batch_statistics: bool) -> Statistics {
    match kind {
        NormKind::Group { .. } => Statistics::Group,
        NormKind::Batch { .. } if batch_statistics => Statistics::Batch,
        NormKind::Batch { .. } => Statistics::Running,
    }
}

fn norm_params(layer: &Layer, accumulate: bool) -> (norm::Params, NormKind) {
    let (kind, channels, spatial, weight, bias, relu) = match *layer {
        Layer::Norm { kind, channels, spatial, weight, bias, relu } => (kind, channels, spatial, weight, bias, relu),
        _ => (NormKind::Group { groups: 1 }, 1, 1, 0, 0, false),
    };
    let (groups, mean, variance) = match kind {
        NormKind::Group { groups } => (groups, 0, 0),
        NormKind::Batch { mean, variance } => (1, mean, variance),
    };
    let params = norm::Params {
        channels: channels as u32,
        groups: groups as u32,
        spatial: spatial as u32,
        scale_offset: weight as u32,
        bias_offset: bias as u32,
        mean_offset: mean as u32,
        variance_offset: variance as u32,
        relu: u32::from(relu),
        accumulate: u32::from(accumulate),
    };
    (params, kind)
}

fn layer_norm_params(dim: usize, weight: usize, bias: usize, accumulate: bool) -> layer_norm::Params {
    layer_norm::Params {
        dim: dim as u32,
        scale_offset: weight as u32,
        bias_offset: bias as u32,
        accumulate: u32::from(accumulate),
    }
}

fn attention_params(tokens: usize, heads: usize, dim: usize) -> attention::Params {
    attention::Params { tokens: tokens as u32, heads: heads as u32, dim: dim as u32 }
}

/// What a layer's forward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// The layer's input is the batch of samples.
    pub from_batch: bool,
    /// Weights, shared or a slot a lane.
    pub weights: Span,
    /// A batch norm's running statistics in them.
    pub running: Running,
    /// Input rows.
    pub x: Span,
    /// What is added to the output.
    pub residual: Option<Span>,
    /// Output rows.
    pub y: Span,
    /// Room for [`saved`].
    pub saved: Span,
    /// Room for [`coefficients`].
    pub coefficients: Span,
    /// Room for [`moments`], which a batch norm with statistics of its rows writes.
    pub moments: Span,
    /// GELU follows a linear layer.
    pub gelu: bool,
    /// Where a convolution leaves the moments of its output, or its norm takes them; where a batch norm takes its own.
    pub left: Option<(Moments, Span)>,
}

/// Records `y = layer(x)` for all rows of a chunk.
pub fn forward(rec: &mut Recording, layer: &Layer, lanes: &LaneTables, how: &How, io: &Forward) {
    let samples = &lanes.samples;
    let count = |len: usize| (samples.rows * len as u64) as u32;
    let from_batch = u32::from(io.from_batch);
    let operands = Operands { weights: io.weights, x: io.x, y: io.y };
    let product = &how.product;
    match *layer {
        Layer::Linear { rows, in_features, out_features, weight, bias, relu } => {
            let params = linear::Params {
                inputs: in_features as u32,
                outputs: out_features as u32,
                weight_offset: weight as u32,
                bias_offset: offset(bias),
                from_batch,
                activation: match (relu, io.gelu) {
                    (true, _) => linear::RELU,
                    (false, true) => linear::GELU,
                    (false, false) => linear::NONE,
                },
            };
            linear::record(rec, rows_of(lanes, rows), product, &params, &operands, io.residual);
        }
        Layer::Conv { input, output, kernel, stride, padding, weight, bias, relu } => {
            let geometry = geometry(input, output, kernel, stride, padding);
            let params = conv::Params {
                weight_offset: weight as u32,
                bias_offset: offset(bias),
                from_batch,
                relu: u32::from(relu),
            };
            conv::record(rec, samples, product, &geometry, &params, &operands, io.left);
        }
        Layer::MaxPool { input, kernel, stride, .. } => {
            pool::record(rec, pool::Mode::Max, &windows(samples.rows, input, kernel, stride), io.x, io.y);
        }
        Layer::AvgPool { input, kernel, stride, .. } => {
            pool::record(rec, pool::Mode::Average, &windows(samples.rows, input, kernel, stride), io.x, io.y);
        }
        Layer::GlobalAvgPool { input } => {
            pool::record(rec, pool::Mode::Average, &whole(samples.rows, input), io.x, io.y);
        }
        Layer::Norm { .. } => {
            let (params, kind) = norm_params(layer, false);
            let (statistics, params) = (statistics(kind, how.batch_statistics), params.shifted(io.running.shift));
            let (perturbed, weights, running) = (product.perturbed, io.weights, io.running.span);
            let parts = io.left.map_or(io.moments, |(_, span)| span);
            let kept = norm::Kept { stats: io.saved, coefficients: io.coefficients, moments: io.moments, parts };
            match io.left {
                Some(left) if !matches!(left.0.parts, Parts::Own { .. }) => {
                    norm::record_from_moments(rec, samples, perturbed, &params, weights, left, &kept);
                }
                _ => {
                    norm::record_statistics(
                        rec, samples, statistics, perturbed, &params, weights, running, io.x, &kept,
                    );
                }
            }
            norm::record_apply(rec, samples, statistics, &params, io.x, io.coefficients, io.residual, io.y);
        }
        Layer::LayerNorm { rows, dim, weight, bias } => {
            let params = layer_norm_params(dim, weight, bias, false);
            let lanes = rows_of(lanes, rows);
            layer_norm::record(rec, lanes, product.perturbed, &params, io.weights, io.x, io.y, io.saved);
        }
        Layer::Tokens { dim, patches, class, position } => {
            let params = token_params(dim, patches, class, position, false);
            tokens::record(rec, samples, product.perturbed, &params, io.weights, io.x, io.y);
        }
        Layer::Attention { tokens, heads, dim } => {
            attention::record(rec, samples, &attention_params(tokens, heads, dim), io.x, io.y, io.saved);
        }
        Layer::ClassToken { tokens, dim } => {
            tokens::record_class_token(rec, samples, tokens as u32, dim as u32, io.x, io.y);
        }
        Layer::Relu { len } => activation::record(rec, activation::Kind::Relu, count(len), io.x, io.y),
        Layer::Gelu { len } => activation::record(rec, activation::Kind::Gelu, count(len), io.x, io.y),
        Layer::Tanh { len } => activation::record(rec, activation::Kind::Tanh, count(len), io.x, io.y),
    }
}

/// Records the update of a batch norm's running statistics, in each lane's own weights, from the moments that [`forward`] left.
pub fn update_running(rec: &mut Recording, layer: &Layer, lanes: &LaneTables, moments: Span, running: Running) {
    if let Layer::Norm { kind: NormKind::Batch { .. }, .. } = layer {
        let (params, _) = norm_params(layer, false);
        norm::record_running_update(rec, &lanes.samples, &params.shifted(running.shift), moments, running.span);
    }
}

/// The lanes of a layer with so many rows a sample.
fn rows_of(lanes: &LaneTables, rows: usize) -> &Lanes {
    if rows > 1 { &lanes.tokens } else { &lanes.samples }
}

fn geometry(input: Shape, output: Shape, kernel: usize, stride: usize, padding: usize) -> conv::Geometry {
    conv::Geometry {
        input: dims(input),
        output: dims(output),
        kernel: kernel as u32,
        stride: stride as u32,
        padding: padding as u32,
    }
}

/// The sizes of a convolution.
pub fn conv_geometry(layer: &Layer) -> Option<conv::Geometry> {
    match *layer {
        Layer::Conv { input, output, kernel, stride, padding, .. } => {
            Some(geometry(input, output, kernel, stride, padding))
        }
        _ => None,
    }
}

fn token_params(dim: usize, patches: usize, class: usize, position: usize, accumulate: bool) -> tokens::Params {
    tokens::Params {
        dim: dim as u32,
        patches: patches as u32,
        class_offset: class as u32,
        position_offset: position as u32,
        accumulate: u32::from(accumulate),
    }
}

/// Values of a sample behind a ReLU that is part of the layer; `None`: there is none.
pub fn fused_relu(layer: &Layer) -> Option<usize> {
    match layer {
        Layer::Linear { relu: true, .. } | Layer::Conv { relu: true, .. } | Layer::Norm { relu: true, .. } => {
            Some(layer.output_len())
        }
        _ => None,
    }
}

/// What a layer's backward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// The device's blocking.
    pub tiling: Tiling,
    /// The layer's input is the batch of samples.
    pub from_batch: bool,
    /// Weights, a slot a lane.
    pub weights: Span,
    /// Their gradients, alike, and room for parts of long sums.
    pub target: Target,
    /// Input rows of the forward pass.
    pub x: Span,
    /// Output rows of the forward pass.
    pub y: Span,
    /// What [`forward`] kept.
    pub saved: Span,
    /// Gradient of the output; behind a fused ReLU already masked by it.
    pub dy: Span,
    /// Where the gradient of the input goes.
    pub dx: Option<Span>,
    /// The gradients go on from what is there.
    pub accumulate: bool,
    /// As in [`How`].
    pub batch_statistics: bool,
}

/// Records the gradients of a layer for all rows of a chunk.
pub fn backward(rec: &mut Recording, layer: &Layer, lanes: &LaneTables, io: &Backward) {
    let (from_batch, accumulate) = (u32::from(io.from_batch), u32::from(io.accumulate));
    let bias_grad = |rec: &mut Recording, lanes: &Lanes, bias: Option<usize>, outputs: u32, spatial: u32| {
        if let Some(bias) = bias {
            let params = linear_grad::BiasParams { outputs, spatial, bias_offset: bias as u32, accumulate };
            linear_grad::record_bias(rec, lanes, &params, io.dy, &io.target);
        }
    };
    match *layer {
        Layer::Linear { rows, in_features, out_features, weight, bias, .. } => {
            let lanes = rows_of(lanes, rows);
            let params = linear_weight(in_features, out_features, weight, from_batch, accumulate);
            linear_grad::record_weight(rec, lanes, io.tiling, &params, io.x, io.dy, &io.target);
            bias_grad(rec, lanes, bias, params.outputs, 1);
            if let Some(dx) = io.dx {
                let linear_grad::WeightParams { inputs, outputs, weight_offset, .. } = params;
                let params = linear_grad::InputParams { inputs, outputs, weight_offset };
                linear_grad::record_input(rec, lanes, io.tiling, &params, io.weights, io.dy, dx);
            }
        }
        Layer::Conv { output, bias, .. } => {
            let lanes = &lanes.samples;
            let Some(params) = conv_params(layer, from_batch, accumulate) else { return };
            conv_grad::record_weight(rec, lanes, io.tiling, &params, io.x, io.dy, &io.target);
            bias_grad(rec, lanes, bias, params.out_c, output.spatial() as u32);
            if let Some(dx) = io.dx {
                conv_grad::record_input(rec, lanes, io.tiling, &params, io.weights, io.dy, dx);
            }
        }
        Layer::Norm { .. } => {
            let lanes = &lanes.samples;
            let (params, kind) = norm_params(layer, io.accumulate);
            let statistics = statistics(kind, io.batch_statistics);
            norm::record_grad_params(rec, lanes, statistics, &params, io.x, io.dy, io.saved, &io.target);
            if let Some(dx) = io.dx {
                let both = (io.weights, io.target.gradients);
                norm::record_grad(rec, lanes, statistics, &params, both.0, io.x, io.dy, io.saved, both.1, dx);
            }
        }
        Layer::LayerNorm { rows, dim, weight, bias } => {
            let lanes = rows_of(lanes, rows);
            let params = layer_norm_params(dim, weight, bias, io.accumulate);
            layer_norm::record_grad_params(rec, lanes, &params, io.x, io.dy, io.saved, &io.target);
            if let Some(dx) = io.dx {
                layer_norm::record_grad(rec, lanes, &params, io.weights, io.x, io.dy, io.saved, dx);
            }
        }
        Layer::Tokens { dim, patches, class, position } => {
            let params = token_params(dim, patches, class, position, io.accumulate);
            tokens::record_grad_params(rec, &lanes.samples, &params, io.dy, io.target.gradients);
            if let Some(dx) = io.dx {
                tokens::record_grad(rec, &lanes.samples, &params, io.dy, dx);
            }
        }
        _ => {
            if let Some(dx) = io.dx {
                without_weights(rec, layer, lanes, io, dx);
            }
        }
    }
}

fn without_weights(rec: &mut Recording, layer: &Layer, lanes: &LaneTables, io: &Backward, dx: Span) {
    let rows = lanes.samples.rows;
    let count = |len: usize| (rows * len as u64) as u32;
    match *layer {
        Layer::MaxPool { input, kernel, stride, .. } => {
            pool::record_grad(rec, pool::Mode::Max, &windows(rows, input, kernel, stride), io.x, io.dy, dx);
        }
        Layer::AvgPool { input, kernel, stride, .. } => {
            pool::record_grad(rec, pool::Mode::Average, &windows(rows, input, kernel, stride), io.x, io.dy, dx);
        }
        Layer::GlobalAvgPool { input } => {
            pool::record_grad(rec, pool::Mode::Average, &whole(rows, input), io.x, io.dy, dx);
        }
        Layer::Attention { tokens, heads, dim } => {
            let params = attention_params(tokens, heads, dim);
            attention::record_grad(rec, &lanes.samples, &params, io.x, io.y, io.saved, io.dy, dx);
        }
        Layer::ClassToken { tokens, dim } => {
            tokens::record_class_token_grad(rec, &lanes.samples, tokens as u32, dim as u32, io.dy, dx);
        }
        Layer::Relu { len } => activation::record_grad(rec, activation::Kind::Relu, count(len), io.y, io.dy, dx),
        Layer::Gelu { len } => activation::record_grad(rec, activation::Kind::Gelu, count(len), io.x, io.dy, dx),
        Layer::Tanh { len } => activation::record_grad(rec, activation::Kind::Tanh, count(len), io.y, io.dy, dx),
        Layer::Linear { .. }
        | Layer::Conv { .. }
        | Layer::Norm { .. }
        | Layer::LayerNorm { .. }
        | Layer::Tokens { .. } => {}
    }
}

/// Records `masked = dy` where the layer's output `y` is above 0, else 0, for its `len` values a row.
pub fn behind_relu(rec: &mut Recording, rows: u64, len: usize, y: Span, dy: Span, masked: Span) {
    activation::record_grad(rec, activation::Kind::Relu, (rows * len as u64) as u32, y, dy, masked);
}
