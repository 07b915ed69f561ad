//! Cases of the kernels over tokens: embeddings, layer norm, attention; and sums in place.

use super::products::{PERTURBED, text};
use super::{Case, rounding};
use crate::kernels::add;
use crate::kernels::attention::{self, Params as Attention};
use crate::kernels::layer_norm::{self, Params as LayerNorm};
use crate::kernels::tokens::{self, Params as Tokens};
use crate::recording::Recording;
use crate::stream::Distribution;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        // One; single f32; quads at an odd flat index; several columns a thread.
        for (dim, offset) in [(1, 0), (67, 3), (64, 4), (132, 125), (516, 2)] {
            cases.push(layer_norm_forward(how, dim, offset));
        }
        for (dim, patches) in [(1, 1), (67, 9), (24, 30)] {
            cases.push(embedding(how, dim, patches));
        }
    }
    // Rows are samples, or tokens so many that sums over them are split.
    for (dim, tokens) in [(1, 1), (67, 1), (64, 1), (516, 1), (67, 67), (516, 130)] {
        cases.push(layer_norm_backward(dim, tokens));
    }
    for (tokens, heads, dim) in [(1, 1, 1), (5, 2, 6), (17, 3, 24), (65, 2, 128), (150, 1, 20)] {
        cases.push(attention_case(tokens, heads, dim));
    }
    for count in [1, 1003, 65_536 * 64 + 5, 4 * 65_537] {
        cases.push(Case::new(&format!("add {count}"), 0.0, move |f| {
            let (from, to) = (f.random("from", count as usize)?, f.random("to", count as usize)?);
            let mut rec = Recording::new();
            add::record(&mut rec, count, from, to);
            rec.read_back(to);
            Ok(rec)
        }));
    }
    cases
}

fn gaussian(how: Option<Distribution>) -> f64 {
    // Its own bound is 1e-5 of z, an eighth of which is added.
    if how == Some(Distribution::Gaussian) { 2e-6 } else { 0.0 }
}

fn layer_norm_forward(how: Option<Distribution>, dim: u32, offset: u32) -> Case {
    let name = format!("layer_norm {} {dim} at {offset}", text(how));
    // Two passes over a row, each a tree of 64 threads, and twenty operations more.
    Case::new(&name, rounding(2 * (dim.div_ceil(64) + 16) + 20) + gaussian(how), move |f| {
        let (rows, stride) = ([70, 1, 0, 9], 2 * dim + offset);
        let lanes = f.lanes(&rows, stride)?;
        let values = (80 * dim) as usize;
        let weights = f.random("weights", rows.len() * stride as usize)?;
        let (x, y, stats) = (f.random("x", values)?, f.blank("y", values)?, f.blank("stats", 160)?);
        let params = LayerNorm { dim, scale_offset: offset, bias_offset: offset + dim, accumulate: 0 };
        let mut rec = Recording::new();
        layer_norm::record(&mut rec, &lanes, how, &params, weights, x, y, stats);
        rec.read_back(y);
        rec.read_back(stats);
        Ok(rec)
    })
}

fn layer_norm_backward(dim: u32, tokens: u32) -> Case {
    // Trees of 64 threads over a row, subtracted from each other; up to nine blocks of 8 rows, or a row team's share of 67 to 130 rows
    // and the parts of nine samples, run twice.
    let sums = if tokens == 1 { 17 } else { 36 + 18 };
    let tolerance = rounding(2 * (dim.div_ceil(64) + 16) + 2 * sums + 20);
    Case::new(&format!("layer_norm_grad {dim} {tokens} tokens"), tolerance, move |f| {
        let samples = if tokens == 1 { [70, 1, 0, 9] } else { [2, 1, 0, 9] };
        let (rows, stride) = (samples.map(|n| n * tokens), 2 * dim + 3);
        let lanes = f.lanes(&rows, stride)?.of_tokens(tokens);
        let total: u32 = rows.iter().sum();
        let values = (total * dim) as usize;
        let weights = f.random("weights", rows.len() * stride as usize)?;
        let (x, dy, dx) = (f.random("x", values)?, f.random("dy", values)?, f.blank("dx", values)?);
        let stats = f.random("stats", 2 * total as usize)?;
        let target = f.target(rows.len() * stride as usize, 7 * 2 * dim)?;
        let mut params = LayerNorm { dim, scale_offset: 3, bias_offset: 3 + dim, accumulate: 0 };
        let mut rec = Recording::new();
        layer_norm::record_grad(&mut rec, &lanes, &params, weights, x, dy, stats, dx);
        layer_norm::record_grad_params(&mut rec, &lanes, &params, x, dy, stats, &target);
        params.accumulate = 1;
        layer_norm::record_grad_params(&mut rec, &lanes, &params, x, dy, stats, &target);
        rec.read_back(dx);
        rec.read_back(target.gradients);
        Ok(rec)
    })
}

fn embedding(how: Option<Distribution>, dim: u32, patches: u32) -> Case {
    let name = format!("tokens {} {patches} patches of {dim}", text(how));
    // A perturbed weight and two sums; of the gradients, up to 20 summands, run twice.
    Case::new(&name, rounding(40) + gaussian(how), move |f| {
        let rows = [20, 1, 0, 9];
        let elements = (1 + patches) * dim;
        let stride = elements + dim + 3;
        let lanes = f.lanes(&rows, stride)?;
        let weights = f.random("weights", rows.len() * stride as usize)?;
        let (x, y) = (f.random("x", (30 * dim * patches) as usize)?, f.blank("y", (30 * elements) as usize)?);
        let (dy, dx) = (f.random("dy", (30 * elements) as usize)?, f.blank("dx", (30 * dim * patches) as usize)?);
        let gradients = f.random("gradients", rows.len() * stride as usize)?;
        let (class, back) = (f.blank("class", (30 * dim) as usize)?, f.blank("back", (30 * elements) as usize)?);
        let mut params = Tokens { dim, patches, class_offset: 3, position_offset: 3 + dim, accumulate: 0 };
        let mut rec = Recording::new();
        tokens::record(&mut rec, &lanes, how, &params, weights, x, y);
        tokens::record_class_token(&mut rec, &lanes, 1 + patches, dim, y, class);
        tokens::record_class_token_grad(&mut rec, &lanes, 1 + patches, dim, class, back);
        tokens::record_grad(&mut rec, &lanes, &params, dy, dx);
        tokens::record_grad_params(&mut rec, &lanes, &params, dy, gradients);
        params.accumulate = 1;
        tokens::record_grad_params(&mut rec, &lanes, &params, dy, gradients);
        for span in [y, class, back, dx, gradients] {
            rec.read_back(span);
        }
        Ok(rec)
    })
}

fn attention_case(tokens: u32, heads: u32, dim: u32) -> Case {
    let name = format!("attention {tokens} tokens {heads} heads of {}", dim / heads);
    // Scores below 4 are sums over a head, whose error exp multiplies by as much; then sums over the tokens, those of the gradients of
    // differences that cancel.
    Case::new(&name, 4.0 * rounding(dim / heads + 40) + rounding(2 * tokens + dim / heads), move |f| {
        let lanes = f.lanes(&[3, 1, 0, 2], 0)?;
        let values = (6 * tokens * dim) as usize;
        let qkv = f.random("qkv", 3 * values)?;
        let (y, lse) = (f.blank("y", values)?, f.blank("lse", (6 * heads * tokens) as usize)?);
        let (dy, dqkv) = (f.random("dy", values)?, f.blank("dqkv", 3 * values)?);
        let params = Attention { tokens, heads, dim };
        let mut rec = Recording::new();
        attention::record(&mut rec, &lanes, &params, qkv, y, lse);
        attention::record_grad(&mut rec, &lanes, &params, qkv, y, lse, dy, dqkv);
        for span in [y, lse, dqkv] {
            rec.read_back(span);
        }
        Ok(rec)
    })
}
