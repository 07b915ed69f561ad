//! Where the losses of a block's lanes lie, and which lanes they are.

use super::settings::{Direction, Run, Sides};
use crate::kernels::params::Lane;

/// A block's losses: where each run's lie, and how lanes and probes refer to them.
pub(super) struct Table {
    /// (plus row, other row, rows, 0) of each probe.
    pub probes: Vec<[u32; 4]>,
    /// The first loss of each run: those of its plain lane, or of its first probe.
    pub first: Vec<u32>,
    /// Losses of all runs.
    pub losses: u32,
}

impl Table {
    /// Run by run. Two-sided: probe by probe, plus before minus. One-sided: plain, then probe by probe.
    pub fn of(runs: &[Run<'_>], sides: Sides) -> Self {
        let mut table = Self { probes: Vec::new(), first: Vec::with_capacity(runs.len()), losses: 0 };
        for run in runs {
            let (n, start) = (run.indices.len() as u32, table.losses);
            table.first.push(start);
            for p in 0..run.directions.len() as u32 {
                table.probes.push(match sides {
                    Sides::Two => [start + 2 * p * n, start + (2 * p + 1) * n, n, 0],
                    Sides::One => [start + (p + 1) * n, start, n, 0],
                });
            }
            table.losses += n * sides.evaluations(run.directions.len() as u64) as u32;
        }
        table
    }
}

/// The lanes of a run in the order of its losses; rows are set elsewhere, `out_row` counts lanes.
pub(super) fn lanes_of<'a>(run: &Run<'a>, sides: Sides) -> impl Iterator<Item = Lane> + use<'a> {
    let weight_base = run.weight_base;
    let lane = move |direction: &Direction, sign: f32| Lane {
        weight_base,
        seed_lo: direction.seed as u32,
        seed_hi: (direction.seed >> 32) as u32,
        coef: sign * direction.coefficient,
        ..Lane::default()
    };
    // A plain lane goes through the same kernels: its coefficient is 0, whatever its seed.
    let plain = run.directions.first().filter(|_| sides == Sides::One).map(|first| lane(first, sides.other()));
    let signs: &[f32] = if sides == Sides::One { &[1.0] } else { &[1.0, -1.0] };
    let probes = run.directions.iter().flat_map(move |direction| signs.iter().map(move |&sign| lane(direction, sign)));
    plain.into_iter().chain(probes)
}
