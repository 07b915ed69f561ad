//! Local steps of many clients at once, each with its own weights, in lockstep: clients that have no more batches drop out of the lanes.

use super::backward::StepBuffers;
use super::client_step::ClientStep;
use super::gathering::{Moves, Room, Wanted};
use super::lanes::WindowLanes;
use super::train::TrainClient;
use super::{EngineError, Samples, Session};
use crate::device::as_f32;
use crate::kernels::dropout::Row;
use crate::kernels::lane_sum;
use crate::kernels::params::Lane;
use crate::recording::{Recording, Span};

/// Steps that go into one recording: bounds the host memory of uploads and the length of a submission's encoding.
const STEPS_A_RECORDING: usize = 32;

/// A client's batch of a step.
pub(super) struct SlotBatch<'a> {
    /// Which of the plan's slots holds the client's weights.
    pub slot: usize,
    /// Its samples.
    pub indices: &'a [u32],
    /// How they are moved.
    pub moves: Option<Moves>,
    /// The seed of its masks.
    pub masks: u64,
}

/// Where the tables of a recording's steps lie: some bytes a step.
pub(super) struct StepTables {
    room: Room,
    lanes: Span,
    losses: Span,
    part: Span,
    lane_stride: u64,
    loss_stride: u64,
}

impl Session<'_> {
    /// All local steps of a group of clients that fits the slots; `first`: the place of its first client in the round. Returns the mean
    /// loss of each client's steps.
    pub(super) fn train_group(
        &mut self,
        samples: &Samples,
        (first, group): (usize, &[TrainClient]),
        plan: &StepBuffers,
        step: &ClientStep<'_>,
    ) -> Result<Vec<Vec<f64>>, EngineError> {
        self.start_slots(plan, group.len())?;
        let longest = group.iter().map(|c| c.batches.len()).max().unwrap_or(0);
        let mut losses = vec![Vec::new(); group.len()];
        let steps: Vec<usize> = (0..longest).collect();
        // A step's lanes and losses lie in tables of its own, and its samples may wait on the host.
        let largest = |c: &TrainClient| c.batches.iter().map(Vec::len).max().unwrap_or(0);
        let staged = samples.staged_bytes(group.iter().map(largest).sum());
        let step_bytes = self.program.lanes.bytes(group.len()) + 4 * group.len() as u64 + staged;
        let at_once = (self.space.working_memory() / 16 / step_bytes).clamp(1, STEPS_A_RECORDING as u64) as usize;
        for block in steps.chunks(at_once) {
            let batches: Vec<Vec<SlotBatch<'_>>> = block
                .iter()
                .map(|&number| {
                    let active = group.iter().enumerate().filter(|(_, c)| c.batches.len() > number);
                    active
                        .map(|(slot, c)| {
                            let moves = step.moves.map(|moves| moves(first + slot, number));
                            let masks = step.masks.map_or(0, |masks| masks(first + slot, number));
                            SlotBatch { slot, indices: &c.batches[number], moves, masks }
                        })
                        .collect()
                })
                .collect();
            for (slot, loss) in self.train_steps(samples, &batches, plan, step, group.len())? {
                losses[slot].push(loss);
            }
        }
        Ok(losses)
    }

    /// The shared weights in the first slots, velocities of 0.
    pub(super) fn start_slots(&mut self, plan: &StepBuffers, slots: usize) -> Result<(), EngineError> {
        let mut recording = Recording::new();
        for slot in 0..slots {
            let to = Span {
                buffer: plan.weights.buffer,
                offset: slot as u64 * u64::from(plan.stride) * 4,
                bytes: self.state.weights().bytes,
            };
            recording.copy(self.state.weights(), to);
        }
        if let Some(velocity) = plan.options.velocity {
            recording.clear(velocity);
        }
        self.space.submit(&recording).map(drop)
    }

    /// Some consecutive local steps of a group of `slots` clients, as one recording: (slot, mean loss) of each, step after step.
    fn train_steps(
        &mut self,
        samples: &Samples,
        steps: &[Vec<SlotBatch<'_>>],
        plan: &StepBuffers,
        step: &ClientStep<'_>,
        slots: usize,
    ) -> Result<Vec<(usize, f64)>, EngineError> {
        let tables = self.step_tables(samples, steps, plan, slots)?;
        let mut recording = Recording::new();
        for (k, batches) in (0..).zip(steps) {
            let lanes = self.record_gradients(&mut recording, samples, batches, plan, (&tables, k))?;
            self.record_client_step(&mut recording, plan, &lanes, step);
        }
        let read = self.space.submit(&recording)?;
        Ok(mean_losses(&read, steps))
    }

    /// Room for the tables of a recording of steps.
    pub(super) fn step_tables(
        &mut self,
        samples: &Samples,
        steps: &[Vec<SlotBatch<'_>>],
        plan: &StepBuffers,
        slots: usize,
    ) -> Result<StepTables, EngineError> {
        let alignment = self.space.device().limits().alignment;
        let rows_of = |batches: &Vec<SlotBatch<'_>>| batches.iter().map(|b| b.indices.len()).sum::<usize>();
        let widest = steps.iter().map(rows_of).max().unwrap_or(0);
        let moved = steps.iter().flatten().any(|batch| batch.moves.is_some());
        let lane_stride = self.program.lanes.bytes(slots);
        let loss_stride = ((slots * 4) as u64).next_multiple_of(alignment);
        let n = steps.len() as u64;
        let rows = widest.min(plan.rows as usize);
        Ok(StepTables {
            room: self.space.sample_room("training indices", samples, rows, moved)?,
            lanes: self.space.need("training lanes", n * lane_stride)?,
            losses: self.space.need("training losses", n * loss_stride)?,
            part: self.space.need("training lanes of a part", lane_stride)?,
            lane_stride,
            loss_stride,
        })
    }

    /// Records the gradients of step `k` of a recording, those of each batch in its slot, and the reading of its losses. Returns the lanes.
    ///
    /// # Errors
    /// Samples that are read for this and can't be.
    pub(super) fn record_gradients(
        &self,
        recording: &mut Recording,
        samples: &Samples,
        batches: &[SlotBatch<'_>],
        plan: &StepBuffers,
        (tables, k): (&StepTables, u64),
    ) -> Result<WindowLanes, EngineError> {
        let layout = &self.program.lanes;
        let at = |span: Span, offset: u64, bytes: u64| Span { buffer: span.buffer, offset, bytes };
        let indices: Vec<u32> = batches.iter().flat_map(|batch| batch.indices).copied().collect();
        let moves = joined(batches);
        let masks = || batches.iter().flat_map(|batch| Row::of_batch(batch.masks, batch.indices.len() as u32));
        let masks: Vec<Row> = if plan.masks.is_some() { masks().collect() } else { Vec::new() };
        let mut row = 0;
        let table: Vec<Lane> = batches
            .iter()
            .map(|batch| {
                let rows = batch.indices.len() as u32;
                let lane = Lane {
                    weight_base: batch.slot as u32 * plan.stride,
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
        let sums = at(tables.losses, k * tables.loss_stride, (table.len() * 4) as u64);
        let lanes = layout.record(recording, at(tables.lanes, k * tables.lane_stride, tables.lane_stride), &table);
        for part in &parts {
            let indices = &indices[part.rows.clone()];
            let moves = moves.as_ref().map(|moves| moves.part(part.rows.clone()));
            recording.upload(plan.labels.buffer, 0, &samples.labels_of(indices));
            if let Some(rows) = plan.masks {
                recording.upload(rows.buffer, rows.offset, &masks[part.rows.clone()]);
            }
            let last = self.program.lowered.batch_last();
            let wanted = Wanted { indices, moves: moves.as_ref(), last };
            for run in samples.runs(indices.len()) {
                samples.gather(recording, &wanted, run, &tables.room, plan.x)?;
            }
            if parts.len() == 1 {
                self.record_part(recording, plan, &lanes, part.accumulate);
            } else {
                let lanes = layout.record(recording, tables.part, &part.lanes);
                self.record_part(recording, plan, &lanes, part.accumulate);
            }
        }
        lane_sum::record(recording, &lanes.first.samples, plan.losses, sums);
        recording.read_back(sums);
        Ok(lanes)
    }
}

/// The moves of all batches of a step, one after the other; those of a round are of one kind.
fn joined(batches: &[SlotBatch<'_>]) -> Option<Moves> {
    let mut all = batches.iter().filter_map(|batch| batch.moves.as_ref());
    let first = all.next()?.clone();
    Some(all.fold(first, |mut joined, moves| {
        joined.rows.extend_from_slice(&moves.rows);
        joined
    }))
}

/// (slot, mean loss) of each batch, from the sums that were read back, step after step.
pub(super) fn mean_losses(read: &[Vec<u8>], steps: &[Vec<SlotBatch<'_>>]) -> Vec<(usize, f64)> {
    let step = |(bytes, batches): (&Vec<u8>, &Vec<SlotBatch<'_>>)| {
        let sums = as_f32(bytes).into_iter().zip(batches);
        sums.map(|(sum, batch)| (batch.slot, f64::from(sum) / batch.indices.len() as f64)).collect::<Vec<_>>()
    };
    read.iter().zip(steps).flat_map(step).collect()
}
