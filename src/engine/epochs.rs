//! Local steps of many clients at once, each with its own weights, in lockstep: clients that have no more batches drop out of the lanes.

use std::collections::VecDeque;

use super::client_step::ClientStep;
use super::gathering::{GatherRoom, Moves, Wanted};
use super::lanes::WindowLanes;
use super::step_buffers::StepBuffers;
use super::{EngineError, Samples, Session};
use crate::device::{Ticket, as_f32, as_u32};
use crate::kernels::dropout::Row;
use crate::kernels::lane_sum;
use crate::kernels::lib::scales::{Scales, WORDS};
use crate::kernels::params::Lane;
use crate::recording::{Recording, Span};

/// Steps that go into one recording: bounds the host memory of uploads and the length of a submission's encoding.
const STEPS_A_RECORDING: usize = 32;

/// Those of the first one. Each has twice as many as the one before it: the device has work soon, and is at it while the next is recorded.
const STEPS_AT_FIRST: usize = 2;

/// Recordings that are on their way at once.
const RECORDINGS_AT_ONCE: usize = 3;

/// A client's part of a warm-up round.
#[derive(Clone)]
pub struct TrainClient {
    /// The samples of each local step, in order; no batch is empty.
    pub batches: Vec<Vec<u32>>,
    /// Its share in the average; the shares of a round add up to 1, but where some of its clients send numbers.
    pub share: f32,
}

/// Steps that are on their way.
struct Started {
    ticket: Ticket,
    /// Slot and samples of each step's batches.
    batches: Vec<Vec<(usize, usize)>>,
}

/// What has come back of them.
struct Ended {
    /// The mean losses of each slot's steps.
    losses: Vec<Vec<f64>>,
    /// The words of the slots' scales behind the last step, where they have such.
    scales: Vec<u32>,
}

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
    room: GatherRoom,
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
        let mut ended = Ended { losses: vec![Vec::new(); group.len()], scales: Vec::new() };
        // A step's lanes and losses lie in tables of its own, and its samples may wait on the host.
        let largest = |c: &TrainClient| c.batches.iter().map(Vec::len).max().unwrap_or(0);
        let staged = samples.staged_bytes(group.iter().map(largest).sum());
        let step_bytes = self.program.lanes.bytes(group.len()) + 4 * group.len() as u64 + staged;
        let at_once = (self.space.working_memory() / 16 / step_bytes).clamp(1, STEPS_A_RECORDING as u64) as usize;
        let (mut started, mut done, mut next) = (VecDeque::new(), 0, STEPS_AT_FIRST);
        while done < longest {
            let block = done..longest.min(done + next.min(at_once));
            (done, next) = (block.end, next * 2);
            let batches: Vec<Vec<SlotBatch<'_>>> = block
                .map(|number| {
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
            if started.len() == RECORDINGS_AT_ONCE
                && let Some(first) = started.pop_front()
            {
                self.await_steps(first, &mut ended)?;
            }
            started.push_back(self.start_steps(samples, &batches, plan, step, group.len())?);
        }
        for steps in started {
            self.await_steps(steps, &mut ended)?;
        }
        if let Some(scale) = self.state.scale.as_mut().filter(|_| plan.options.scales.is_some()) {
            scale.note(&ended.scales, longest);
        }
        Ok(ended.losses)
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
        if let Some(Scales { words, .. }) = plan.options.scales {
            let scale = self.state.scale.get_or_insert_default();
            recording.upload(words.buffer, words.offset, &scale.words(slots));
        }
        self.space.submit(&recording).map(drop)
    }

    /// Starts some consecutive local steps of a group of `slots` clients, as one recording.
    fn start_steps(
        &mut self,
        samples: &Samples,
        steps: &[Vec<SlotBatch<'_>>],
        plan: &StepBuffers,
        step: &ClientStep<'_>,
        slots: usize,
    ) -> Result<Started, EngineError> {
        let tables = self.step_tables(samples, steps, plan, slots)?;
        let mut recording = Recording::new();
        for (k, batches) in (0..).zip(steps) {
            let lanes = self.record_gradients(&mut recording, samples, batches, plan, (&tables, k))?;
            self.record_client_step(&mut recording, plan, &lanes, step);
        }
        if let Some(Scales { words, .. }) = plan.options.scales {
            recording.read_back(Span { bytes: (4 * WORDS * slots) as u64, ..words });
        }
        let ticket = self.space.start(&recording)?;
        let batch = |batch: &SlotBatch<'_>| (batch.slot, batch.indices.len());
        Ok(Started { ticket, batches: steps.iter().map(|step| step.iter().map(batch).collect()).collect() })
    }

    /// Waits for steps.
    fn await_steps(&mut self, steps: Started, ended: &mut Ended) -> Result<(), EngineError> {
        let read = self.space.finish(steps.ticket)?;
        for (slot, loss) in mean_losses(&read, &steps.batches) {
            ended.losses[slot].push(loss);
        }
        if let Some(words) = read.get(steps.batches.len()) {
            ended.scales = as_u32(words);
        }
        Ok(())
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

/// (slot, mean loss) of each batch, of so many samples, from the sums that were read back, step after step.
pub(super) fn mean_losses(read: &[Vec<u8>], steps: &[Vec<(usize, usize)>]) -> Vec<(usize, f64)> {
    let step = |(bytes, batches): (&Vec<u8>, &Vec<(usize, usize)>)| {
        let sums = as_f32(bytes).into_iter().zip(batches);
        sums.map(|(sum, &(slot, samples))| (slot, f64::from(sum) / samples as f64)).collect::<Vec<_>>()
    };
    read.iter().zip(steps).flat_map(step).collect()
}
