//! The factor that clips each lane's gradient, from the sums of [`super::square_sums`].

use super::lib::scales::SCALED;
use super::lib::tree::tree_sum;
use super::lib::{Case, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("clip_factor", twin).with_defines(&[SCALED]);

params! {
    /// The uniform block.
    pub struct Params {
        /// Sums of a lane.
        pub parts: u32,
        /// f32 from one lane's sums to the next's.
        pub stride: u32,
        /// The length that isn't passed.
        pub limit: f32,
    }
}

/// Records `out[lane] = limit / n` where the length `n`, the root of the lane's sums of squares, is longer than `limit`, else 1. `scaled`: the
/// gradient is to be multiplied by what `out` holds, which is multiplied by the factor that clips what that makes of it.
pub fn record(rec: &mut Recording, lanes: u32, params: &Params, scaled: bool, sums: Span, out: Span) {
    let cost = u64::from(params.parts) * u64::from(lanes);
    let variant = if scaled { Variant::plain().define(SCALED) } else { Variant::plain() };
    rec.dispatch(&KERNEL, variant, params, &[sums, out], [1, 1, lanes], cost);
}

/// A lane's factor.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (sums, mut out) = (call.read::<f32>(1), call.write::<f32>(2));
    for (z, out) in out[..call.grid[2] as usize].iter_mut().enumerate() {
        let before = if call.variant.defines().contains(&SCALED) { *out } else { 1.0 };
        let length = tree_sum(p.parts as usize, |part| sums[z * p.stride as usize + part]).sqrt() * before;
        *out = before * if length > p.limit { p.limit / length } else { 1.0 };
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(parts, lanes, scaled): (u32, u32, bool)| {
        let name = format!("clip_factor {parts} sums {lanes} lanes{}", if scaled { " scaled" } else { "" });
        // Each thread adds its parts, and the tree the threads, in one order: the sum is the same to the bit; a root of 4 ulp and a quotient of 2.5.
        Case::new(name, rounding(13), move |f| {
            let stride = parts + 2;
            // Zeros only in one lane; in the others anything from 0 to 1, which another order would add to another sum. Some lengths pass the
            // limit, and none is near it.
            let part = |i: u32| (i + 1).wrapping_mul(0x9e37_79b9) as f32 / 2f32.powi(32);
            let sum = |i: u32| if i / stride == 1 { 0.0 } else { part(i) };
            let sums: Vec<f32> = (0..lanes * stride).map(sum).collect();
            let sums = f.buffer("sums", &sums);
            let before: Vec<f32> = (0..=lanes).map(|lane| if lane == 1 { 0.0 } else { 0.5 }).collect();
            let out = if scaled { f.buffer("out", &before) } else { f.blank("out", lanes as usize + 1) };
            let mut rec = Recording::new();
            record(&mut rec, lanes, &Params { parts, stride, limit: 3.3 }, scaled, sums, out);
            rec.read_back(out);
            rec
        })
    };
    // The last is the paper's ResNet18: 11,173,962 weights.
    [(1, 1, false), (63, 3, false), (1003, 3, false), (1003, 3, true), (87_297, 2, false)].map(case).into()
}
