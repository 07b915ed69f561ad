//! Gradient of the logits of softmax and cross-entropy.

use super::lib::math::exp_f32;
use super::lib::params::{Lane, Lanes};
use super::lib::scales::{SCALED, Scales, WORDS};
use super::lib::{Case, rounding};
use super::softmax_xent::{CASES, MASKED, Params, STRIDE, Scored, best_and_sum, input, launch, masked, name, row};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("softmax_xent_grad", twin).with_defines(&[MASKED, SCALED]);

/// Records `dlogits = (softmax - onehot) * coef`, with `coef` of the lane, times its client's scale where there are `scales`; 0 for classes
/// that the client doesn't hold.
pub fn record(rec: &mut Recording, lanes: &Lanes, scored: &Scored, scales: Option<&Scales>, dlogits: Span) {
    let (grid, cost) = launch(lanes, 64, scored.classes, 50);
    let mut bound = vec![lanes.table, scored.logits, scored.labels, dlogits];
    let (mut variant, mut params) = masked(scored.classes, scored.held, &mut bound);
    if let Some(scales) = scales {
        variant = variant.define(SCALED);
        params.stride = scales.stride;
        bound.push(scales.words);
    }
    rec.dispatch(&KERNEL, variant, &params, &bound, grid, cost);
}

/// Gradient of the logits.
fn twin(call: &Call<'_>) {
    let Params { classes, stride } = call.params();
    let classes = classes as usize;
    let has = |name| call.variant.defines().contains(&name);
    let scales = has(SCALED).then(|| call.read::<u32>(if has(MASKED) { 6 } else { 5 }));
    let (lanes, logits, labels) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<u32>(3));
    let mut dlogits = call.write::<f32>(4);
    for lane in &lanes[..call.grid[2] as usize] {
        let scale = |words: &[u32]| f32::from_bits(words[(lane.weight_base / stride) as usize * WORDS]);
        let coef = lane.coef * scales.as_ref().map_or(1.0, |words| scale(words));
        for r in 0..lane.rows as usize {
            let first = (lane.row0 as usize + r) * classes;
            let logits = row(call, lane, &logits, first, 5);
            let label = labels[lane.x_row as usize + r] as usize;
            let (best, sum) = best_and_sum(&logits);
            let whole = 1.0 + sum;
            for c in 0..classes {
                let p = if c == best { 1.0 } else { exp_f32(logits[c] - logits[best]) };
                let d = match (c == label, c == best) {
                    (false, _) => p / whole,
                    (true, true) => -sum / whole,
                    (true, false) => p / whole - 1.0,
                };
                dlogits[first + c] = d * coef;
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(of, scaled): ((&'static [u32], u32, bool), bool)| {
        let (rows, classes, some) = of;
        let name = name("softmax_xent_grad", of) + if scaled { " scaled" } else { "" };
        Case::new(name, rounding(classes + 40), move |f| {
            let (lanes, scored) = input(f, rows, classes, some);
            let dlogits = f.blank("dlogits", lanes.rows as usize * classes as usize);
            let mut rec = Recording::new();
            let words = |i: u32| [(16.0f32 * f32::from(i as u8 + 1).exp2()).to_bits(), 0, 0, 0];
            let words = f.buffer("scales", &(0..lanes.count).flat_map(words).collect::<Vec<u32>>());
            let scales = Scales { words, stride: STRIDE };
            record(&mut rec, &lanes, &scored, scaled.then_some(&scales), dlogits);
            rec.read_back(dlogits);
            rec
        })
    };
    let scaled = [2, 6].map(|i| (CASES[i], true));
    CASES.into_iter().map(|of| (of, false)).chain(scaled).map(case).collect()
}
