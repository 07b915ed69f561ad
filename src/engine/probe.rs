//! Probes: L(w + eps z) - L(w - eps z) for every (client, probe) of a round, as batched lanes. The weights are only read.

use super::batch::Batch;
use super::lanes::stack;
use super::layers::How;
use super::{Engine, EngineError, Samples};
use crate::device::as_f32;
use crate::kernels::params::Lane;
use crate::kernels::sums;
use crate::recording::chunks::{pack, pieces};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// A client's part of a round of probes.
pub struct ProbeClient<'a> {
    /// Its samples.
    pub indices: &'a [u32],
    /// A seed a probe.
    pub seeds: &'a [u64],
}

/// How to perturb.
#[derive(Clone, Copy, Debug)]
pub struct ProbeSettings {
    /// Distribution of the perturbation.
    pub distribution: Distribution,
    /// Its standard deviation.
    pub tau: f64,
    /// The step.
    pub epsilon: f64,
    /// Batch norms take the statistics of the client's samples, not the running ones. Its lanes are not cut then.
    pub batch_statistics: bool,
}

impl ProbeSettings {
    /// What an element of the stream is multiplied by: epsilon tau scale, as f32.
    pub fn coefficient(&self) -> f32 {
        (self.epsilon * self.tau * self.distribution.scale()) as f32
    }
}

/// What one probe gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProbeResult {
    /// Mean over the client's samples of the loss at w + eps z less that at w - eps z.
    pub dl: f32,
    /// Mean of the two losses.
    pub loss: f32,
}

/// Signs of a probe's two lanes.
const SIGNS: [f32; 2] = [1.0, -1.0];

impl Engine {
    /// Probes the weights: for each client in order, for each of its seeds in order, one result. Clients hold at least one sample.
    pub fn probe(
        &mut self,
        samples: &Samples,
        clients: &[ProbeClient<'_>],
        settings: &ProbeSettings,
    ) -> Result<Vec<ProbeResult>, EngineError> {
        self.scratch.begin();
        // Loss rows: client by client, probe by probe, plus before minus.
        let mut table = Vec::new();
        let mut client_out = Vec::with_capacity(clients.len());
        let mut out = 0u32;
        for client in clients {
            client_out.push(out);
            let n = client.indices.len() as u32;
            for _ in client.seeds {
                table.push([out, out + n, n, 0]);
                out += 2 * n;
            }
        }
        let device = self.device.as_mut();
        let losses = self.scratch.need(device, "losses", u64::from(out) * 4)?;
        let correct = self.scratch.need(device, "correct", u64::from(out) * 4)?;
        let probes = self.scratch.need(device, "probe table", (table.len() * 16) as u64)?;
        let results = self.scratch.need(device, "probe results", (table.len() * 8) as u64)?;
        let rows: Vec<u32> = clients.iter().map(|c| c.indices.len() as u32).collect();
        let most = rows.iter().copied().max().unwrap_or(0);
        let round = sums::Probes { table: probes, count: table.len() as u32, most, losses: u64::from(out) };
        let parts = self.scratch.need(device, "parts of losses", round.part_bytes())?;
        let budget = self.row_budget(samples.features(), settings.batch_statistics);
        let most = if settings.batch_statistics {
            self.whole_lanes(most, "zo.norm_statistics")?
        } else {
            budget.lane_rows.min(budget.batch_rows)
        };
        let how = self.how(Some(settings.distribution), settings.batch_statistics);
        let list = pieces(&rows, most);
        let mut recording = Recording::new();
        let runs = pack(list.iter().map(|p| p.rows), u64::from(budget.batch_rows), usize::MAX);
        for run in &runs {
            let group = &list[run.clone()];
            let indices: Vec<u32> = group
                .iter()
                .flat_map(|p| &clients[p.client].indices[p.first as usize..(p.first + p.rows) as usize])
                .copied()
                .collect();
            let batch = self.gathered(samples, &indices)?;
            let mut lanes = Vec::new();
            let mut x_row = 0;
            for piece in group {
                let client = &clients[piece.client];
                let n = client.indices.len() as u32;
                for (p, seed) in client.seeds.iter().enumerate() {
                    for (s, sign) in SIGNS.iter().enumerate() {
                        lanes.push(Lane {
                            weight_base: 0,
                            seed_lo: *seed as u32,
                            seed_hi: (*seed >> 32) as u32,
                            coef: sign * settings.coefficient(),
                            x_row,
                            row0: 0,
                            rows: piece.rows,
                            out_row: client_out[piece.client] + (2 * p + s) as u32 * n + piece.first,
                        });
                    }
                }
                x_row += piece.rows;
            }
            self.record_losses(&mut recording, batch, lanes, &how, losses, correct)?;
            if runs.len() > 1 {
                // The batch's buffer is needed again for the next run of pieces.
                self.submit(&std::mem::take(&mut recording))?;
            }
        }
        recording.upload(probes.buffer, 0, &table);
        sums::record_probe_dl(&mut recording, &round, losses, parts, results);
        recording.read_back(results);
        let read = as_f32(&self.submit(&recording)?.concat());
        Ok(read.chunks_exact(2).map(|pair| ProbeResult { dl: pair[0], loss: pair[1] }).collect())
    }

    /// One probe on rows given as f32: (loss at w + eps z, loss at w - eps z, dl), as golden files have them.
    pub fn probe_given(
        &mut self,
        x: &[f32],
        labels: &[u32],
        seed: u64,
        settings: &ProbeSettings,
    ) -> Result<(f32, f32, f32), EngineError> {
        let n = labels.len() as u32;
        let batch = self.given(x, labels)?;
        let lane = |sign: f32, out_row| Lane {
            seed_lo: seed as u32,
            seed_hi: (seed >> 32) as u32,
            coef: sign * settings.coefficient(),
            rows: n,
            out_row,
            ..Lane::default()
        };
        let read = self.probe_lanes(batch, vec![lane(1.0, 0), lane(-1.0, n)], n, settings)?;
        Ok((read.loss + read.dl / 2.0, read.loss - read.dl / 2.0, read.dl))
    }

    fn probe_lanes(
        &mut self,
        batch: Batch,
        lanes: Vec<Lane>,
        n: u32,
        settings: &ProbeSettings,
    ) -> Result<ProbeResult, EngineError> {
        let device = self.device.as_mut();
        let losses = self.scratch.need(device, "losses", u64::from(2 * n) * 4)?;
        let correct = self.scratch.need(device, "correct", u64::from(2 * n) * 4)?;
        let probes = self.scratch.need(device, "probe table", 16)?;
        let results = self.scratch.need(device, "probe results", 8)?;
        let mut recording = Recording::new();
        let how = self.how(Some(settings.distribution), settings.batch_statistics);
        self.record_losses(&mut recording, batch, lanes, &how, losses, correct)?;
        recording.upload(probes.buffer, 0, &[[0, n, n, 0]]);
        let probe = sums::Probes { table: probes, count: 1, most: n, losses: u64::from(2 * n) };
        let parts = self.scratch.need(self.device.as_mut(), "parts of losses", probe.part_bytes())?;
        sums::record_probe_dl(&mut recording, &probe, losses, parts, results);
        recording.read_back(results);
        let read = as_f32(&self.submit(&recording)?.concat());
        Ok(ProbeResult { dl: read[0], loss: read[1] })
    }

    /// Rows of a lane that can't be cut, because batch norms take the statistics of all its rows. `key` is the config's key that asks
    /// for it.
    ///
    /// # Errors
    /// `rows` don't fit the memory at once.
    pub(super) fn whole_lanes(&self, rows: u32, key: &'static str) -> Result<u32, EngineError> {
        let budget = self.row_budget(0, true);
        let (needed, memory) = (u64::from(rows) * budget.lane_row_bytes, self.working_memory());
        if needed > memory {
            return Err(EngineError::Whole { rows, needed, missing: needed - memory, key });
        }
        Ok(budget.lane_rows.max(rows))
    }

    /// Records the losses of lanes over a batch, cut into chunks that fit; `row0` of the lanes is set here.
    pub(super) fn record_losses(
        &mut self,
        recording: &mut Recording,
        batch: Batch,
        mut lanes: Vec<Lane>,
        how: &How,
        losses: Span,
        correct: Span,
    ) -> Result<(), EngineError> {
        let rows = self.row_budget(0, how.batch_statistics).lane_rows;
        let runs = pack(lanes.iter().map(|l| l.rows), u64::from(rows), 65_535);
        let largest = runs.iter().map(|run| lanes[run.clone()].iter().map(|l| u64::from(l.rows)).sum()).max();
        let most = runs.iter().map(|run| run.len() as u64).max();
        self.activations(largest.unwrap_or(0), most.unwrap_or(0), how.batch_statistics)?;
        let layout = self.lane_layout();
        let total = runs.iter().map(|run| layout.bytes(run.len())).sum();
        let mut table = self.scratch.need(self.device.as_mut(), "lanes", total)?;
        for run in runs {
            let chunk = &mut lanes[run];
            stack(chunk);
            let tables = layout.record(recording, table, chunk);
            self.record_chunk_losses(recording, batch, &tables, how, losses, correct)?;
            table.offset += layout.bytes(chunk.len());
        }
        Ok(())
    }
}
