//! Probes: L(w + eps z) - L(w - eps z) for every (client, probe) of a round, as batched lanes. The weights are only read.
//!
//! A round's probes are gone through in blocks whose losses and tables lie in memory at once: consecutive probes, so that a block begins
//! and ends anywhere among a client's. A probe's losses are never cut, and its difference sums them alone: no result depends on the blocks.

use super::batch::Batch;
use super::counts::{at_most, check_batch, count};
use super::lanes::stack;
use super::{EngineError, Samples, Session};
use crate::device::as_f32;
use crate::kernels::params::Lane;
use crate::kernels::probe_dl;
use crate::layers::Mode;
use crate::recording::chunks::{pack, pieces};
use crate::recording::{BufferId, Recording, Span};
use crate::stream::Distribution;

/// A client's part of a round of probes.
#[derive(Clone, Copy, Debug)]
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

/// Bytes of a probe's entries in the tables of probes and results.
const PROBE_BYTES: u64 = 24;

/// What a block of probes may take.
#[derive(Clone, Copy, Debug)]
struct BlockLimits {
    /// Losses.
    rows: u64,
    /// Probes.
    probes: u64,
    /// Bytes of losses and tables.
    bytes: u64,
    /// Bytes of a lane in the tables of lanes.
    lane: u64,
    /// Bytes of the parts of a probe's sums.
    parts: u64,
    /// Rows of a piece of a client's samples.
    piece: u32,
}

/// Consecutive probes: the seeds of one client or of several that follow each other, in parts of the round's clients.
fn blocks<'a>(clients: &[ProbeClient<'a>], limits: &BlockLimits) -> Result<Vec<Vec<ProbeClient<'a>>>, EngineError> {
    let (mut blocks, mut block, mut left) = (Vec::new(), Vec::new(), *limits);
    for client in clients {
        let losses = 2 * client.indices.len() as u64;
        at_most(losses, limits.rows, "losses of a probe, two a sample of its client", "split.clients")?;
        let lanes = 2 * (client.indices.len() as u64).div_ceil(u64::from(limits.piece.max(1)));
        let bytes = 8 * losses + PROBE_BYTES + limits.parts + lanes * limits.lane;
        let mut seeds = client.seeds;
        while !seeds.is_empty() {
            let fit = (left.rows / losses.max(1)).min(left.probes).min(left.bytes / bytes).min(seeds.len() as u64);
            // A block holds at least one probe, whatever it takes.
            let take = if fit == 0 && block.is_empty() { 1 } else { fit };
            let (these, rest) = seeds.split_at(take as usize);
            if take > 0 {
                block.push(ProbeClient { indices: client.indices, seeds: these });
                left.rows = left.rows.saturating_sub(take * losses);
                left.probes = left.probes.saturating_sub(take);
                left.bytes = left.bytes.saturating_sub(take * bytes);
            }
            if !rest.is_empty() {
                blocks.push(std::mem::take(&mut block));
                left = *limits;
            }
            seeds = rest;
        }
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    Ok(blocks)
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
        let budget = self.row_budget(samples.features(), settings.batch_statistics);
        let piece = if settings.batch_statistics {
            let rows = clients.iter().map(|c| count(c.indices.len(), "samples of a client", "split.clients"));
            self.whole_lanes(&rows.collect::<Result<Vec<_>, _>>()?, "zo.norm_statistics")?
        } else {
            budget.lane_rows.min(budget.batch_rows)
        };
        // Each probe has as many parts as that of the largest client.
        let most = clients.iter().map(|c| c.indices.len()).max().unwrap_or(0);
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
        };
        let mut results = Vec::new();
        for block in blocks(clients, &limits)? {
            results.extend(self.probe_block(samples, &block, settings, piece, budget.batch_rows)?);
        }
        Ok(results)
    }

    /// The probes of a block, whose samples are cut into pieces of at most `piece` rows, `batch_rows` of which lie on the device at once.
    fn probe_block(
        &mut self,
        samples: &Samples,
        clients: &[ProbeClient<'_>],
        settings: &ProbeSettings,
        piece: u32,
        batch_rows: u32,
    ) -> Result<Vec<ProbeResult>, EngineError> {
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
        let losses = self.space.need("losses", u64::from(out) * 4)?;
        let correct = self.space.need("correct", u64::from(out) * 4)?;
        let probes = self.space.need("probe table", (table.len() * 16) as u64)?;
        let results = self.space.need("probe results", (table.len() * 8) as u64)?;
        let rows: Vec<u32> = clients.iter().map(|c| c.indices.len() as u32).collect();
        let most = rows.iter().copied().max().unwrap_or(0);
        let round = probe_dl::Probes { table: probes, count: table.len() as u32, most, losses: u64::from(out) };
        let parts = self.space.need("parts of losses", round.part_bytes())?;
        let mode = self.mode(Some(settings.distribution), settings.batch_statistics);
        let list = pieces(&rows, piece);
        let mut recording = Recording::new();
        let all = pack(list.iter().map(|p| p.rows), u64::from(batch_rows), usize::MAX);
        let cut = all.len() > 1;
        for group in self.space.recorded_of(all, |range| list[range.clone()].iter().map(|p| u64::from(p.rows)).sum()) {
            let group = &list[group];
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
            self.record_losses(&mut recording, &batch, lanes, &mode, losses, correct)?;
            if cut {
                // The batch's buffer is needed again for the next pieces.
                self.space.submit(&std::mem::take(&mut recording))?;
            }
        }
        recording.upload(probes.buffer, 0, &table);
        probe_dl::record(&mut recording, &round, losses, parts, results);
        recording.read_back(results);
        let read = as_f32(&self.space.submit(&recording)?.concat());
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
        let n = count(labels.len(), "samples of a probe", "")?;
        let batch = self.given(x, labels)?;
        let lane = |sign: f32, out_row| Lane {
            seed_lo: seed as u32,
            seed_hi: (seed >> 32) as u32,
            coef: sign * settings.coefficient(),
            rows: n,
            out_row,
            ..Lane::default()
        };
        let read = self.probe_lanes(&batch, vec![lane(1.0, 0), lane(-1.0, n)], n, settings)?;
        Ok((read.loss + read.dl / 2.0, read.loss - read.dl / 2.0, read.dl))
    }

    fn probe_lanes(
        &mut self,
        batch: &Batch,
        lanes: Vec<Lane>,
        n: u32,
        settings: &ProbeSettings,
    ) -> Result<ProbeResult, EngineError> {
        let bytes = self.space.bindable("losses", 8 * u64::from(n))?;
        let losses = self.space.need("losses", bytes)?;
        let correct = self.space.need("correct", bytes)?;
        let probes = self.space.need("probe table", 16)?;
        let results = self.space.need("probe results", 8)?;
        let mut recording = Recording::new();
        let mode = self.mode(Some(settings.distribution), settings.batch_statistics);
        self.record_losses(&mut recording, batch, lanes, &mode, losses, correct)?;
        recording.upload(probes.buffer, 0, &[[0, n, n, 0]]);
        let probe = probe_dl::Probes { table: probes, count: 1, most: n, losses: 2 * u64::from(n) };
        let parts = self.space.need("parts of losses", probe.part_bytes())?;
        probe_dl::record(&mut recording, &probe, losses, parts, results);
        recording.read_back(results);
        let read = as_f32(&self.space.submit(&recording)?.concat());
        match read[..] {
            [dl, loss] => Ok(ProbeResult { dl, loss }),
            _ => Err(crate::device::DeviceError::Internal("a probe read back as no pair".to_owned()).into()),
        }
    }

    /// Rows of a lane that can't be cut, because batch norms take the statistics of all its rows: of the largest of lanes of `rows`. `key`
    /// is the config's key that asks for it.
    ///
    /// # Errors
    /// A lane that doesn't fit the memory at once, or is one value a channel.
    pub(super) fn whole_lanes(&self, rows: &[u32], key: &'static str) -> Result<u32, EngineError> {
        rows.iter().try_for_each(|&rows| check_batch(&self.program.graph, rows, key))?;
        let rows = rows.iter().copied().max().unwrap_or(0);
        let budget = self.row_budget(0, true);
        let (needed, memory) = (u64::from(rows) * budget.lane_row_bytes, self.space.working_memory());
        if needed > memory {
            return Err(EngineError::Whole { rows, needed, missing: needed - memory, key });
        }
        Ok(budget.lane_rows.max(rows))
    }

    /// Records the losses of lanes over a batch, cut into chunks that fit; `row0` of the lanes is set here.
    pub(super) fn record_losses(
        &mut self,
        recording: &mut Recording,
        batch: &Batch,
        mut lanes: Vec<Lane>,
        mode: &Mode,
        losses: Span,
        correct: Span,
    ) -> Result<(), EngineError> {
        let rows = self.row_budget(0, mode.batch_statistics).lane_rows;
        let chunks = pack(lanes.iter().map(|l| l.rows), u64::from(rows), 65_535);
        let rows_of = |chunk: &std::ops::Range<usize>| lanes[chunk.clone()].iter().map(|l| u64::from(l.rows)).sum();
        let largest = chunks.iter().map(rows_of).max();
        let most = chunks.iter().map(|chunk| chunk.len() as u64).max();
        self.activations(largest.unwrap_or(0), most.unwrap_or(0), mode.batch_statistics)?;
        let layout = &self.program.lanes;
        let total = chunks.iter().map(|chunk| layout.bytes(chunk.len())).sum();
        let mut table = self.space.need("lanes", total)?;
        for chunk in self.space.recorded_of(chunks, rows_of) {
            let chunk = &mut lanes[chunk];
            stack(chunk);
            let tables = layout.record(recording, table, chunk);
            self.record_chunk_losses(recording, batch, &tables, mode, losses, correct)?;
            table.offset += layout.bytes(chunk.len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blocks_hold_all_probes_in_order_within_the_limits(
            sizes in prop::collection::vec((1usize..9, 0usize..20), 0..9),
            rows in 16u64..60,
            probes in 1u64..12,
            bytes in 1u64..3000,
        ) {
            let indices = [0; 9];
            let seeds: Vec<u64> = (0..20).collect();
            let clients: Vec<ProbeClient<'_>> =
                sizes.iter().map(|&(n, s)| ProbeClient { indices: &indices[..n], seeds: &seeds[..s] }).collect();
            let limits = BlockLimits { rows, probes, bytes, lane: 32, parts: 0, piece: 3 };
            let blocks = blocks(&clients, &limits).unwrap();
            let cost = |c: &ProbeClient<'_>| {
                let n = c.indices.len() as u64;
                c.seeds.len() as u64 * (16 * n + PROBE_BYTES + 64 * n.div_ceil(3))
            };
            for block in &blocks {
                let total = |each: &dyn Fn(&ProbeClient<'_>) -> u64| block.iter().map(each).sum::<u64>();
                let count = total(&|c| c.seeds.len() as u64);
                prop_assert!(count >= 1 && count <= probes);
                prop_assert!(total(&|c| 2 * (c.seeds.len() * c.indices.len()) as u64) <= rows);
                prop_assert!(count == 1 || total(&cost) <= bytes);
            }
            let flat = |clients: &[ProbeClient<'_>]| -> Vec<(usize, u64)> {
                clients.iter().flat_map(|c| c.seeds.iter().map(|&s| (c.indices.len(), s)).collect::<Vec<_>>()).collect()
            };
            prop_assert_eq!(flat(&blocks.concat()), flat(&clients));
        }
    }

    #[test]
    fn losses_of_a_probe_that_pass_the_limit_are_refused() {
        let indices = [0; 9];
        let limits = BlockLimits { rows: 17, probes: 5, bytes: 1 << 20, lane: 32, parts: 0, piece: 3 };
        let error = blocks(&[ProbeClient { indices: &indices, seeds: &[1] }], &limits).unwrap_err().to_string();
        assert!(error.contains("18") && error.contains("at most 17"), "{error}");
    }
}
