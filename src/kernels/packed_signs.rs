//! Rademacher signs of a tensor, a bit each, in the order in which products by tiles read its weights.

use super::lib::Case;
use super::lib::params::{Lane, Lanes};
use super::lib::tile_order::{Order, TileRoom};
use super::tile_weights::{ORDERS, Params};
use crate::recording::Recording;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::stream::{self, Distribution};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("packed_signs", twin);

/// Records the signs of every lane, of an order whose columns' weights are neighbours.
pub fn record(rec: &mut Recording, lanes: &Lanes, order: &Order, offset: u32, room: &TileRoom) {
    let grid = lanes.grid(order.depth().div_ceil(128), order.columns.div_ceil(32));
    let params = Params { order: *order, offset, ..Params::default() };
    // A sign takes about eight operations.
    let cost = 8 * u64::from(order.depth()) * u64::from(order.columns) * u64::from(lanes.count);
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[lanes.table, room.signs], grid, cost);
}

/// Bit `n % 32` of `out[lane][k][n / 32]`. Bits behind the last column are those of the weights that follow in the stream.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, mut out) = (call.read::<Lane>(1), call.write::<u32>(2));
    let (order, words) = (p.order, p.order.columns.div_ceil(32));
    for (z, lane) in lanes.iter().enumerate().take(call.grid[2] as usize) {
        let mut signs = vec![0.0; (order.depth() * words * 32) as usize];
        stream::fill(Distribution::Rademacher, lane.seed(), u64::from(p.offset), &mut signs);
        for k in 0..order.depth() {
            for word in 0..words {
                let bit = |n: u32| u32::from(signs[order.place(k, word * 32 + n) as usize] > 0.0) << n;
                out[((z as u32 * order.depth() + k) * words + word) as usize] = (0..32).map(bit).sum();
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let of = |order: Order| {
        let Order { channels, taps, columns, .. } = order;
        Case::new(format!("packed_signs {channels} channels {taps} taps {columns} columns"), 0.0, move |f| {
            let lanes = f.lanes(&[4, 1, 2], 0);
            let signs = f.blank("signs", 3 * order.words() as usize);
            let room = TileRoom { weights: signs, signs };
            let mut rec = Recording::new();
            record(&mut rec, &lanes, &order, 77, &room);
            rec.read_back(signs);
            rec
        })
    };
    ORDERS.into_iter().filter(|order| order.across == 1).map(of).collect()
}
