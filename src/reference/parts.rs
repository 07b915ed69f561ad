//! Sums over a lane's rows in parts, as twins of kernels take them, and the twin of `part_sums`.

use std::ops::Range;

use crate::kernels::params::Lane;
use crate::kernels::parts::{Cut, Params};
use crate::recording::kernel::Call;

/// What the workgroups of one layer of a grid sum.
pub struct Work {
    /// The lane's number.
    pub index: usize,
    /// The lane.
    pub lane: Lane,
    /// Units of each part.
    pub parts: Vec<Range<usize>>,
    /// Where the sums' elements begin.
    pub base: u32,
}

/// Units of all parts of a lane of so many rows.
fn parts(cut: &Cut, rows: u32) -> Vec<Range<usize>> {
    let units = (rows * cut.row) as usize;
    let blocks = (0..units).step_by(cut.block as usize);
    let cut_block = |block: usize| {
        let end = units.min(block + cut.block as usize);
        (block..end).step_by(cut.part as usize).map(move |first| first..end.min(first + cut.part as usize))
    };
    blocks.flat_map(cut_block).collect()
}

/// What each layer of workgroups does; those whose lane has no such part do nothing. `size`: elements of a part.
pub fn work(cut: &Cut, lanes: &[Lane], layers: u32, size: u32) -> Vec<Work> {
    let of_layer = |z: u32| {
        if cut.parts == 0 {
            let (index, lane) = (z as usize, lanes[z as usize]);
            return Some(Work { index, lane, parts: parts(cut, lane.rows), base: lane.weight_base });
        }
        let index = (cut.first_lane + z / cut.parts) as usize;
        let part = (cut.first_part + z % cut.parts) as usize;
        let part = parts(cut, lanes[index].rows).get(part)?.clone();
        Some(Work { index, lane: lanes[index], parts: vec![part], base: z * size })
    };
    (0..layers).filter_map(of_layer).collect()
}

/// The gradient, or 0, and the parts in order.
pub fn part_sums(call: &Call<'_>) {
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
                None => p.offset + element,
            };
            let gradient = &mut gradients[lane.weight_base.wrapping_add(tensor) as usize];
            let start = if p.accumulate == 1 { *gradient } else { 0.0 };
            let part = |part| sums[((z * p.cut.parts + part) * p.size + element) as usize];
            *gradient = (0..count).map(part).fold(start, |total, part| total + part);
        }
    }
}
