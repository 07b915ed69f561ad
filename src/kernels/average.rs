//! Weighted sum of clients' weights.

use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The sum is of the clients' changes, not of their weights.
const CHANGES: &str = "CHANGES";

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("average", twin).with_defines(&[CHANGES]);

params! {
    /// The uniform block.
    pub struct Params {
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

/// Records `acc = (first ? 0 : acc) + sum of share[c] w[c]` over clients in order; `share` is f32 a client. Where there are weights from
/// `before`, the sum is of `share[c] (w[c] - before)`.
pub fn record(rec: &mut Recording, params: &Params, share: Span, weights: Span, acc: Span, before: Option<Span>) {
    let mut bound = vec![share, weights, acc];
    bound.extend(before);
    let variant = if before.is_some() { Variant::plain().define(CHANGES) } else { Variant::plain() };
    let grid = fold_grid(u64::from(params.count), 64);
    let cost = 2 * u64::from(params.count) * u64::from(params.clients);
    rec.dispatch(&KERNEL, variant, params, &bound, grid, cost);
}

/// `acc = (first ? 0 : acc) + sum of share[c] w[c]`, or of changes.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (share, weights, mut acc) = (call.read::<f32>(1), call.read::<f32>(2), call.write::<f32>(3));
    let before = call.variant.defines().contains(&CHANGES).then(|| call.read::<f32>(4));
    for (i, acc) in acc[..p.count as usize].iter_mut().enumerate() {
        let mut total = if p.first != 0 { 0.0 } else { *acc };
        for c in 0..p.clients as usize {
            let w = weights[c * p.stride as usize + i];
            total += share[c] * before.as_ref().map_or(w, |before| w - before[i]);
        }
        *acc = total;
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, clients, changes): (u32, u32, bool)| {
        // A product and a sum per client, and a difference, twice.
        let tolerance = rounding(6 * clients + 2);
        let what = if changes { "changes" } else { "weights" };
        Case::new(format!("average {count} {what} {clients} clients"), tolerance, move |f| {
            let stride = count + 3;
            let share: Vec<f32> = f.values(clients as usize).iter().map(|v| v.abs()).collect();
            let share = f.buffer("share", &share);
            let weights = f.random("weights", (clients * stride) as usize);
            let acc = f.blank("acc", count as usize);
            let before = changes.then(|| f.random("before", count as usize));
            let mut rec = Recording::new();
            for first in [1, 0] {
                record(&mut rec, &Params { count, stride, clients, first }, share, weights, acc, before);
            }
            rec.read_back(acc);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    let small = [(1, 1, false), (1000, 7, false), (1, 1, true), (1000, 7, true)];
    small.into_iter().chain([(65_536 * 64 + 5, 1, false)]).map(case).collect()
}
