//! Loss difference and mean loss of a probe.

use super::lib::tree::tree_sum;
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("probe_dl", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Probes.
        pub probes: u32,
    }
}

/// Records (mean of l+ - l-, mean of (l+ + l-) / 2) f32 per probe; `table` holds (plus row, minus row, rows, 0) u32 a probe,
/// `samples` estimates how many all probes have together.
pub fn record(rec: &mut Recording, probes: u32, samples: u64, table: Span, loss: Span, out: Span) {
    let grid = fold_grid(u64::from(probes), 1);
    rec.dispatch(&KERNEL, Variant::plain(), &Params { probes }, &[table, loss, out], grid, 4 * samples);
}

/// Mean difference and mean loss of each probe.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (probes, loss) = (call.read::<[u32; 4]>(1), call.read::<f32>(2));
    let mut out = call.write::<[f32; 2]>(3);
    for (&[plus, minus, rows, _], out) in probes.iter().zip(&mut out[..p.probes as usize]) {
        let at = |r: usize| (loss[plus as usize + r], loss[minus as usize + r]);
        let difference = tree_sum(rows as usize, |r| at(r).0 - at(r).1);
        let mean = tree_sum(rows as usize, |r| (at(r).0 + at(r).1) * 0.5);
        *out = [difference / rows as f32, mean / rows as f32];
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(probes, rows): (u32, u32)| {
        // The division has 2.5 units; the sums are the same bits everywhere.
        Case::new(format!("probe_dl {probes} probes {rows} rows"), rounding(6), move |f| {
            let samples = probes * 2 * rows;
            let table: Vec<[u32; 4]> =
                (0..probes).map(|p| [2 * p * rows, (2 * p + 1) * rows, rows - p % 2 * (rows / 3), 0]).collect();
            let (table, loss) = (f.buffer("probes", &table), f.random("loss", samples as usize));
            let out = f.blank("out", 2 * probes as usize);
            let mut rec = Recording::new();
            record(&mut rec, probes, u64::from(samples), table, loss, out);
            rec.read_back(out);
            rec
        })
    };
    [(1, 1), (7, 150), (65_537, 1)].map(case).into()
}
