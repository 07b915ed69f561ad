//! A tensor's weights as f16, perturbed, in the order in which products by tiles of f16 read them.

use super::lib::case::perturbation;
use super::lib::params::{Lane, Lanes, perturb};
use super::lib::tile_order::{Order, TileRoom};
use super::lib::weight::weights;
use super::lib::{Case, PERTURBED, fold_grid};
use super::tile_weights::{ORDERS, Params};
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("half_weights", twin);

/// Records what each lane sees, or one copy where all see the same.
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    order: &Order,
    offset: u32,
    weights: Span,
    perturbed: Option<Distribution>,
    room: &TileRoom,
) {
    let eights = order.halves() / 8;
    let [x, y, _] = fold_grid(eights, 64);
    let copies = if lanes.own_weights || perturbed.is_some() { lanes.count } else { lanes.count.min(1) };
    let variant = Variant::plain().with("PERTURB", perturb(perturbed));
    let params = Params { order: *order, offset, ..Params::default() };
    // A weight takes about 16 operations.
    let cost = 128 * eights * u64::from(copies);
    rec.dispatch(&KERNEL, variant, &params, &[lanes.table, weights, room.weights], [x, y, copies], cost);
}

/// `out[copy][n][k]`, k up to a multiple of 64.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, all, mut out) = (call.read::<Lane>(1), call.read::<f32>(2), call.write::<u16>(3));
    let (order, row) = (p.order, p.order.depth().next_multiple_of(64));
    let perturb = call.variant.get("PERTURB", 0);
    for copy in 0..call.grid[2] {
        let own = weights(&all, &lanes[copy as usize], perturb, p.offset, order.depth() * order.columns);
        for n in 0..order.columns {
            for k in 0..row {
                let weight = if k < order.depth() { own[order.place(k, n) as usize] } else { 0.0 };
                out[((copy * order.columns + n) * row + k) as usize] = half::f16::from_f32(weight).to_bits();
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for how in PERTURBED {
        // Two neighbouring f16 read as one f32 differ by as little only where none is rounded another way: gaussian elements are.
        for order in ORDERS.into_iter().filter(|order| order.across == 1 && how != Some(Distribution::Gaussian)) {
            let Order { channels, taps, columns, .. } = order;
            let name = format!("half_weights {} {channels} channels {taps} taps {columns} columns", perturbation(how));
            cases.push(Case::new(name, 0.0, move |f| {
                let stride = order.depth() * order.columns + 7;
                let lanes = f.lanes(&[4, 1, 2], stride);
                let weights = f.random("weights", 3 * stride as usize);
                let copies = f.blank("copies", 3 * order.halves() as usize / 2);
                let room = TileRoom { weights: copies, signs: copies };
                let mut rec = Recording::new();
                record(&mut rec, &lanes, &order, 5, weights, how, &room);
                rec.read_back(copies);
                rec
            }));
        }
    }
    cases
}
