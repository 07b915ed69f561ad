//! A lane's own copy of rows of the batch, which lanes share.

use super::lib::Case;
use super::lib::params::{Lane, Lanes};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("own_rows", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// f32 of a row.
        pub len: u32,
    }
}

/// Records `y[row0 + r] = x[x_row + r]` for all rows of each lane, `len` f32 each.
pub fn record(rec: &mut Recording, lanes: &Lanes, len: u32, x: Span, y: Span) {
    let elements = u64::from(lanes.max_rows) * u64::from(len);
    let grid = lanes.grid(elements.div_ceil(64).min(65_535) as u32, 1);
    let cost = 2 * lanes.rows * u64::from(len);
    rec.dispatch(&KERNEL, Variant::plain(), &Params { len }, &[lanes.table, x, y], grid, cost);
}

/// `y[row0 + r] = x[x_row + r]`.
fn twin(call: &Call<'_>) {
    let len = call.params::<Params>().len as usize;
    let (lanes, x, mut y) = (call.read::<Lane>(1), call.read::<f32>(2), call.write::<f32>(3));
    for lane in &lanes[..call.grid[2] as usize] {
        let (from, to, count) = (lane.x_row as usize * len, lane.row0 as usize * len, lane.rows as usize * len);
        y[to..to + count].copy_from_slice(&x[from..from + count]);
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(rows, len): (&'static [u32], u32)| {
        Case::new(format!("own_rows {} lanes of {len}", rows.len()), 0.0, move |f| {
            let lanes = f.lanes(rows, 0);
            let values = lanes.rows as usize * len as usize;
            let (x, y) = (f.random("x", values), f.blank("y", values));
            let mut rec = Recording::new();
            record(&mut rec, &lanes, len, x, y);
            rec.read_back(y);
            rec
        })
    };
    // One; no multiple of anything; more than a launch has threads.
    [(&[1][..], 1), (&[70, 1, 0, 9], 67), (&[5, 65_600], 64)].map(case).into()
}
