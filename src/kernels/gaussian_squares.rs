//! Squared lengths of gaussian directions, in parts: what puts them on the sphere.

use super::lib::tree::tree_sum;
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::stream::{self, Distribution};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("gaussian_squares", twin);

/// Blocks of four elements of a part. Where parts begin follows from the direction's length alone.
const PART_BLOCKS: u32 = 2048;

/// Operations of a block: a Philox block, two logarithms, roots, sines and cosines.
const BLOCK_COST: u64 = 200;

/// Operations of one launch, so that a submission can end between.
const LAUNCH_COST: u64 = 500_000_000;

params! {
    /// Uniform block.
    pub struct Params {
        /// Elements of a direction.
        pub elements: u32,
        /// Parts of a direction.
        pub parts: u32,
        /// First (direction, part) of the launch.
        pub first: u32,
        /// The one behind its last.
        pub end: u32,
    }
}

/// Parts of a direction of so many elements.
pub fn parts(elements: u32) -> u32 {
    elements.div_ceil(4 * PART_BLOCKS)
}

/// Records the sums of squares of the parts of `count` directions of `elements` elements: `seeds` are (low, high) u32 each, `out` f32
/// `[count][parts]`.
pub fn record(rec: &mut Recording, seeds: Span, count: u32, elements: u32, out: Span) {
    let parts = parts(elements);
    let (items, cost) = (u64::from(count) * u64::from(parts), u64::from(PART_BLOCKS) * BLOCK_COST);
    let step = (LAUNCH_COST / cost).max(1);
    let variant = Variant::plain().with("PART_BLOCKS", PART_BLOCKS);
    let mut first = 0;
    while first < items {
        let end = items.min(first + step);
        let params = Params { elements, parts, first: first as u32, end: end as u32 };
        let grid = fold_grid(end - first, 1);
        rec.dispatch(&KERNEL, variant.clone(), &params, &[seeds, out], grid, (end - first) * cost);
        first = end;
    }
}

fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let seeds = call.read::<[u32; 2]>(1);
    let mut out = call.write::<f32>(2);
    let length = 4 * call.variant.get("PART_BLOCKS", 64) as usize;
    for item in p.first..p.end {
        let [low, high] = seeds[(item / p.parts) as usize];
        let first = (item % p.parts) as usize * length;
        let mut e = vec![0.0f32; length];
        let inside = length.min(p.elements as usize - first);
        stream::fill(Distribution::Gaussian, u64::from(low) | u64::from(high) << 32, first as u64, &mut e[..inside]);
        // Of each place in the blocks.
        let of = |k: usize| tree_sum(length / 4, |block| e[4 * block + k] * e[4 * block + k]);
        out[item as usize] = (of(0) + of(1)) + (of(2) + of(3));
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(elements, count): (u32, u32)| {
        // An element is within 1e-5 (1 + |e|) on either side; over many the mean of |e| (1 + |e|) is 1.8 times that of e^2, and a square
        // has twice the error. 32 squares a thread and place, and a tree.
        Case::new(format!("gaussian_squares {count} of {elements}"), 7.2e-5 + rounding(32 + 9), move |f| {
            let seeds = f.words(2 * count as usize);
            let (seeds, out) = (f.buffer("seeds", &seeds), f.blank("out", (count * parts(elements)) as usize));
            let mut rec = Recording::new();
            record(&mut rec, seeds, count, elements, out);
            rec.read_back(out);
            rec
        })
    };
    // The last takes two launches.
    [(1, 3), (5, 1), (8192, 2), (8193, 2), (30_003, 5), (8193, 650)].map(case).into()
}
