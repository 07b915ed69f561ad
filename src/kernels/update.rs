//! Steps on the weights in the warm-up: clients' SGD, their mean, the server's step.

use super::fold_grid;
use super::params::Lanes;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// A step of each lane's own weights.
pub static SGD: Kernel = Kernel::new::<StepParams>("sgd", reference::update::sgd);

/// Weighted sum of clients' weights.
pub static AVERAGE: Kernel = Kernel::new::<AverageParams>("average", reference::update::average);

/// The step towards that sum.
pub static SERVER_STEP: Kernel = Kernel::new::<StepParams>("server_step", reference::update::server_step);

params! {
    /// Uniform block of `sgd` and `server_step`.
    pub struct StepParams {
        /// Weights.
        pub count: u32,
        /// Rate.
        pub lr: f32,
    }
}

params! {
    /// Uniform block of `average`.
    pub struct AverageParams {
        /// Weights.
        pub count: u32,
        /// f32s from one client to the next.
        pub stride: u32,
        /// Clients.
        pub clients: u32,
        /// 1: the sum starts at 0; 0: at what is there.
        pub first: u32,
    }
}

/// Records `w[base + i] -= lr * g[base + i]` for `count` weights of each lane.
pub fn record_sgd(rec: &mut Recording, lanes: &Lanes, count: u32, lr: f32, weights: Span, gradients: Span) {
    let [x, y, _] = fold_grid(u64::from(count), 64);
    let bound = [lanes.table, weights, gradients];
    let cost = 2 * u64::from(count) * u64::from(lanes.count);
    rec.dispatch(&SGD, Variant::plain(), &StepParams { count, lr }, &bound, lanes.grid(x, y), cost);
}

/// Records `acc = (first ? 0 : acc) + sum of share[c] w[c]` over clients in order; `share` is f32 a client.
pub fn record_average(rec: &mut Recording, params: &AverageParams, share: Span, weights: Span, acc: Span) {
    let grid = fold_grid(u64::from(params.count), 64);
    let cost = 2 * u64::from(params.count) * u64::from(params.clients);
    rec.dispatch(&AVERAGE, Variant::plain(), params, &[share, weights, acc], grid, cost);
}

/// Records `w += lr (acc - w)`, exactly `acc` where `lr` is 1.
pub fn record_server_step(rec: &mut Recording, count: u32, lr: f32, acc: Span, weights: Span) {
    let items = u64::from(count);
    let params = StepParams { count, lr };
    rec.dispatch(&SERVER_STEP, Variant::plain(), &params, &[acc, weights], fold_grid(items, 64), 3 * items);
}
