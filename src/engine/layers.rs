//! The kernels of each layer kind: forward and backward of a chunk of lanes.

use crate::kernels::params::{ABSENT, Lanes};
use crate::kernels::tiling::{Operands, Product, Tiling};
use crate::kernels::{activation, conv, conv_grad, group_norm, linear, linear_grad, pool};
use crate::model::{Layer, Shape};
use crate::plan::{Recording, Span};

/// f32 a row that a layer keeps for its backward pass: mean and reciprocal deviation a group of a norm.
pub fn saved_values(layer: &Layer) -> usize {
    if let Layer::GroupNorm { groups, .. } = layer { 2 * groups } else { 0 }
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

/// What a layer's forward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// The layer's input is the batch of samples.
    pub first: bool,
    /// Weights, shared or a slot a lane.
    pub weights: Span,
    /// Input rows.
    pub x: Span,
    /// Output rows.
    pub y: Span,
    /// Room for [`saved_values`] f32 a row.
    pub saved: Span,
}

/// Records `y = layer(x)` for all rows of a chunk.
pub fn forward(rec: &mut Recording, layer: &Layer, lanes: &Lanes, how: &Product, io: &Forward) {
    let count = |len: usize| (lanes.rows * len as u64) as u32;
    let from_batch = u32::from(io.first);
    let operands = Operands { weights: io.weights, x: io.x, y: io.y };
    match *layer {
        Layer::Linear { in_features, out_features, weight, bias, relu } => {
            let params = linear::Params {
                inputs: in_features as u32,
                outputs: out_features as u32,
                weight_offset: weight as u32,
                bias_offset: offset(bias),
                from_batch,
                activation: u32::from(relu),
            };
            linear::record(rec, lanes, how, &params, &operands, None);
        }
        Layer::Conv { input, output, kernel, stride, padding, weight, bias, relu } => {
            let geometry = conv::Geometry {
                input: dims(input),
                output: dims(output),
                kernel: kernel as u32,
                stride: stride as u32,
                padding: padding as u32,
            };
            let params = conv::Params {
                weight_offset: weight as u32,
                bias_offset: offset(bias),
                from_batch,
                relu: u32::from(relu),
            };
            conv::record(rec, lanes, how, &geometry, &params, &operands);
        }
        Layer::MaxPool { input, kernel, stride, .. } => {
            pool::record(rec, pool::Mode::Max, &windows(lanes.rows, input, kernel, stride), io.x, io.y);
        }
        Layer::AvgPool { input, kernel, stride, .. } => {
            pool::record(rec, pool::Mode::Average, &windows(lanes.rows, input, kernel, stride), io.x, io.y);
        }
        Layer::GlobalAvgPool { input } => {
            pool::record(rec, pool::Mode::Average, &whole(lanes.rows, input), io.x, io.y);
        }
        Layer::GroupNorm { .. } => {
            let forward = group_norm::Forward { x: io.x, y: io.y, stats: io.saved };
            let params = norm_params(layer, false);
            group_norm::record(rec, lanes, how.perturbed, &params, io.weights, &forward);
        }
        Layer::Relu { len } => activation::record(rec, activation::Kind::Relu, count(len), io.x, io.y),
        Layer::Gelu { len } => activation::record(rec, activation::Kind::Gelu, count(len), io.x, io.y),
        Layer::Tanh { len } => activation::record(rec, activation::Kind::Tanh, count(len), io.x, io.y),
    }
}

fn norm_params(layer: &Layer, accumulate: bool) -> group_norm::Params {
    let (channels, groups, spatial, weight, bias) = match *layer {
        Layer::GroupNorm { groups, channels, spatial, weight, bias, .. } => (channels, groups, spatial, weight, bias),
        _ => (1, 1, 1, 0, 0),
    };
    group_norm::Params {
        channels: channels as u32,
        groups: groups as u32,
        spatial: spatial as u32,
        scale_offset: weight as u32,
        bias_offset: bias as u32,
        accumulate: u32::from(accumulate),
    }
}

/// What a layer's backward pass reads and writes.
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// The device's blocking.
    pub tiling: Tiling,
    /// The layer's input is the batch of samples: no gradient of it is wanted.
    pub first: bool,
    /// Weights, a slot a lane.
    pub weights: Span,
    /// Their gradients, alike.
    pub gradients: Span,
    /// Input rows of the forward pass.
    pub x: Span,
    /// Output rows of the forward pass.
    pub y: Span,
    /// What [`forward`] kept.
    pub saved: Span,
    /// Gradient of the output.
    pub dy: Span,
    /// Where the gradient of the input goes.
    pub dx: Option<Span>,
    /// Scratch for the gradient behind a fused ReLU, as large as the output.
    pub masked: Span,
    /// The gradients go on from what is there.
    pub accumulate: bool,
}

/// Records the gradients of a layer for all rows of a chunk.
pub fn backward(rec: &mut Recording, layer: &Layer, lanes: &Lanes, io: &Backward) {
    let count = |len: usize| (lanes.rows * len as u64) as u32;
    let (from_batch, accumulate) = (u32::from(io.first), u32::from(io.accumulate));
    let behind_relu = |rec: &mut Recording, relu: bool, len: usize| {
        if relu {
            activation::record_grad(rec, activation::Kind::Relu, count(len), io.y, io.dy, io.masked);
        }
        if relu { io.masked } else { io.dy }
    };
    let bias_grad = |rec: &mut Recording, bias: Option<usize>, outputs: u32, spatial: u32, dy: Span| {
        if let Some(bias) = bias {
            let params = linear_grad::BiasParams { outputs, spatial, bias_offset: bias as u32, accumulate };
            linear_grad::record_bias(rec, lanes, &params, dy, io.gradients);
        }
    };
    match *layer {
        Layer::Linear { in_features, out_features, weight, bias, relu } => {
            let dy = behind_relu(rec, relu, out_features);
            let (inputs, outputs, weight_offset) = (in_features as u32, out_features as u32, weight as u32);
            let params = linear_grad::WeightParams { inputs, outputs, weight_offset, from_batch, accumulate };
            linear_grad::record_weight(rec, lanes, io.tiling, &params, io.x, dy, io.gradients);
            bias_grad(rec, bias, outputs, 1, dy);
            if let Some(dx) = io.dx {
                let params = linear_grad::InputParams { inputs, outputs, weight_offset };
                linear_grad::record_input(rec, lanes, io.tiling, &params, io.weights, dy, dx);
            }
        }
        Layer::Conv { input, output, kernel, stride, padding, weight, bias, relu } => {
            let dy = behind_relu(rec, relu, output.len());
            let ([c, h, w], [out_c, out_h, out_w]) = (dims(input), dims(output));
            let params = conv_grad::Params {
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
            };
            conv_grad::record_weight(rec, lanes, io.tiling, &params, io.x, dy, io.gradients);
            bias_grad(rec, bias, out_c, out_h * out_w, dy);
            if let Some(dx) = io.dx {
                conv_grad::record_input(rec, lanes, io.tiling, &params, io.weights, dy, dx);
            }
        }
        Layer::GroupNorm { .. } => {
            let params = norm_params(layer, io.accumulate);
            let kept = group_norm::Backward { x: io.x, stats: io.saved, dy: io.dy };
            group_norm::record_grad_params(rec, lanes, &params, &kept, io.gradients);
            if let Some(dx) = io.dx {
                group_norm::record_grad(rec, lanes, &params, io.weights, &kept, dx);
            }
        }
        _ => {
            if let Some(dx) = io.dx {
                without_weights(rec, layer, lanes.rows, io, dx);
            }
        }
    }
}

fn without_weights(rec: &mut Recording, layer: &Layer, rows: u64, io: &Backward, dx: Span) {
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
        Layer::Relu { len } => activation::record_grad(rec, activation::Kind::Relu, count(len), io.y, io.dy, dx),
        Layer::Gelu { len } => activation::record_grad(rec, activation::Kind::Gelu, count(len), io.x, io.dy, dx),
        Layer::Tanh { len } => activation::record_grad(rec, activation::Kind::Tanh, count(len), io.y, io.dy, dx),
        Layer::Linear { .. } | Layer::Conv { .. } | Layer::GroupNorm { .. } => {}
    }
}
