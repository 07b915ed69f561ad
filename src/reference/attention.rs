//! Twins of `attention` and `attention_grad`.

use super::layer_norm::rows;
use super::math::{exp_f32, log_f32};
use crate::kernels::attention::Params;
use crate::kernels::params::Lane;
use crate::recording::kernel::Call;

/// Where things lie.
#[derive(Clone, Copy)]
struct Shape {
    tokens: usize,
    heads: usize,
    head: usize,
}

impl Shape {
    fn of(p: &Params) -> Self {
        Self { tokens: p.tokens as usize, heads: p.heads as usize, head: (p.dim / p.heads) as usize }
    }

    /// First element of the query (0), key (1) or value (2) of a token.
    fn qkv(&self, row: usize, token: usize, part: usize, head: usize) -> usize {
        (((row * self.tokens + token) * 3 + part) * self.heads + head) * self.head
    }

    /// First element of a token's output.
    fn y(&self, row: usize, token: usize, head: usize) -> usize {
        ((row * self.tokens + token) * self.heads + head) * self.head
    }

    fn lse(&self, row: usize, token: usize, head: usize) -> usize {
        (row * self.heads + head) * self.tokens + token
    }

    fn dot(&self, a: &[f32], i: usize, b: &[f32], j: usize) -> f32 {
        (0..self.head).fold(0.0, |sum, c| sum + a[i + c] * b[j + c])
    }
}

/// Attention, and the logarithms of the sums of exponentials.
pub fn attention(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, qkv) = (call.read::<Lane>(1), call.read::<f32>(2));
    let (mut y, mut lse) = (call.write::<f32>(3), call.write::<f32>(4));
    let s = Shape::of(&p);
    for row in lanes[..call.grid[2] as usize].iter().flat_map(rows) {
        for head in 0..s.heads {
            for i in 0..s.tokens {
                let query = s.qkv(row, i, 0, head);
                let score = |j: usize| s.dot(&qkv, query, &qkv, s.qkv(row, j, 1, head)) * p.factor();
                let scores: Vec<f32> = (0..s.tokens).map(score).collect();
                let most = scores.iter().fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
                let weights: Vec<f32> = scores.iter().map(|v| exp_f32(v - most)).collect();
                let sum = weights.iter().fold(0.0, |a, b| a + b);
                for c in 0..s.head {
                    let products = weights.iter().enumerate().map(|(j, w)| w * qkv[s.qkv(row, j, 2, head) + c]);
                    y[s.y(row, i, head) + c] = products.fold(0.0, |a, b| a + b) / sum;
                }
                lse[s.lse(row, i, head)] = most + log_f32(sum);
            }
        }
    }
}

/// Gradients of queries (PART 0), keys (1) or values (2).
pub fn attention_grad(call: &Call<'_>) {
    let p: Params = call.params();
    let part = call.variant.get("PART", 0) as usize;
    let (lanes, qkv, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (y, lse) = (call.read::<f32>(4), call.read::<f32>(5));
    let mut dqkv = call.write::<f32>(6);
    let s = Shape::of(&p);
    for row in lanes[..call.grid[2] as usize].iter().flat_map(rows) {
        for head in 0..s.heads {
            let y_at = |i: usize| s.y(row, i, head);
            // (p_ij, g_ij) of query i and key j.
            let pair = |i: usize, j: usize| {
                let score = s.dot(&qkv, s.qkv(row, i, 0, head), &qkv, s.qkv(row, j, 1, head)) * p.factor();
                let weight = exp_f32(score - lse[s.lse(row, i, head)]);
                let slope = s.dot(&dy, y_at(i), &qkv, s.qkv(row, j, 2, head));
                [weight, weight * (slope - s.dot(&dy, y_at(i), &y, y_at(i))) * p.factor()]
            };
            for own in 0..s.tokens {
                let mut sums = vec![0.0; s.head];
                for other in 0..s.tokens {
                    let [weight, slope] = if part == 0 { pair(own, other) } else { pair(other, own) };
                    for (c, sum) in sums.iter_mut().enumerate() {
                        *sum += match part {
                            0 => slope * qkv[s.qkv(row, other, 1, head) + c],
                            1 => slope * qkv[s.qkv(row, other, 0, head) + c],
                            _ => weight * dy[y_at(other) + c],
                        };
                    }
                }
                dqkv[s.qkv(row, own, part, head)..][..s.head].copy_from_slice(&sums);
            }
        }
    }
}
