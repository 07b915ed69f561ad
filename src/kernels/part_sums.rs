//! The second pass of long sums over a lane's rows ([`super::parts`]): adds the parts to a gradient, one after another.

use super::lib::Case;
use super::lib::fold_grid;
use super::lib::params::{Lane, Lanes, SAMPLE_BLOCK};
use super::lib::parts::{Cut, Launch, SumSplit, Target, Tensors, parts};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("part_sums", twin);

params! {
    /// Uniform block of `part_sums`.
    pub struct Params {
        /// The launch whose parts are added.
        pub cut: Cut,
        /// f32 of a part.
        pub size: u32,
        /// Flat index of the first tensor.
        pub offset: u32,
        /// f32 of the first tensor; those behind are the second's.
        pub first_size: u32,
        /// Flat index of the second.
        pub second_offset: u32,
        /// 1: the sums go on from what is there.
        pub accumulate: u32,
        /// Taps and channels of a row, in parts that have the latter innermost; 1 tap: parts lie as the tensors do.
        pub taps: u32,
        /// Alike.
        pub channels: u32,
    }
}

/// Records a sum over the rows of each lane, of `cost` operations in all: `pass` records a launch of its kernel, which adds to the tensors
/// themselves where the sum isn't split, else leaves parts that are added to the tensors here. A whole sum has parts of a block of `row`
/// times [`SAMPLE_BLOCK`] units.
#[expect(clippy::too_many_arguments, reason = "a launch's parts, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    split: Option<SumSplit>,
    row: u32,
    tensors: &Tensors,
    accumulate: u32,
    cost: u64,
    target: &Target,
    mut pass: impl FnMut(&mut Recording, &Launch, &Tensors),
) {
    let Some(split) = split else {
        let block = SAMPLE_BLOCK * row;
        let cut = Cut { row, block, part: block, ..Cut::default() };
        let layers = lanes.grid(1, 1)[2];
        let launch = Launch { cut, layers, sums: target.gradients, accumulate, cost };
        return pass(rec, &launch, tensors);
    };
    let size = tensors.size();
    let all = (split.parts(lanes.max_rows) * u64::from(lanes.count)).max(1);
    let in_part = Tensors { first: (0, tensors.first.1), second: (tensors.first.1, tensors.second.1), ..*tensors };
    for (cut, count) in split.launches(lanes, size, target.parts) {
        let layers = count * cut.parts;
        let sums = Span { bytes: 4 * u64::from(layers) * u64::from(size), ..target.parts };
        let cost = (u128::from(cost) * u128::from(layers) / u128::from(all)) as u64;
        pass(rec, &Launch { cut, layers, sums, accumulate: 0, cost }, &in_part);
        let params = Params {
            cut,
            size,
            offset: tensors.first.0,
            first_size: tensors.first.1,
            second_offset: tensors.second.0,
            accumulate: if cut.first_part > 0 { 1 } else { accumulate },
            taps: tensors.taps.0,
            channels: tensors.taps.1,
        };
        let [x, y, _] = fold_grid(u64::from(size), 64);
        let bound = [lanes.table, sums, target.gradients];
        let cost = 2 * u64::from(layers) * u64::from(size);
        rec.dispatch(&KERNEL, Variant::plain(), &params, &bound, [x, y, count], cost);
    }
}

/// The gradient, or 0, and the parts in order.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (lanes, sums) = (call.read::<Lane>(1), call.read::<f32>(2));
    let mut gradients = call.write::<f32>(3);
    for z in 0..call.grid[2] {
        let lane = lanes[(p.cut.first_lane + z) as usize];
        let all = parts(&p.cut, lane.rows).len() as u32;
        let count = p.cut.parts.min(all.saturating_sub(p.cut.first_part));
        for element in 0..p.size {
            let tensor = match element.checked_sub(p.first_size) {
                Some(second) => p.second_offset + second,
                None if p.taps > 1 => {
                    let (row, tap) = (element / (p.taps * p.channels), element / p.channels % p.taps);
                    p.offset + (row * p.channels + element % p.channels) * p.taps + tap
                }
                None => p.offset + element,
            };
            let gradient = &mut gradients[lane.weight_base.wrapping_add(tensor) as usize];
            let start = if p.accumulate == 1 { *gradient } else { 0.0 };
            let part = |part| sums[((z * p.cut.parts + part) * p.size + element) as usize];
            *gradient = (0..count).map(part).fold(start, |total, part| total + part);
        }
    }
}

/// Self-test cases: none of its own. Each sum that is split runs it, with one part, several, and a ragged last one.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
