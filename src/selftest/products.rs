//! Cases of the products of weights and activations: linear layers, convolutions, the fused perceptron; plain and perturbed.

use super::{Case, rounding};
use crate::kernels::params::ABSENT;
use crate::kernels::tiling::{Operands, Product, Tiling};
use crate::kernels::{conv, linear, mlp_forward};
use crate::recording::Recording;
use crate::stream::Distribution;

pub(super) const PERTURBED: [Option<Distribution>; 5] = [
    None,
    Some(Distribution::Rademacher),
    Some(Distribution::Binomial),
    Some(Distribution::Gaussian),
    Some(Distribution::Uniform),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        // Inputs, outputs, flat index of the weight: one of each; nothing divides the tiles; quads; a block border inside a row.
        for (inputs, outputs, offset) in [(1, 1, 0), (67, 35, 3), (64, 10, 4), (300, 33, 125)] {
            cases.push(linear_case(how, inputs, outputs, offset));
        }
        for (inputs, hidden, classes) in [(1, 1, 1), (64, 64, 10), (13, 37, 16), (20, 150, 3)] {
            cases.push(mlp_case(how, inputs, hidden, classes));
        }
        for (input, out_c, kernel, stride, padding, offset) in [
            ([1, 1, 1], 1, 1, 1, 0, 0),
            ([3, 9, 8], 13, 3, 2, 1, 5),
            ([4, 6, 6], 40, 5, 1, 2, 4),
            ([5, 4, 7], 3, 2, 3, 0, 1),
        ] {
            let out = |size: u32| (size + 2 * padding - kernel) / stride + 1;
            let output = [out_c, out(input[1]), out(input[2])];
            cases.push(conv_case(how, conv::Geometry { input, output, kernel, stride, padding }, offset));
        }
    }
    cases
}

pub(super) fn text(how: Option<Distribution>) -> &'static str {
    how.map_or("plain", Distribution::name)
}

/// Sums of `depth` products and a bias; a perturbed weight rounds twice more, and a gaussian element is only within 1e-5.
fn tolerance(how: Option<Distribution>, depth: u32) -> f64 {
    rounding(depth + 4) + if how == Some(Distribution::Gaussian) { 2e-5 } else { 0.0 }
}

fn product(tiling: Tiling, perturbed: Option<Distribution>) -> Product {
    Product { tiling, perturbed }
}

fn linear_case(how: Option<Distribution>, inputs: u32, outputs: u32, weight_offset: u32) -> Case {
    let name = format!("linear {} {inputs} to {outputs} at {weight_offset}", text(how));
    // A gelu takes another 64 roundings (as `activation` does), of 1.2 times its input at most.
    Case::new(&name, 1.2 * tolerance(how, inputs) + rounding(64), move |f| {
        let rows = [41, 1, 9];
        let bias_offset = weight_offset + inputs * outputs;
        let stride = (bias_offset + outputs).next_multiple_of(64);
        let lanes = f.lanes(&rows, stride)?;
        let total = rows.iter().sum::<u32>();
        let io = Operands {
            weights: f.random("weights", 3 * stride as usize)?,
            x: f.random("x", (total * inputs) as usize)?,
            y: f.blank("y", (total * outputs) as usize)?,
        };
        let residual = f.random("residual", (total * outputs) as usize)?;
        let mut rec = Recording::new();
        for (from_batch, activation, bias_offset, residual) in [
            (1, linear::NONE, bias_offset, None),
            (0, linear::RELU, ABSENT, None),
            (0, linear::GELU, bias_offset, None),
            (0, linear::NONE, bias_offset, Some(residual)),
        ] {
            let params = linear::Params { inputs, outputs, weight_offset, bias_offset, from_batch, activation };
            linear::record(&mut rec, &lanes, &product(f.tiling(), how), &params, &io, residual);
            rec.read_back(io.y);
        }
        Ok(rec)
    })
}

fn conv_case(how: Option<Distribution>, g: conv::Geometry, weight_offset: u32) -> Case {
    let name = format!("conv {} {:?} to {:?} kernel {} stride {}", text(how), g.input, g.output, g.kernel, g.stride);
    Case::new(&name, tolerance(how, g.depth()), move |f| {
        let rows = [5, 1, 3];
        let bias_offset = weight_offset + g.output[0] * g.depth();
        let stride = (bias_offset + g.output[0]).next_multiple_of(64);
        let lanes = f.lanes(&rows, stride)?;
        let total = rows.iter().sum::<u32>();
        let values = |shape: [u32; 3]| (total * shape.iter().product::<u32>()) as usize;
        let io = Operands {
            weights: f.random("weights", 3 * stride as usize)?,
            x: f.random("x", values(g.input))?,
            y: f.blank("y", values(g.output))?,
        };
        let mut rec = Recording::new();
        for (from_batch, relu, bias_offset) in [(1, 0, bias_offset), (0, 1, ABSENT)] {
            let params = conv::Params { weight_offset, bias_offset, from_batch, relu };
            conv::record(&mut rec, &lanes, &product(f.tiling(), how), &g, &params, &io, None);
            rec.read_back(io.y);
        }
        Ok(rec)
    })
}

fn mlp_case(how: Option<Distribution>, inputs: u32, hidden: u32, classes: u32) -> Case {
    let name = format!("mlp_forward {} {inputs}-{hidden}-{classes}", text(how));
    // The hidden layer's error goes through the second sum.
    Case::new(&name, tolerance(how, inputs) + tolerance(how, hidden), move |f| {
        let (rows, weight1) = ([31u32, 1, 8], 2);
        let bias1 = weight1 + hidden * inputs;
        let weight2 = bias1 + hidden;
        let bias2 = weight2 + classes * hidden;
        let params = mlp_forward::Params { inputs, hidden, classes, weight1, bias1, weight2, bias2 };
        let lanes = f.lanes(&rows, (bias2 + classes).next_multiple_of(64))?;
        let total = rows.iter().sum::<u32>();
        let io = Operands {
            weights: f.random("weights", 3 * (bias2 + classes).next_multiple_of(64) as usize)?,
            x: f.random("x", (total * inputs) as usize)?,
            y: f.blank("logits", (total * classes) as usize)?,
        };
        let mut rec = Recording::new();
        mlp_forward::record(&mut rec, &lanes, &product(f.tiling(), how), &params, &io);
        rec.read_back(io.y);
        Ok(rec)
    })
}
