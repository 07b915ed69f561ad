//! Sums of squares of the lanes' gradients, in parts: [`super::clip_factor`] makes lengths of them.

use super::lib::params::{Lane, Lanes};
use super::lib::tree::team_sum;
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("square_sums", twin);

/// Values of a part. Pieces of a vector begin on a multiple of it.
pub const PART: u32 = 128;

params! {
    /// The uniform block.
    pub struct Params {
        /// Values of a lane.
        pub count: u32,
        /// Their parts.
        pub parts: u32,
        /// f32 from one lane's sums to the next's.
        pub stride: u32,
        /// The place of the first part among a lane's sums.
        pub first: u32,
    }
}

/// Records `out[lane * stride + first + p] = sum over part p of values[base + i]^2` for `count` values of each lane.
pub fn record(rec: &mut Recording, lanes: &Lanes, count: u32, (first, stride): (u32, u32), values: Span, out: Span) {
    let params = Params { count, parts: count.div_ceil(PART), stride, first };
    let [x, y, _] = fold_grid(u64::from(params.parts), 4);
    let bound = [lanes.table, values, out];
    let cost = 2 * u64::from(count) * u64::from(lanes.count);
    rec.dispatch(&KERNEL, Variant::plain(), &params, &bound, lanes.grid(x, y), cost);
}

/// A part is the sums of 16 members in order.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, values, mut out) = (call.read::<Lane>(1), call.read::<f32>(2), call.write::<f32>(3));
    for (z, lane) in lanes[..call.grid[2] as usize].iter().enumerate() {
        for part in 0..p.parts {
            let first = (lane.weight_base + part * PART) as usize;
            let sum = team_sum(16, (p.count - part * PART).min(PART) as usize, |i| values[first + i].powi(2));
            out[z * p.stride as usize + (p.first + part) as usize] = sum;
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, lanes): (u32, usize)| {
        // A square, and the sums of eight values and of 16 members, all of one sign.
        Case::new(format!("square_sums {count} values {lanes} lanes"), rounding(1 + 8 + 16), move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride);
            let values = f.random("values", (lanes.count * stride) as usize);
            let parts = count.div_ceil(PART);
            let out = f.blank("out", (lanes.count * (parts + 2)) as usize);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, count, (1, parts + 2), values, out);
            rec.read_back(out);
            rec
        })
    };
    [(1, 1), (128, 2), (1003, 3), (70_001, 2)].map(case).into()
}
