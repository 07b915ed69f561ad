//! Probes: L(w + eps z) - L(w - eps z), or the one-sided L(w + eps z) - L(w), for every (client, probe) of a round, as batched lanes. The
//! weights are only read.
//!
//! A round's probes are gone through in blocks ([`blocks`]). A probe's losses are never cut, and its difference sums them alone: no
//! result depends on the blocks.

mod at_once;
mod blocks;
mod copies;
mod given;
mod local;
mod order;
mod settings;
mod sphere;
mod steps;
mod table;

use blocks::{BlockLimits, blocks};
use settings::{Direction, Run};
use table::{Table, lanes_of};

use super::counts::count;
use super::{EngineError, Samples, Session};
use crate::device::as_f32;
use crate::kernels::params::Lane;
use crate::kernels::probe_dl;
use crate::recording::chunks::{pack, pieces};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::Distribution;

pub use at_once::{Applied, AtOnce, Settling};

pub use settings::{ProbeClient, ProbeResult, ProbeSettings, Sides};
pub use steps::{LocalClient, LocalResults, LocalStep, LocalUpdate};

/// How the samples of a block's clients are cut.
#[derive(Clone, Copy)]
struct Cut {
    /// Rows of a piece of a client's samples.
    piece: u32,
    /// Rows that lie on the device at once.
    batch_rows: u32,
}

impl Session<'_> {
    /// Probes the weights: for each client in order, for each of its seeds in order, one result. Clients hold at least one sample.
    ///
    /// # Errors
    /// Work that can't be cut and doesn't fit: a client's losses, or its samples where batch norms take their statistics.
    pub fn probe(
        &mut self,
        samples: &Samples,
        clients: &[ProbeClient<'_>],
        settings: &ProbeSettings,
    ) -> Result<Vec<ProbeResult>, EngineError> {
        self.space.begin();
        let seeds: Vec<&[u64]> = clients.iter().map(|client| client.seeds).collect();
        let factors = self.factors_of(&seeds, settings.distribution)?;
        let directions: Vec<Vec<Direction>> =
            seeds.iter().zip(&factors).map(|(seeds, factors)| settings.directions(seeds, factors)).collect();
        let runs: Vec<Run<'_>> =
            clients.iter().zip(&directions).map(|(client, directions)| Run::of(client, directions)).collect();
        self.probe_runs(samples, &runs, settings)
    }

    /// As [`Session::probe`], of runs: one result a direction.
    fn probe_runs(
        &mut self,
        samples: &Samples,
        runs: &[Run<'_>],
        settings: &ProbeSettings,
    ) -> Result<Vec<ProbeResult>, EngineError> {
        let budget = self.row_budget(samples.features(), settings.batch_statistics);
        let piece = if settings.batch_statistics {
            let rows = runs.iter().map(|run| count(run.indices.len(), "samples of a client", "split.clients"));
            self.whole_lanes(&rows.collect::<Result<Vec<_>, _>>()?, "zo.norm_statistics")?
        } else {
            budget.lane_rows.min(budget.batch_rows)
        };
        // Each probe has as many parts as that of the largest client.
        let most = runs.iter().map(|run| run.indices.len()).max().unwrap_or(0);
        let most = count(most, "samples of a client", "split.clients")?;
        let nowhere = Span::of(BufferId(0), 0);
        let parts = probe_dl::Probes { table: nowhere, count: 1, most, losses: 0 }.part_bytes();
        let limits = BlockLimits {
            rows: self.space.binding() / 4,
            probes: self.space.binding() / parts.max(16),
            parts,
            bytes: self.space.working_memory() / 8,
            lane: self.program.lanes.lane_bytes(),
            piece,
            sides: settings.sides,
        };
        let cut = Cut { piece, batch_rows: budget.batch_rows };
        let mut results = Vec::new();
        for block in blocks(runs, &limits)? {
            results.extend(self.probe_block(samples, &block, settings, cut)?);
        }
        Ok(results)
    }

    fn probe_block(
        &mut self,
        samples: &Samples,
        runs: &[Run<'_>],
        settings: &ProbeSettings,
        cut: Cut,
    ) -> Result<Vec<ProbeResult>, EngineError> {
        let table = Table::of(runs, settings.sides);
        let losses = self.space.need("losses", u64::from(table.losses) * 4)?;
        let correct = self.space.need("correct", u64::from(table.losses) * 4)?;
        let rows: Vec<u32> = runs.iter().map(|run| run.indices.len() as u32).collect();
        let mode = self.mode(Some(settings.distribution), settings.batch_statistics);
        let list = pieces(&rows, cut.piece);
        let mut recording = Recording::new();
        let all = pack(list.iter().map(|p| p.rows), u64::from(cut.batch_rows), usize::MAX);
        let several = all.len() > 1;
        for group in self.space.recorded_of(all, |range| list[range.clone()].iter().map(|p| u64::from(p.rows)).sum()) {
            let group = &list[group];
            let indices: Vec<u32> = group
                .iter()
                .flat_map(|p| &runs[p.client].indices[p.first as usize..(p.first + p.rows) as usize])
                .copied()
                .collect();
            let batch = self.gathered(samples, &indices)?;
            let mut lanes = Vec::new();
            let mut x_row = 0;
            for piece in group {
                let (first, n) = (table.first[piece.client] + piece.first, rows[piece.client]);
                let of_run = lanes_of(&runs[piece.client], settings.sides).zip(0..);
                lanes.extend(of_run.map(|(lane, k)| Lane { x_row, rows: piece.rows, out_row: first + k * n, ..lane }));
                x_row += piece.rows;
            }
            self.record_losses(&mut recording, &batch, lanes, &mode, losses, correct)?;
            if several {
                // The batch's buffer is needed again for the next pieces.
                self.space.submit(&std::mem::take(&mut recording))?;
            }
        }
        let most = rows.iter().copied().max().unwrap_or(0);
        self.differences(recording, &table, most, losses)
    }

    /// Ends a recording of losses with the differences of a table of probes, and runs it. `most`: samples of the largest client.
    fn differences(
        &mut self,
        mut recording: Recording,
        table: &Table,
        most: u32,
        losses: Span,
    ) -> Result<Vec<ProbeResult>, EngineError> {
        let probes = self.space.need("probe table", (table.probes.len() * 16) as u64)?;
        let results = self.space.need("probe results", (table.probes.len() * 8) as u64)?;
        let (count, losses_of_all) = (table.probes.len() as u32, u64::from(table.losses));
        let round = probe_dl::Probes { table: probes, count, most, losses: losses_of_all };
        let parts = self.space.need("parts of losses", round.part_bytes())?;
        recording.upload(probes.buffer, 0, &table.probes);
        probe_dl::record(&mut recording, &round, losses, parts, results);
        recording.read_back(results);
        let read = as_f32(&self.space.submit(&recording)?.concat());
        Ok(read.chunks_exact(2).map(|pair| ProbeResult { dl: pair[0], loss: pair[1] }).collect())
    }

    /// What the elements of each of some lists of seeds are multiplied by beside tau and scale: 1, but for the sphere.
    fn factors_of(&mut self, seeds: &[&[u64]], distribution: Distribution) -> Result<Vec<Vec<f64>>, EngineError> {
        let all = match distribution {
            Distribution::Sphere => self.factors(&seeds.concat())?,
            _ => vec![1.0; seeds.iter().map(|seeds| seeds.len()).sum()],
        };
        let mut all = all.into_iter();
        Ok(seeds.iter().map(|seeds| all.by_ref().take(seeds.len()).collect()).collect())
    }
}
