//! Loss difference and mean loss of a probe.

use super::lib::tree::tree_sum;
use super::lib::{Case, fold_grid, rounding};
use super::probe_mean;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("probe_dl", twin);

/// Samples of a part of a probe's losses. Where parts begin follows from the client's samples alone.
const PART_SAMPLES: u32 = 4096;

/// Probes of a workgroup.
const PROBES: u32 = 8;

params! {
    /// Uniform block of this kernel and of `probe_mean`.
    pub struct Params {
        /// Probes.
        pub probes: u32,
        /// Parts of the largest probe.
        pub parts: u32,
    }
}

/// The probes of a round.
#[derive(Clone, Copy, Debug)]
pub struct Probes {
    /// (plus row, minus row, rows, 0) u32 each.
    pub table: Span,
    /// How many.
    pub count: u32,
    /// Samples of the largest.
    pub most: u32,
    /// Losses of all together.
    pub losses: u64,
}

impl Probes {
    fn parts(&self) -> u32 {
        self.most.div_ceil(PART_SAMPLES).max(1)
    }

    /// Bytes of room for parts that [`record`] needs.
    pub fn part_bytes(&self) -> u64 {
        if self.parts() == 1 { 0 } else { 8 * u64::from(self.parts()) * u64::from(self.count) }
    }
}

/// Records (mean of l+ - l-, mean of (l+ + l-) / 2) f32 per probe. `parts` has room for [`Probes::part_bytes`].
pub fn record(rec: &mut Recording, probes: &Probes, loss: Span, parts: Span, out: Span) {
    let params = Params { probes: probes.count, parts: probes.parts() };
    let [x, y, _] = fold_grid(u64::from(probes.count), PROBES);
    let variant = Variant::plain().with("PART_SAMPLES", PART_SAMPLES);
    let sums = if params.parts == 1 { out } else { parts };
    let bound = [probes.table, loss, sums];
    rec.dispatch(&KERNEL, variant, &params, &bound, [x, y, params.parts], 4 * probes.losses);
    if params.parts > 1 {
        probe_mean::record(rec, &params, probes.table, sums, out);
    }
}

/// Mean difference and mean loss of each probe, or the sums of its parts.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (probes, loss) = (call.read::<[u32; 4]>(1), call.read::<f32>(2));
    let mut out = call.write::<[f32; 2]>(3);
    let samples = call.variant.get("PART_SAMPLES", 64) as usize;
    for (&[plus, minus, rows, _], out) in probes.iter().zip(out.chunks_mut(p.parts as usize)).take(p.probes as usize) {
        let at = |r: usize| (loss[plus as usize + r], loss[minus as usize + r]);
        for (part, out) in out.iter_mut().enumerate() {
            let first = part * samples;
            let count = (rows as usize).saturating_sub(first).min(samples);
            let difference = tree_sum(count, |r| at(first + r).0 - at(first + r).1);
            let mean = tree_sum(count, |r| (at(first + r).0 + at(first + r).1) * 0.5);
            *out = if p.parts == 1 { [difference / rows as f32, mean / rows as f32] } else { [difference, mean] };
        }
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
            let probes = Probes { table, count: probes, most: rows, losses: u64::from(samples) };
            let parts = f.blank("parts", (probes.part_bytes() / 4) as usize);
            record(&mut rec, &probes, loss, parts, out);
            rec.read_back(out);
            rec
        })
    };
    // One part, of fewer samples than a team's sums and of more; three, the last ragged, of some probes two; more than 65,535 workgroups.
    let mut cases: Vec<Case> = [(1, 1), (9, 18), (7, 150), (3, 9001)].map(case).into();
    cases.push(case((8 * 65_536, 1)).large());
    cases
}
