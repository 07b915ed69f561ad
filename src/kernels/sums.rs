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
    /// Uniform block of `probe_dl`.
    pub struct ProbeDlParams {
        /// Probes.
        pub probes: u32,
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

/// Records (mean of l+ - l-, mean of (l+ + l-) / 2) f32 per probe; `table` holds (plus row, minus row, rows, 0) u32 a probe,
/// `samples` estimates how many all probes have together.
pub fn record_probe_dl(rec: &mut Recording, probes: u32, samples: u64, table: Span, loss: Span, out: Span) {
    let grid = fold_grid(u64::from(probes), 1);
    rec.dispatch(&PROBE_DL, Variant::plain(), &ProbeDlParams { probes }, &[table, loss, out], grid, 4 * samples);
}

/// Records `counts[2 label + correct] += 1` (u32) over samples.
pub fn record_class_count(rec: &mut Recording, params: &ClassCountParams, labels: Span, correct: Span, counts: Span) {
    let items = u64::from(params.rows);
    let bound = [labels, correct, counts];
    rec.dispatch(&CLASS_COUNT, Variant::plain(), params, &bound, fold_grid(items, 64), 4 * items);
}
