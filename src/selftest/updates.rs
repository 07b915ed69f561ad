//! Cases of updates, sums and counts.

use super::{Case, rounding};
use crate::kernels::sums::{self, ClassCountParams};
use crate::kernels::update::{self, AverageParams};
use crate::recording::Recording;

/// Just above 65,535 workgroups of 64.
const MANY: u32 = 65_536 * 64 + 5;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (count, lanes) in [(1, 1), (1000, 3), (MANY, 1)] {
        // A product and a difference.
        cases.push(Case::new(&format!("sgd {count} weights {lanes} lanes"), rounding(2), move |f| {
            let stride = count + 3;
            let lanes = f.lanes(&vec![1; lanes], stride)?;
            let len = (lanes.count * stride) as usize;
            let (weights, gradients) = (f.random("weights", len)?, f.random("gradients", len)?);
            let mut rec = Recording::new();
            update::record_sgd(&mut rec, &lanes, count, 0.05, weights, gradients);
            rec.read_back(weights);
            Ok(rec)
        }));
    }
    for (count, clients) in [(1, 1), (1000, 7), (MANY, 1)] {
        // A product and a sum per client, twice.
        let tolerance = rounding(4 * clients + 2);
        cases.push(Case::new(&format!("average {count} weights {clients} clients"), tolerance, move |f| {
            let stride = count + 3;
            let share: Vec<f32> = f.values(clients as usize).iter().map(|v| v.abs()).collect();
            let share = f.buffer("share", &share)?;
            let weights = f.random("weights", (clients * stride) as usize)?;
            let acc = f.blank("acc", count as usize)?;
            let mut rec = Recording::new();
            for first in [1, 0] {
                let params = AverageParams { count, stride, clients, first };
                update::record_average(&mut rec, &params, share, weights, acc);
            }
            rec.read_back(acc);
            Ok(rec)
        }));
    }
    for (count, lr) in [(1, 0.7), (1000, 0.3), (1000, 1.0), (MANY, 1.0)] {
        let tolerance = if lr == 1.0 { 0.0 } else { rounding(3) };
        cases.push(Case::new(&format!("server_step {count} weights rate {lr}"), tolerance, move |f| {
            let (acc, weights) = (f.random("acc", count as usize)?, f.random("weights", count as usize)?);
            let mut rec = Recording::new();
            update::record_server_step(&mut rec, count, lr, acc, weights);
            rec.read_back(weights);
            Ok(rec)
        }));
    }
    // A fixed tree of sums alone: the same bits everywhere.
    for rows in [&[1][..], &[0, 63, 64, 1, 1000]] {
        cases.push(Case::new(&format!("lane_sum {} lanes", rows.len()), 0.0, move |f| {
            let lanes = f.lanes(rows, 0)?;
            let values = f.random("values", lanes.rows as usize)?;
            let out = f.blank("out", rows.len())?;
            let mut rec = Recording::new();
            sums::record_lane_sum(&mut rec, &lanes, values, out);
            rec.read_back(out);
            Ok(rec)
        }));
    }
    // One part; three, the last ragged, of some probes two.
    for (probes, rows) in [(1, 1), (7, 150), (65_537, 1), (3, 9001)] {
        // The division has 2.5 units; the sums are the same bits everywhere.
        cases.push(Case::new(&format!("probe_dl {probes} probes {rows} rows"), rounding(6), move |f| {
            let samples = probes * 2 * rows;
            let table: Vec<[u32; 4]> =
                (0..probes).map(|p| [2 * p * rows, (2 * p + 1) * rows, rows - p % 2 * (rows / 3), 0]).collect();
            let (table, loss) = (f.buffer("probes", &table)?, f.random("loss", samples as usize)?);
            let out = f.blank("out", 2 * probes as usize)?;
            let mut rec = Recording::new();
            let probes = sums::Probes { table, count: probes, most: rows, losses: u64::from(samples) };
            let parts = f.blank("parts", (probes.part_bytes() / 4) as usize)?;
            sums::record_probe_dl(&mut rec, &probes, loss, parts, out);
            rec.read_back(out);
            Ok(rec)
        }));
    }
    for rows in [1, 777, MANY] {
        cases.push(Case::new(&format!("class_count {rows} rows"), 0.0, move |f| {
            let labels: Vec<u32> = f.words(rows as usize + 2).iter().map(|w| w % 10).collect();
            let correct: Vec<u32> = f.words(rows as usize + 1).iter().map(|w| w % 2).collect();
            let (labels, correct) = (f.buffer("labels", &labels)?, f.buffer("correct", &correct)?);
            let counts = f.buffer("counts", &[3u32; 20])?;
            let params = ClassCountParams { rows, label_row: 2, correct_row: 1 };
            let mut rec = Recording::new();
            sums::record_class_count(&mut rec, &params, labels, correct, counts);
            rec.read_back(counts);
            Ok(rec)
        }));
    }
    cases
}
