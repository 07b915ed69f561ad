//! Which clients' gradients hold a value that is no finite number.

use super::lib::params::{Lane, Lanes};
use super::lib::scales::{Scales, WORDS};
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("overflow", twin);

/// Values of a workgroup.
const GROUP: u64 = 256;

params! {
    /// The uniform block.
    pub struct Params {
        /// Values of a lane.
        pub count: u32,
        /// f32 from one client's weights to the next's.
        pub stride: u32,
    }
}

/// Records the mark (word 1 of [`Scales`]) of each lane's client that has an infinite value or none among its `count` ones.
pub fn record(rec: &mut Recording, lanes: &Lanes, count: u32, values: Span, scales: &Scales) {
    let [x, y, _] = fold_grid(u64::from(count).div_ceil(GROUP), 1);
    let bound = [lanes.table, values, scales.words];
    let params = Params { count, stride: scales.stride };
    let cost = u64::from(count) * u64::from(lanes.count);
    rec.dispatch(&KERNEL, Variant::plain(), &params, &bound, lanes.grid(x, y), cost);
}

/// A mark for each lane with a value that isn't finite.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, values, mut words) = (call.read::<Lane>(1), call.read::<f32>(2), call.write::<u32>(3));
    for lane in &lanes[..call.grid[2] as usize] {
        let own = &values[lane.weight_base as usize..][..p.count as usize];
        if own.iter().any(|value| !value.is_finite()) {
            words[(lane.weight_base / p.stride) as usize * WORDS + 1] = 1;
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, lanes): (u32, usize)| {
        Case::new(format!("overflow {count} values {lanes} lanes"), 0.0, move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride);
            let mut values = f.values((lanes.count * stride) as usize);
            // The first lane's are finite, the largest and smallest among them, though not what lies behind; the second's last one is
            // none, the third's first infinite.
            values[0] = f32::MAX;
            values[count as usize - 1] = -f32::MIN_POSITIVE / 4.0;
            values[count as usize] = f32::NAN;
            if let Some(last) = values.get_mut((stride + count - 1) as usize) {
                *last = f32::NAN;
            }
            if let Some(first) = values.get_mut(2 * stride as usize) {
                *first = f32::NEG_INFINITY;
            }
            let values = f.buffer("values", &values);
            let words = f.buffer("words", &vec![7u32; lanes.count as usize * WORDS]);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, count, values, &Scales { words, stride });
            rec.read_back(words);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [(1, 3), (1023, 3), (70_001, 4), (65_536 * 256 + 5, 1)].map(case).into()
}
