//! One product each: a matrix product and a convolution, through a model of one layer.

use super::forward::{Case, Output};
use super::problem::made_up;
use super::{BenchError, Options, Prepared};
use crate::engine::Engine;
use crate::fed::experiment::sample_set;
use crate::kernels::params::Lane;
use crate::layers::kinds::conv::Conv;
use crate::layers::kinds::linear::Linear;
use crate::layers::{Init, Layer, ParamTensor, Shape};
use crate::model::{Graph, Node, Source};

/// 1024^3: 1024 rows, as many inputs and outputs.
pub fn gemm(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let n = if options.small { 100 } else { 1024 };
    let layer = Linear { rows: 1, in_features: n, out_features: n, weight: 0, bias: None, relu: false }.into();
    let shape = format!("{n} rows, {n} inputs, {n} outputs");
    single(engine, "gemm", shape, (layer, Shape::features(n), vec![n, n]), n as u32)
}

/// 3x3 from 32 to 64 channels of 16x16, batch 64.
pub fn conv(engine: &mut Engine, options: &Options) -> Result<Prepared, BenchError> {
    let (side, rows) = if options.small { (5, 3) } else { (16, 64) };
    let of = |c| Shape { c, h: side, w: side };
    let (input, output) = (of(32), of(64));
    let layer = Conv { input, output, kernel: 3, stride: 1, padding: 1, weight: 0, bias: None, relu: false }.into();
    let shape = format!("3x3, 32 to 64 channels, {side}x{side}, batch {rows}");
    single(engine, "conv", shape, (layer, input, vec![64, 32, 3, 3]), rows)
}

/// A layer without bias, its input and the shape of its weight, on `rows` samples with shared weights.
fn single(
    engine: &mut Engine,
    name: &'static str,
    shape: String,
    (layer, input, weight): (Layer, Shape, Vec<usize>),
    rows: u32,
) -> Result<Prepared, BenchError> {
    let init = Init::HeNormal { fan_in: weight[1..].iter().product() };
    let len = weight.iter().product();
    let tensor = ParamTensor { name: "weight".to_owned(), shape: weight, offset: 0, len, init };
    let node = Node { layer, input: Source::Batch, residual: None };
    let graph = Graph { input, classes: layer.output_len(), nodes: vec![node], tensors: vec![tensor], learnable: 1 };
    let weights = graph.init_weights(0);
    let data = made_up([input.c, input.h, input.w], 1, rows as usize);
    let case = Case {
        graph,
        weights,
        set: sample_set(&data, &data.train),
        lanes: vec![Lane { rows, ..Lane::default() }],
        output: Output::Logits,
        checked: 3,
    };
    case.prepare(engine, &[(name, None)], &shape)
}
