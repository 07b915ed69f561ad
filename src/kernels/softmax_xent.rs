//! Softmax and cross-entropy: loss and hit per row.

use super::lib::math::{exp_f32, log1p_f32};
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, Fixture, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("softmax_xent", twin);

params! {
    /// Uniform block of this kernel and its gradient.
    pub struct Params {
        /// Classes.
        pub classes: u32,
    }
}

/// Grid and cost of this kernel and its gradient, at `per_value` operations a logit.
pub fn launch(lanes: &Lanes, classes: u32, per_value: u64) -> ([u32; 3], u64) {
    (lanes.grid(lanes.max_rows.div_ceil(64).min(65_535), 1), lanes.rows * u64::from(classes) * per_value)
}

/// Records `loss` (f32) and `correct` (u32, 0 or 1) at the lanes' `out_row`s; `labels` (u32) are indexed from `x_row`.
pub fn record(rec: &mut Recording, lanes: &Lanes, classes: u32, logits: Span, labels: Span, loss: Span, correct: Span) {
    let (grid, cost) = launch(lanes, classes, 25);
    let bound = [lanes.table, logits, labels, loss, correct];
    rec.dispatch(&KERNEL, Variant::plain(), &Params { classes }, &bound, grid, cost);
}

/// The first maximum's class and, over the other classes, the sum of `exp(logit - maximum)`.
pub fn best_and_sum(logits: &[f32]) -> (usize, f32) {
    let best = (1..logits.len()).fold(0, |best, c| if logits[c] > logits[best] { c } else { best });
    let mut sum = 0.0;
    for (c, &l) in logits.iter().enumerate() {
        if c != best {
            sum += exp_f32(l - logits[best]);
        }
    }
    (best, sum)
}

/// Loss and hit per row.
fn twin(call: &Call<'_>) {
    let classes = call.params::<Params>().classes as usize;
    let (lanes, logits, labels) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<u32>(3));
    let (mut loss, mut correct) = (call.write::<f32>(4), call.write::<u32>(5));
    for lane in &lanes[..call.grid[2] as usize] {
        for r in 0..lane.rows as usize {
            let logits = &logits[(lane.row0 as usize + r) * classes..][..classes];
            let label = labels[lane.x_row as usize + r] as usize;
            let (best, sum) = best_and_sum(logits);
            loss[lane.out_row as usize + r] = (logits[best] - logits[label]) + log1p_f32(sum);
            correct[lane.out_row as usize + r] = u32::from(best == label);
        }
    }
}

/// Logits and labels of a case.
pub fn input(f: &mut Fixture<'_>, rows: u64, classes: u32) -> (Span, Span) {
    let n = rows as usize;
    let logits: Vec<f32> = f.values(n * classes as usize).iter().map(|v| v * 8.0).collect();
    let labels: Vec<u32> = f.words(n).iter().map(|w| w % classes).collect();
    (f.buffer("logits", &logits), f.buffer("labels", &labels))
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(rows, classes): (&'static [u32], u32)| {
        // Per class an exponential (few ulp) and a sum; the logarithm's few.
        let name = format!("softmax_xent {} lanes {classes} classes", rows.len());
        Case::new(name, rounding(classes + 40), move |f| {
            let lanes = f.lanes(rows, 0);
            let (logits, labels) = input(f, lanes.rows, classes);
            let (loss, correct) = (f.blank("loss", lanes.rows as usize), f.blank("correct", lanes.rows as usize));
            let mut rec = Recording::new();
            record(&mut rec, &lanes, classes, logits, labels, loss, correct);
            rec.read_back(loss);
            rec.read_back(correct);
            rec
        })
    };
    // As many classes as a data set may have.
    [(&[1][..], 1), (&[1], 10), (&[70, 3, 130], 10), (&[2, 5], 103), (&[2], 65_535)].map(case).into()
}
