//! Adding up launches that are alike.

use std::collections::BTreeMap;

use serde::Serialize;

use super::shape::{shape, way};
use crate::bench::{Ceiling, Ceilings};
use crate::device::timeline::{Event, Ran};

/// Launches of a kernel on one shape, in a phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KernelRow {
    /// `warmup`, `zo` or `eval`.
    pub phase: &'static str,
    /// Its name; in parentheses what moves bytes without a kernel.
    pub kernel: &'static str,
    /// How it computes a product, with the sizes of a tile that was chosen; empty where there is one way.
    pub way: String,
    /// The sizes it works on.
    pub shape: String,
    /// Launches.
    pub count: u64,
    /// Seconds of all of them.
    pub seconds: f64,
    /// Their share of the phase's device time.
    pub share: f64,
    /// Estimated operations, in 1e9 a second.
    pub gflop_s: f64,
    /// Share of the measured rate of multiply-adds; of that of cooperative matrices where it computes with them.
    pub of_madd: f64,
    /// Bytes of the operands, each once, in 1e9 a second.
    pub gb_s: f64,
    /// Share of the measured rate of copies.
    pub of_copy: f64,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    count: u64,
    seconds: f64,
    operations: f64,
    bytes: f64,
}

/// The rows of a phase's events, what took longest first.
pub fn rows(phase: &'static str, events: &[Event], ceilings: &Ceilings) -> Vec<KernelRow> {
    let mut sums: BTreeMap<(&'static str, String, String), Sum> = BTreeMap::new();
    for event in events {
        let (key, operations, bytes) = match &event.ran {
            Ran::Kernel(d) => ((d.kernel.name, way(d), shape(d)), d.cost, d.bytes),
            Ran::Move { what, bytes } => ((parenthesised(what), String::new(), String::new()), 0, *bytes),
        };
        let sum = sums.entry(key).or_default();
        sum.count += 1;
        sum.seconds += event.seconds;
        sum.operations += operations as f64;
        sum.bytes += bytes as f64;
    }
    let total: f64 = sums.values().map(|sum| sum.seconds).sum();
    let mut rows: Vec<KernelRow> = sums
        .into_iter()
        .map(|((kernel, way, shape), sum)| {
            let rate = |amount: f64| if sum.seconds > 0.0 { amount / sum.seconds } else { 0.0 };
            // Three products of f16 stand for one of split operands.
            let (bound, times) = match way.split(' ').next() {
                Some("matrix") if ceilings.matrix_gflop_s > 0.0 => (Ceiling::Matrix, 1.0),
                Some("matrix3") if ceilings.matrix_gflop_s > 0.0 => (Ceiling::Matrix, 3.0),
                _ => (Ceiling::Madd, 1.0),
            };
            KernelRow {
                phase,
                kernel,
                way,
                shape,
                count: sum.count,
                seconds: sum.seconds,
                share: if total > 0.0 { sum.seconds / total } else { 0.0 },
                gflop_s: 1e-9 * rate(sum.operations),
                of_madd: times * rate(sum.operations) / ceilings.rate(bound),
                gb_s: 1e-9 * rate(sum.bytes),
                of_copy: rate(sum.bytes) / ceilings.rate(Ceiling::Copy),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    rows
}

fn parenthesised(what: &'static str) -> &'static str {
    match what {
        "upload" => "(upload)",
        "clear" => "(clear)",
        "copy" => "(copy)",
        "read back" => "(read back)",
        "copy to texels" => "(copy to texels)",
        _ => "(other)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_events_are_one_row_and_shares_add_up() {
        let moved = |what, seconds| Event { ran: Ran::Move { what, bytes: 4_000 }, start: 0.0, seconds };
        let ceilings = Ceilings { copy_gb_s: 2e-3, madd_gflop_s: 1.0, store_gb_s: 1.0, ..Ceilings::default() };
        let rows = rows("zo", &[moved("copy", 0.001), moved("clear", 0.001), moved("copy", 0.005)], &ceilings);
        let told: Vec<_> = rows.iter().map(|r| (r.kernel, r.count, r.seconds, r.share)).collect();
        assert_eq!(told, [("(copy)", 2, 0.006, 0.006 / 0.007), ("(clear)", 1, 0.001, 0.001 / 0.007)]);
        // 8,000 bytes in 6 ms are 1.33 MB/s, of 2.
        assert!((rows[0].gb_s - 8e-3 / 6.0).abs() < 1e-9 && (rows[0].of_copy - 4.0 / 6.0).abs() < 1e-9, "{rows:?}");
    }
}
