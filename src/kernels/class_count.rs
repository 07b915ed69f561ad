//! Hits and misses per class.

use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("class_count", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Samples.
        pub rows: u32,
        /// First label.
        pub label_row: u32,
        /// First hit flag.
        pub correct_row: u32,
    }
}

/// Records `counts[2 label + correct] += 1` (u32) over samples.
pub fn record(rec: &mut Recording, params: &Params, labels: Span, correct: Span, counts: Span) {
    let items = u64::from(params.rows);
    let bound = [labels, correct, counts];
    rec.dispatch(&KERNEL, Variant::plain(), params, &bound, fold_grid(items, 64), 4 * items);
}

/// Hits and misses per class.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (labels, correct) = (call.read::<u32>(1), call.read::<u32>(2));
    let mut counts = call.write::<u32>(3);
    for r in 0..p.rows as usize {
        counts[(labels[p.label_row as usize + r] * 2 + correct[p.correct_row as usize + r]) as usize] += 1;
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |rows: u32| {
        Case::new(format!("class_count {rows} rows"), 0.0, move |f| {
            let labels: Vec<u32> = f.words(rows as usize + 2).iter().map(|w| w % 10).collect();
            let correct: Vec<u32> = f.words(rows as usize + 1).iter().map(|w| w % 2).collect();
            let (labels, correct) = (f.buffer("labels", &labels), f.buffer("correct", &correct));
            let counts = f.buffer("counts", &[3u32; 20]);
            let params = Params { rows, label_row: 2, correct_row: 1 };
            let mut rec = Recording::new();
            record(&mut rec, &params, labels, correct, counts);
            rec.read_back(counts);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [1, 777, 65_536 * 64 + 5].map(case).into()
}
