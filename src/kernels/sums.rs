//! Sums and counts over samples.

use super::fold_grid;
use super::params::Lanes;
use crate::recording::kernel::{Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::reference;

/// Sum of per-sample values of a lane.
pub static LANE_SUM: Kernel = Kernel::new::<LaneSumParams>("lane_sum", reference::sums::lane_sum);

/// Loss difference and mean loss of a probe.
pub static PROBE_DL: Kernel = Kernel::new::<ProbeDlParams>("probe_dl", reference::sums::probe_dl);

/// The same from sums of parts of a probe's samples.
pub static PROBE_MEAN: Kernel = Kernel::new::<ProbeDlParams>("probe_mean", reference::sums::probe_mean);

/// Samples of a part of a probe's losses. Where parts begin follows from the client's samples alone.
const PART_SAMPLES: u32 = 4096;

/// Hits and misses per class.
pub static CLASS_COUNT: Kernel = Kernel::new::<ClassCountParams>("class_count", reference::sums::class_count);

params! {
    /// Uniform block of `lane_sum`.
    pub struct LaneSumParams {
        /// Lanes.
        pub lanes: u32,
    }
}

params! {
    /// Uniform block of `probe_dl` and `probe_mean`.
    pub struct ProbeDlParams {
        /// Probes.
        pub probes: u32,
        /// Parts of the largest probe.
        pub parts: u32,
    }
}

params! {
    /// Uniform block of `class_count`.
    pub struct ClassCountParams {
        /// Samples.
        pub rows: u32,
        /// First label.
        pub label_row: u32,
        /// First hit flag.
        pub correct_row: u32,
    }
}

/// Records `out[lane] = sum of values[out_row .. out_row + rows]`, f32. Lanes are at most 65,535; one of no rows gives 0.
pub fn record_lane_sum(rec: &mut Recording, lanes: &Lanes, values: Span, out: Span) {
    let params = LaneSumParams { lanes: lanes.count };
    let bound = [lanes.table, values, out];
    rec.dispatch(&LANE_SUM, Variant::plain(), &params, &bound, [1, 1, lanes.count], lanes.rows);
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

    /// Bytes of room for parts that [`record_probe_dl`] needs.
    pub fn part_bytes(&self) -> u64 {
        if self.parts() == 1 { 0 } else { 8 * u64::from(self.parts()) * u64::from(self.count) }
    }
}

/// Records (mean of l+ - l-, mean of (l+ + l-) / 2) f32 per probe. `parts` has room for [`Probes::part_bytes`].
pub fn record_probe_dl(rec: &mut Recording, probes: &Probes, loss: Span, parts: Span, out: Span) {
    let params = ProbeDlParams { probes: probes.count, parts: probes.parts() };
    let [x, y, _] = fold_grid(u64::from(probes.count), 1);
    let variant = Variant::plain().with("PART_SAMPLES", PART_SAMPLES);
    let sums = if params.parts == 1 { out } else { parts };
    let bound = [probes.table, loss, sums];
    rec.dispatch(&PROBE_DL, variant, &params, &bound, [x, y, params.parts], 4 * probes.losses);
    if params.parts > 1 {
        let grid = fold_grid(u64::from(params.probes), 64);
        let cost = 2 * u64::from(params.parts) * u64::from(params.probes);
        rec.dispatch(&PROBE_MEAN, Variant::plain(), &params, &[probes.table, sums, out], grid, cost);
    }
}

/// Records `counts[2 label + correct] += 1` (u32) over samples.
pub fn record_class_count(rec: &mut Recording, params: &ClassCountParams, labels: Span, correct: Span, counts: Span) {
    let items = u64::from(params.rows);
    let bound = [labels, correct, counts];
    rec.dispatch(&CLASS_COUNT, Variant::plain(), params, &bound, fold_grid(items, 64), 4 * items);
}
