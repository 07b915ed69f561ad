//! What a client's step adds to its gradient: weight decay, and the pull towards the shared weights.

use super::lib::params::{Lane, Lanes};
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("local_gradient", twin);

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

/// Records `g[base + i] += decay * w[base + i] + pull * (w[base + i] - shared[i])` for the weights of each lane.
pub fn record(rec: &mut Recording, lanes: &Lanes, params: &Params, weights: Span, shared: Span, gradients: Span) {
    let [x, y, _] = fold_grid(u64::from(params.count), 64);
    let bound = [lanes.table, weights, shared, gradients];
    let cost = 5 * u64::from(params.count) * u64::from(lanes.count);
    rec.dispatch(&KERNEL, Variant::plain(), params, &bound, lanes.grid(x, y), cost);
}

/// `g += decay w + pull (w - shared)`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, shared) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut gradients = call.write::<f32>(4);
    for lane in &lanes[..call.grid[2] as usize] {
        let base = lane.weight_base as usize;
        for (i, shared) in shared[..p.count as usize].iter().enumerate() {
            let (g, w) = (&mut gradients[base + i], weights[base + i]);
            *g = *g + p.decay * w + p.pull * (w - shared);
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, lanes): (u32, usize)| {
        // A product and a sum; a difference, a product and a sum.
        Case::new(format!("local_gradient {count} weights {lanes} lanes"), rounding(5), move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride);
            let len = (lanes.count * stride) as usize;
            let (weights, gradients) = (f.random("weights", len), f.random("gradients", len));
            let shared = f.random("shared", count as usize);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, &Params { count, decay: 0.25, pull: 0.75 }, weights, shared, gradients);
            rec.read_back(gradients);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [(1, 1), (1000, 3), (65_536 * 64 + 5, 1)].map(case).into()
}
