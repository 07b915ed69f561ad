//! A step of each lane's own weights.

use super::lib::params::{Lane, Lanes};
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("sgd", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Weights.
        pub count: u32,
        /// Rate.
        pub lr: f32,
    }
}

/// Records `w[base + i] -= lr * g[base + i]` for `count` weights of each lane.
pub fn record(rec: &mut Recording, lanes: &Lanes, count: u32, lr: f32, weights: Span, gradients: Span) {
    let [x, y, _] = fold_grid(u64::from(count), 64);
    let bound = [lanes.table, weights, gradients];
    let cost = 2 * u64::from(count) * u64::from(lanes.count);
    rec.dispatch(&KERNEL, Variant::plain(), &Params { count, lr }, &bound, lanes.grid(x, y), cost);
}

/// `w -= lr g` for each lane's weights.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, mut weights, gradients) = (call.read::<Lane>(1), call.write::<f32>(2), call.read::<f32>(3));
    for lane in &lanes[..call.grid[2] as usize] {
        let base = lane.weight_base as usize;
        for i in base..base + p.count as usize {
            weights[i] -= p.lr * gradients[i];
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, lanes): (u32, usize)| {
        // A product and a difference.
        Case::new(format!("sgd {count} weights {lanes} lanes"), rounding(2), move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride);
            let len = (lanes.count * stride) as usize;
            let (weights, gradients) = (f.random("weights", len), f.random("gradients", len));
            let mut rec = Recording::new();
            record(&mut rec, &lanes, count, 0.05, weights, gradients);
            rec.read_back(weights);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [(1, 1), (1000, 3), (65_536 * 64 + 5, 1)].map(case).into()
}
