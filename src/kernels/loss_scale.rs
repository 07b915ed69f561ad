//! What a client's step makes of the scale of its loss.

use super::lib::Case;
use super::lib::params::{Lane, Lanes};
use super::lib::scales::{Scales, WORDS, reciprocal};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("loss_scale", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Lanes.
        pub count: u32,
        /// f32 from one client's weights to the next's.
        pub stride: u32,
        /// Bits of the least scale.
        pub least: u32,
    }
}

/// Records each lane's factor: 1 / scale, or 0 where [`super::overflow`] has marked its client, whose scale is halved then, `least` at the
/// least; one more skipped step is counted, and the mark taken back.
pub fn record(rec: &mut Recording, lanes: &Lanes, least: f32, scales: &Scales, factors: Span) {
    let params = Params { count: lanes.count, stride: scales.stride, least: least.to_bits() };
    let bound = [lanes.table, scales.words, factors];
    rec.dispatch(&KERNEL, Variant::plain(), &params, &bound, [lanes.count.div_ceil(64), 1, 1], lanes.count.into());
}

/// A lane's factor, and its client's scale.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let lanes = call.read::<Lane>(1);
    let (mut words, mut factors) = (call.write::<u32>(2), call.write::<f32>(3));
    for (lane, factor) in lanes[..p.count as usize].iter().zip(&mut factors[..]) {
        let own = &mut words[(lane.weight_base / p.stride) as usize * WORDS..][..WORDS];
        *factor = if own[1] == 0 { reciprocal(own[0]) } else { 0.0 };
        if own[1] != 0 {
            let half = f32::from_bits(own[0]) / 2.0;
            (own[0], own[1], own[2]) = (half.max(f32::from_bits(p.least)).to_bits(), 0, own[2] + 1);
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |count: usize| {
        Case::new(format!("loss_scale {count} lanes"), 0.0, move |f| {
            let lanes = f.lanes(&vec![1; count], 5);
            // Scales from the least on, each third client's step skipped.
            let words =
                |i: usize| [2f32.powi(i as i32 % 40 - 14).to_bits(), u32::from(i.is_multiple_of(3)), i as u32, 9];
            let words = f.buffer("words", &(0..count).flat_map(words).collect::<Vec<u32>>());
            let factors = f.blank("factors", count);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, 2f32.powi(-14), &Scales { words, stride: 5 }, factors);
            rec.read_back(words);
            rec.read_back(factors);
            rec
        })
    };
    [1, 63, 131].map(case).into()
}
