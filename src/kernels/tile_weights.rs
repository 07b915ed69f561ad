//! A tensor's weights in the order in which products by tiles read them.

use super::lib::Case;
use super::lib::params::{Lane, Lanes};
use super::lib::tile_order::{Order, TileRoom};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tile_weights", twin);

/// Columns of a workgroup, and weights of each at most.
const COLUMNS: u32 = 32;
const MOST: u32 = 32;

params! {
    /// The uniform block.
    #[derive(Default)]
    pub struct Params {
        /// The order.
        pub order: Order,
        /// Flat index of the tensor.
        pub offset: u32,
        /// Weights of a column that a workgroup moves: whole channels of them where the tensor is `[channel][column][tap]`.
        pub run: u32,
        /// A uniform block's struct ends on a multiple of 16 bytes.
        pub unused: u32,
        /// Alike.
        pub also_unused: u32,
    }
}

/// Records copies of the weights, one that all lanes share or one for each.
pub fn record(rec: &mut Recording, lanes: &Lanes, order: &Order, offset: u32, weights: Span, room: &TileRoom) {
    let run = if order.across == 0 && order.taps <= MOST { MOST / order.taps * order.taps } else { MOST };
    let [x, y] = [order.depth().div_ceil(run), order.columns.div_ceil(COLUMNS)];
    let copies = if lanes.own_weights { lanes.count } else { lanes.count.min(1) };
    let params = Params { order: *order, offset, run, ..Params::default() };
    let cost = 4 * u64::from(order.quads()) * u64::from(copies);
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[lanes.table, weights, room.weights], [x, y, copies], cost);
}

/// `out[copy][k][n]`, a row of columns ending with zeros on a whole quad.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, weights, mut out) = (call.read::<Lane>(1), call.read::<f32>(2), call.write::<f32>(3));
    let (order, row) = (p.order, p.order.columns.div_ceil(4) * 4);
    for copy in 0..call.grid[2] {
        let first = lanes[copy as usize].weight_base.wrapping_add(p.offset);
        for k in 0..order.depth() {
            for n in 0..row {
                let at = (copy * order.depth() + k) * row + n;
                out[at as usize] =
                    if n < order.columns { weights[first.wrapping_add(order.place(k, n)) as usize] } else { 0.0 };
            }
        }
    }
}

/// Orders of cases: nothing divides anything; two slabs; a linear layer's; a gradient's.
pub(super) const ORDERS: [Order; 6] = [
    Order::new(3, 9, 3, 5, 1),
    Order::new(32, 9, 16, 36, 1),
    Order::new(301, 1, 301, 67, 1),
    Order::new(96, 4, 32, 33, 0),
    // Channels of more taps than a workgroup moves; a step's.
    Order::new(5, 49, 5, 35, 0),
    Order::new(48, 1, 16, 70, 0),
];

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let of = |order: Order| {
        let Order { channels, taps, columns, across, .. } = order;
        let name = format!("tile_weights {channels} channels {taps} taps {columns} columns across {across}");
        Case::new(name, 0.0, move |f| {
            let stride = order.depth() * order.columns + 7;
            let lanes = f.lanes(&[4, 1, 2], stride);
            let weights = f.random("weights", 3 * stride as usize);
            let copies = f.blank("copies", 12 * order.quads() as usize);
            let room = TileRoom { weights: copies, signs: copies };
            let mut rec = Recording::new();
            record(&mut rec, &lanes, &order, 5, weights, &room);
            rec.read_back(copies);
            rec
        })
    };
    ORDERS.into_iter().map(of).collect()
}
