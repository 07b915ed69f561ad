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
    for dim in [1, 67, 64, 516] {
        cases.push(layer_norm_backward(dim));
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

fn layer_norm_backward(dim: u32) -> Case {
    // Trees of 64 threads over a row, subtracted from each other; up to nine blocks of 8 rows, run twice.
    Case::new(format!("layer_norm_grad {dim}"), rounding(2 * (dim.div_ceil(64) + 16) + 2 * 17 + 20), move |f| {
        let (rows, stride) = ([70, 1, 0, 9], 2 * dim + 3);
        let lanes = f.lanes(&rows, stride);
        let values = (80 * dim) as usize;
        let weights = f.random("weights", rows.len() * stride as usize);
        let (x, dy, dx) = (f.random("x", values), f.random("dy", values), f.blank("dx", values));
        let (stats, gradients) = (f.random("stats", 160), f.random("gradients", rows.len() * stride as usize));
        let mut params = LayerNorm { dim, scale_offset: 3, bias_offset: 3 + dim, accumulate: 0 };
        let mut rec = Recording::new();
        layer_norm::record_grad(&mut rec, &lanes, &params, weights, x, dy, stats, dx);
        layer_norm::record_grad_params(&mut rec, &lanes, &params, x, dy, stats, gradients);
        params.accumulate = 1;
        layer_norm::record_grad_params(&mut rec, &lanes, &params, x, dy, stats, gradients);
        rec.read_back(dx);
        rec.read_back(gradients);
        rec
    })
}
