//! Sum of per-sample values of a lane.

use super::lib::Case;
use super::lib::params::{Lane, Lanes};
use super::lib::tree::tree_sum;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("lane_sum", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Lanes.
        pub lanes: u32,
    }
}

/// Records `out[lane] = sum of values[out_row .. out_row + rows]`, f32. Lanes are at most 65,535; one of no rows gives 0.
pub fn record(rec: &mut Recording, lanes: &Lanes, values: Span, out: Span) {
    let params = Params { lanes: lanes.count };
    let bound = [lanes.table, values, out];
    rec.dispatch(&KERNEL, Variant::plain(), &params, &bound, [1, 1, lanes.count], lanes.rows);
}

/// Sum of the lanes' per-sample values.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, values) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut out = call.write::<f32>(3);
    for (lane, out) in lanes.iter().zip(&mut out[..p.lanes as usize]) {
        *out = tree_sum(lane.rows as usize, |r| values[lane.out_row as usize + r]);
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    // A fixed tree of sums alone: the same bits everywhere.
    let case = |rows: &'static [u32]| {
        Case::new(format!("lane_sum {} lanes", rows.len()), 0.0, move |f| {
            let lanes = f.lanes(rows, 0);
            let values = f.random("values", lanes.rows as usize);
            let out = f.blank("out", rows.len());
            let mut rec = Recording::new();
            record(&mut rec, &lanes, values, out);
            rec.read_back(out);
            rec
        })
    };
    [&[1][..], &[0, 63, 64, 1, 1000]].map(case).into()
}
