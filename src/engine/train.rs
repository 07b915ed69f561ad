//! A warm-up round: local epochs of SGD on many clients at once, each with its own weights, then their weighted average.

use super::backward::StepBuffers;
use super::counts::{check_batch, count};
use super::{EngineError, Samples, Session};
use crate::device::as_f32;
use crate::kernels::params::Lane;
use crate::kernels::{average, lane_sum, server_step, sgd};
use crate::recording::chunks::pack;
use crate::recording::{Recording, Span};

/// A client's part of a warm-up round.
pub struct TrainClient {
    /// The samples of each local step, in order; no batch is empty.
    pub batches: Vec<Vec<u32>>,
    /// Its share in the average; the shares of a round add up to 1.
    pub share: f32,
}

/// Rates of a warm-up round.
#[derive(Clone, Copy, Debug)]
pub struct TrainSettings {
    /// Rate of the clients' SGD.
    pub client_lr: f32,
    /// w <- w + server_lr (average - w).
    pub server_lr: f32,
}

/// Steps that go into one recording: bounds the host memory of uploads and the length of a submission's encoding.
const STEPS_A_RECORDING: usize = 32;

impl Session<'_> {
    /// Trains the clients from the shared weights and replaces these by the average. Returns the mean loss over all local steps.
    pub fn train(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        settings: &TrainSettings,
    ) -> Result<f64, EngineError> {
        self.space.begin();
        let plan = self.steps_of(samples, clients)?;
        // Running statistics are averaged like weights.
        let d = self.program.graph.state_len();
        let average_of = self.space.need("average", (d * 4) as u64)?;
        let (mut losses, mut first) = (Vec::with_capacity(clients.len()), true);
        for group in pack(clients.iter().map(|_| 1), plan.slots as u64, usize::MAX) {
            let group = &clients[group];
            losses.extend(self.train_group(samples, group, &plan, settings.client_lr)?);
            let shares: Vec<f32> = group.iter().map(|c| c.share).collect();
            let share_span = self.space.need("shares", (shares.len() * 4) as u64)?;
            let mut recording = Recording::new();
            recording.upload(share_span.buffer, 0, &shares);
            for piece in self.program.windows.pieces(d) {
                let params = average::Params {
                    count: piece.len as u32,
                    stride: plan.stride,
                    clients: shares.len() as u32,
                    first: u32::from(first),
                };
                let part = |vector| self.program.windows.part(piece, vector);
                average::record(&mut recording, &params, share_span, part(plan.weights), part(average_of));
            }
            self.space.submit(&recording)?;
            first = false;
        }
        let mut recording = Recording::new();
        for piece in self.program.windows.pieces(d) {
            let (mean, weights) =
                (self.program.windows.part(piece, average_of), self.program.windows.part(piece, self.state.weights()));
            server_step::record(&mut recording, piece.len as u32, settings.server_lr, mean, weights);
        }
        self.space.submit(&recording)?;
        // Client after client, whatever groups they came in.
        let all: Vec<f64> = losses.concat();
        Ok(all.iter().sum::<f64>() / all.len().max(1) as f64)
    }

    /// Plans the local steps of these clients, and makes the buffers.
    pub(super) fn steps_of(&mut self, samples: &Samples, clients: &[TrainClient]) -> Result<StepBuffers, EngineError> {
        let mut most = 1;
        for batch in clients.iter().flat_map(|c| &c.batches) {
            let rows = count(batch.len(), "samples of a batch", "warmup.batch")?;
            check_batch(&self.program.graph, rows, "warmup.batch")?;
            most = most.max(rows);
        }
        self.train_plan(most, clients.len(), samples.features(), true)
    }

    /// All local steps of a group of clients that fits the slots, in lockstep: clients that have no more batches drop out of the lanes.
    /// They start from the state's weights; each one's come to lie in its slot. Returns the mean loss of each client's steps.
    pub(super) fn train_group(
        &mut self,
        samples: &Samples,
        group: &[TrainClient],
        plan: &StepBuffers,
        lr: f32,
    ) -> Result<Vec<Vec<f64>>, EngineError> {
        let mut recording = Recording::new();
        for slot in 0..group.len() {
            let to = Span {
                buffer: plan.weights.buffer,
                offset: slot as u64 * u64::from(plan.stride) * 4,
                bytes: self.state.weights().bytes,
            };
            recording.copy(self.state.weights(), to);
        }
        self.space.submit(&recording)?;
        let longest = group.iter().map(|c| c.batches.len()).max().unwrap_or(0);
        let mut losses = vec![Vec::new(); group.len()];
        let steps: Vec<usize> = (0..longest).collect();
        // A step's lanes and losses lie in tables of its own.
        let step_bytes = self.program.lanes.bytes(group.len()) + 4 * group.len() as u64;
        let at_once = (self.space.working_memory() / 16 / step_bytes).clamp(1, STEPS_A_RECORDING as u64) as usize;
        for block in steps.chunks(at_once) {
            for (slot, loss) in self.train_steps(samples, group, plan, lr, block)? {
                losses[slot].push(loss);
            }
        }
        Ok(losses)
    }

    /// Some consecutive local steps of a group, as one recording: (slot, mean loss) of each, step after step.
    fn train_steps(
        &mut self,
        samples: &Samples,
        group: &[TrainClient],
        plan: &StepBuffers,
        lr: f32,
        steps: &[usize],
    ) -> Result<Vec<(usize, f64)>, EngineError> {
        let alignment = self.space.device().limits().alignment;
        let aligned = |bytes: u64| bytes.next_multiple_of(alignment);
        let active = |step: usize| group.iter().enumerate().filter(move |(_, c)| c.batches.len() > step);
        let rows_of = |step: usize| active(step).map(|(_, c)| c.batches[step].len()).sum::<usize>();
        let widest = steps.iter().map(|&s| rows_of(s)).max().unwrap_or(0);
        let layout = &self.program.lanes;
        let lane_stride = layout.bytes(group.len());
        let sum_stride = aligned((group.len() * 4) as u64);
        let n = steps.len() as u64;
        let index_bytes = samples.index_bytes(widest.min(plan.rows as usize), alignment);
        let index = self.space.need("training indices", index_bytes)?;
        let lanes = self.space.need("training lanes", n * lane_stride)?;
        let losses = self.space.need("training losses", n * sum_stride)?;
        let part_table = self.space.need("training lanes of a part", lane_stride)?;
        let at = |span: Span, offset: u64, bytes: u64| Span { buffer: span.buffer, offset, bytes };
        let mut recording = Recording::new();
        let mut sizes = Vec::new();
        for (k, &step) in steps.iter().enumerate() {
            let k = k as u64;
            let indices: Vec<u32> = active(step).flat_map(|(_, c)| &c.batches[step]).copied().collect();
            let mut row = 0;
            let table: Vec<Lane> = active(step)
                .map(|(slot, c)| {
                    let rows = c.batches[step].len() as u32;
                    let lane = Lane {
                        weight_base: slot as u32 * plan.stride,
                        coef: 1.0 / rows as f32,
                        x_row: row,
                        row0: row,
                        rows,
                        out_row: row,
                        ..Lane::default()
                    };
                    row += rows;
                    lane
                })
                .collect();
            let parts = plan.parts(&table);
            let sum_span = at(losses, k * sum_stride, (table.len() * 4) as u64);
            let tables = layout.record(&mut recording, at(lanes, k * lane_stride, lane_stride), &table);
            for part in &parts {
                let indices = &indices[part.rows.clone()];
                recording.upload(plan.labels.buffer, 0, &samples.labels_of(indices));
                samples.gather(&mut recording, indices, index, alignment, plan.x);
                if parts.len() == 1 {
                    self.record_part(&mut recording, plan, &tables, part.accumulate);
                } else {
                    let tables = layout.record(&mut recording, part_table, &part.lanes);
                    self.record_part(&mut recording, plan, &tables, part.accumulate);
                }
            }
            lane_sum::record(&mut recording, &tables.first.samples, plan.losses, sum_span);
            // Where there are several pieces there is one slot, whose base in the first window's table is 0: that of each piece.
            for piece in self.program.windows.pieces(self.program.graph.param_count()) {
                let part = |vector| self.program.windows.part(piece, vector);
                let (weights, gradients) = (part(plan.weights), part(plan.gradients));
                sgd::record(&mut recording, &tables.first.samples, piece.len as u32, lr, weights, gradients);
            }
            recording.read_back(sum_span);
            sizes.push(active(step).map(|(slot, c)| (slot, c.batches[step].len() as f64)).collect::<Vec<_>>());
        }
        let read = self.space.submit(&recording)?;
        let mut losses = Vec::new();
        for (bytes, rows) in read.iter().zip(&sizes) {
            losses.extend(as_f32(bytes).iter().zip(rows).map(|(sum, (slot, rows))| (*slot, f64::from(*sum) / rows)));
        }
        Ok(losses)
    }
}
