//! Per-sample losses of lanes, cut into chunks that fit.

use super::batch::Batch;
use super::counts::check_batch;
use super::lanes::stack;
use super::{EngineError, Session};
use crate::kernels::params::Lane;
use crate::layers::Mode;
use crate::recording::chunks::pack;
use crate::recording::{Recording, Span};

impl Session<'_> {
    /// Rows of a lane that can't be cut, because batch norms take the statistics of all its rows: of the largest of lanes of `rows`. `key`
    /// is the config's key that asks for it.
    ///
    /// # Errors
    /// A lane that doesn't fit the memory at once, or is one value a channel.
    pub(super) fn whole_lanes(&self, rows: &[u32], key: &'static str) -> Result<u32, EngineError> {
        rows.iter().try_for_each(|&rows| check_batch(&self.program.graph, rows, key))?;
        let rows = rows.iter().copied().max().unwrap_or(0);
        let budget = self.row_budget(0, true);
        let needed = u64::from(rows) * budget.lane_row_bytes + budget.lane_bytes;
        let memory = self.space.working_memory();
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
        let budget = self.row_budget(0, mode.batch_statistics);
        let chunks = pack(lanes.iter().map(|l| l.rows), u64::from(budget.lane_rows), budget.lanes);
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
