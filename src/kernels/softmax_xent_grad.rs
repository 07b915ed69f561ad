//! Gradient of the logits of softmax and cross-entropy.

use super::lib::math::exp_f32;
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, rounding};
use super::softmax_xent::{CASES, MASKED, Params, Scored, best_and_sum, input, launch, masked, name, row};
use crate::recording::kernel::{Call, Kernel};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("softmax_xent_grad", twin).with_defines(&[MASKED]);

/// Records `dlogits = (softmax - onehot) * coef`, with `coef` of the lane; 0 for classes that its client doesn't hold.
pub fn record(rec: &mut Recording, lanes: &Lanes, scored: &Scored, dlogits: Span) {
    let (grid, cost) = launch(lanes, scored.classes, 50);
    let mut bound = vec![lanes.table, scored.logits, scored.labels, dlogits];
    let (variant, params) = masked(scored.classes, scored.held, &mut bound);
    rec.dispatch(&KERNEL, variant, &params, &bound, grid, cost);
}

/// Gradient of the logits.
fn twin(call: &Call<'_>) {
    let classes = call.params::<Params>().classes as usize;
    let (lanes, logits, labels) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<u32>(3));
    let mut dlogits = call.write::<f32>(4);
    for lane in &lanes[..call.grid[2] as usize] {
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
                dlogits[first + c] = d * lane.coef;
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(rows, classes, some): (&'static [u32], u32, bool)| {
        Case::new(name("softmax_xent_grad", (rows, classes, some)), rounding(classes + 40), move |f| {
            let (lanes, scored) = input(f, rows, classes, some);
            let dlogits = f.blank("dlogits", lanes.rows as usize * classes as usize);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, &scored, dlogits);
            rec.read_back(dlogits);
            rec
        })
    };
    CASES.map(case).into()
}
