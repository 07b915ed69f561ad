//! Gradient of the logits of softmax and cross-entropy.

use super::lib::math::exp_f32;
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, rounding};
use super::softmax_xent::{Params, best_and_sum, input, launch};
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("softmax_xent_grad", twin);

/// Records `dlogits = (softmax - onehot) * coef`, with `coef` of the lane.
pub fn record(rec: &mut Recording, lanes: &Lanes, classes: u32, logits: Span, labels: Span, dlogits: Span) {
    let (grid, cost) = launch(lanes, classes, 50);
    let bound = [lanes.table, logits, labels, dlogits];
    rec.dispatch(&KERNEL, Variant::plain(), &Params { classes }, &bound, grid, cost);
}

/// Gradient of the logits.
fn twin(call: &Call<'_>) {
    let classes = call.params::<Params>().classes as usize;
    let (lanes, logits, labels) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<u32>(3));
    let mut dlogits = call.write::<f32>(4);
    for lane in &lanes[..call.grid[2] as usize] {
        for r in 0..lane.rows as usize {
            let first = (lane.row0 as usize + r) * classes;
            let logits = &logits[first..][..classes];
            let label = labels[lane.x_row as usize + r] as usize;
            let (best, sum) = best_and_sum(logits);
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
    let case = |(rows, classes): (&'static [u32], u32)| {
        let name = format!("softmax_xent_grad {} lanes {classes} classes", rows.len());
        Case::new(name, rounding(classes + 40), move |f| {
            let lanes = f.lanes(rows, 0);
            let (logits, labels) = input(f, lanes.rows, classes);
            let dlogits = f.blank("dlogits", lanes.rows as usize * classes as usize);
            let mut rec = Recording::new();
            record(&mut rec, &lanes, classes, logits, labels, dlogits);
            rec.read_back(dlogits);
            rec
        })
    };
    [(&[1][..], 1), (&[70, 3, 130], 10), (&[2, 5], 103), (&[2], 65_535)].map(case).into()
}
