//! Cases of layer norm.

use super::{Case, rounding};
use crate::kernels::layer_norm::{self, Params as LayerNorm};
use crate::kernels::lib::PERTURBED;
use crate::kernels::lib::case::{gaussian_share as gaussian, perturbation as text};
use crate::recording::Recording;
use crate::stream::Distribution;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        // One; single f32; quads at an odd flat index; several columns a thread.
        for (dim, offset) in [(1, 0), (67, 3), (64, 4), (132, 125), (516, 2)] {
            cases.push(layer_norm_forward(how, dim, offset));
        }
    }
    // Rows are samples, or tokens so many that sums over them are split.
    for (dim, tokens) in [(1, 1), (67, 1), (64, 1), (516, 1), (67, 67), (516, 130)] {
        cases.push(layer_norm_backward(dim, tokens));
    }
    cases
}

fn layer_norm_forward(how: Option<Distribution>, dim: u32, offset: u32) -> Case {
    let name = format!("layer_norm {} {dim} at {offset}", text(how));
    // Two passes over a row, each a tree of 64 threads, and twenty operations more.
    Case::new(name, rounding(2 * (dim.div_ceil(64) + 16) + 20) + gaussian(how), move |f| {
        let (rows, stride) = ([70, 1, 0, 9], 2 * dim + offset);
        let lanes = f.lanes(&rows, stride);
        let values = (80 * dim) as usize;
        let weights = f.random("weights", rows.len() * stride as usize);
        let (x, y, stats) = (f.random("x", values), f.blank("y", values), f.blank("stats", 160));
        let params = LayerNorm { dim, scale_offset: offset, bias_offset: offset + dim, accumulate: 0 };
        let mut rec = Recording::new();
        layer_norm::record(&mut rec, &lanes, how, &params, weights, x, y, stats);
        rec.read_back(y);
        rec.read_back(stats);
        rec
    })
}

fn layer_norm_backward(dim: u32, tokens: u32) -> Case {
    // Trees of 64 threads over a row, subtracted from each other; up to nine blocks of 8 rows, or a row team's share of 67 to 130 rows
    // and the parts of nine samples, run twice.
    let sums = if tokens == 1 { 17 } else { 36 + 18 };
    let tolerance = rounding(2 * (dim.div_ceil(64) + 16) + 2 * sums + 20);
    Case::new(format!("layer_norm_grad {dim} {tokens} tokens"), tolerance, move |f| {
        let samples = if tokens == 1 { [70, 1, 0, 9] } else { [2, 1, 0, 9] };
        let (rows, stride) = (samples.map(|n| n * tokens), 2 * dim + 3);
        let lanes = f.lanes(&rows, stride).of_tokens(tokens);
        let total: u32 = rows.iter().sum();
        let values = (total * dim) as usize;
        let weights = f.random("weights", rows.len() * stride as usize);
        let (x, dy, dx) = (f.random("x", values), f.random("dy", values), f.blank("dx", values));
        let stats = f.random("stats", 2 * total as usize);
        let target = f.target(rows.len() * stride as usize, 7 * 2 * dim);
        let mut params = LayerNorm { dim, scale_offset: 3, bias_offset: 3 + dim, accumulate: 0 };
        let mut rec = Recording::new();
        layer_norm::record_grad(&mut rec, &lanes, &params, weights, x, dy, stats, dx);
        layer_norm::record_grad_params(&mut rec, &lanes, &params, x, dy, stats, &target);
        params.accumulate = 1;
        layer_norm::record_grad_params(&mut rec, &lanes, &params, x, dy, stats, &target);
        rec.read_back(dx);
        rec.read_back(target.gradients);
        rec
    })
}
