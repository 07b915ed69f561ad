//! What a client's step adds to its gradient: weight decay, and the pull towards the shared weights.

use super::lib::params::{Lane, Lanes};
use super::lib::scales::{SCALED, reciprocal};
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("local_gradient", twin).with_defines(&[SCALED]);

params! {
    /// The uniform block.
    pub struct Params {
        /// Weights.
        pub count: u32,
        /// Weight decay.
        pub decay: f32,
        /// FedProx's mu.
        pub pull: f32,
    }
}

/// Records `g[base + i] += decay * w[base + i] + pull * (w[base + i] - shared[i])` for the weights of each lane: times its scale where there are
/// `factors`, the scales' reciprocals, and not at all where its factor is 0.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    params: &Params,
    weights: Span,
    shared: Span,
    gradients: Span,
    factors: Option<Span>,
) {
    let [x, y, _] = fold_grid(u64::from(params.count), 64);
    let (mut variant, mut bound) = (Variant::plain(), vec![lanes.table, weights, shared, gradients]);
    if let Some(factors) = factors {
        variant = variant.define(SCALED);
        bound.push(factors);
    }
    let cost = 5 * u64::from(params.count) * u64::from(lanes.count);
    rec.dispatch(&KERNEL, variant, params, &bound, lanes.grid(x, y), cost);
}

/// `g += decay w + pull (w - shared)`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, shared) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut gradients = call.write::<f32>(4);
    let factors = call.variant.defines().contains(&SCALED).then(|| call.read::<f32>(5));
    for (z, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        let scale = match factors.as_ref().map(|factors| factors[z]) {
            Some(0.0) => continue,
            Some(factor) => reciprocal(factor.to_bits()),
            None => 1.0,
        };
        let base = lane.weight_base as usize;
        for (i, shared) in shared[..p.count as usize].iter().enumerate() {
            let (g, w) = (&mut gradients[base + i], weights[base + i]);
            *g = *g + p.decay * scale * w + p.pull * scale * (w - shared);
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, lanes, scaled): (u32, usize, bool)| {
        let name = format!("local_gradient {count} weights {lanes} lanes{}", if scaled { " scaled" } else { "" });
        // A product and a sum; a difference, a product and a sum.
        Case::new(name, rounding(5), move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride);
            let len = (lanes.count * stride) as usize;
            let (weights, gradients) = (f.random("weights", len), f.random("gradients", len));
            let shared = f.random("shared", count as usize);
            let mut rec = Recording::new();
            // The second lane's step is skipped.
            let factors = f.buffer("factors", &[0.25f32, 0.0, 2.0][..lanes.count as usize]);
            let params = Params { count, decay: 0.25, pull: 0.75 };
            record(&mut rec, &lanes, &params, weights, shared, gradients, scaled.then_some(factors));
            rec.read_back(gradients);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [(1, 1, false), (1000, 3, false), (1000, 3, true), (65_536 * 64 + 5, 1, false)].map(case).into()
}
