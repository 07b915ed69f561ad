//! Gradients of attention: a launch each for queries, keys and values.

use super::attention::{self, Params, Shape};
use super::lib::Case;
use super::lib::math::exp_f32;
use super::lib::params::{Lane, Lanes};
use super::lib::values;
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("attention_grad", twin);

/// Records the gradient of `qkv` from what the forward pass read and wrote, and `dy`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    params: &Params,
    qkv: Span,
    y: Span,
    lse: Span,
    dy: Span,
    dqkv: Span,
) {
    let bound = [lanes.table, qkv, dy, y, lse, dqkv];
    for part in 0..3 {
        let (variant, grid) = params.launch(lanes);
        rec.dispatch(&KERNEL, variant.with("PART", part), params, &bound, grid, 7 * params.products(lanes));
    }
}

/// Gradients of queries (PART 0), keys (1) or values (2).
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let part = call.variant.get("PART", 0) as usize;
    let (lanes, qkv, dy) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let (y, lse) = (call.read::<f32>(4), call.read::<f32>(5));
    let mut dqkv = call.write::<f32>(6);
    let s = Shape::of(&p);
    for row in lanes[..call.grid[2] as usize].iter().flat_map(Lane::chunk_rows) {
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

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(tokens, heads, dim)| {
        let (params, head) = (Params { tokens, heads, dim }, dim / heads);
        let name = format!("attention_grad {tokens} tokens {heads} heads of {head}");
        // Of differences that cancel, and of what the forward pass left.
        Case::new(name, attention::tolerance(tokens, head), move |f| {
            let (mut rec, lanes, [qkv, y, lse]) = attention::forward(f, &params);
            let values = (6 * tokens * dim) as usize;
            let (dy, dqkv) = (f.random("dy", values), f.blank("dqkv", 3 * values));
            record(&mut rec, &lanes, &params, qkv, y, lse, dy, dqkv);
            rec.read_back(dqkv);
            rec
        })
    };
    attention::SIZES.map(case).into()
}
