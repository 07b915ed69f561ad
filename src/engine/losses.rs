//! Per-sample losses of lanes, cut into chunks that fit.

use std::ops::Range;

use super::batch::Batch;
use super::counts::check_batch;
use super::lanes::{WindowLanes, stack};
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
        lanes: Vec<Lane>,
        mode: &Mode,
        losses: Span,
        correct: Span,
    ) -> Result<(), EngineError> {
        for chunk in self.chunks(recording, vec![lanes], mode)?.concat() {
            self.record_chunk_losses(recording, batch, &chunk, mode, losses, correct)?;
        }
        Ok(())
    }

    /// Cuts each of several lists of lanes into chunks that fit, and records the upload of all of them; `row0` is set here.
    pub(super) fn chunks(
        &mut self,
        recording: &mut Recording,
        mut lists: Vec<Vec<Lane>>,
        mode: &Mode,
    ) -> Result<Vec<Vec<WindowLanes>>, EngineError> {
        let budget = self.row_budget(0, mode.batch_statistics);
        let cut = |lanes: &Vec<Lane>| pack(lanes.iter().map(|l| l.rows), u64::from(budget.lane_rows), budget.lanes);
        let chunks: Vec<Vec<Range<usize>>> = lists.iter().map(cut).collect();
        let rows_of =
            |lanes: &[Lane], chunk: &Range<usize>| lanes[chunk.clone()].iter().map(|l| u64::from(l.rows)).sum();
        let each = || lists.iter().zip(&chunks).flat_map(|(lanes, chunks)| chunks.iter().map(move |c| (lanes, c)));
        let largest = each().map(|(lanes, chunk)| rows_of(lanes, chunk)).max();
        let most = each().map(|(_, chunk)| chunk.len() as u64).max();
        let total = each().map(|(_, chunk)| self.program.lanes.bytes(chunk.len())).sum();
        self.activations(largest.unwrap_or(0), most.unwrap_or(0), mode.batch_statistics)?;
        let mut table = self.space.need("lanes", total)?;
        let layout = &self.program.lanes;
        let mut tables = Vec::with_capacity(lists.len());
        for (lanes, chunks) in lists.iter_mut().zip(chunks) {
            let mut of_list = Vec::with_capacity(chunks.len());
            for chunk in self.space.recorded_of(chunks, |chunk| rows_of(lanes, chunk)) {
                let chunk = &mut lanes[chunk];
                stack(chunk);
                of_list.push(layout.record(recording, table, chunk));
                table.offset += layout.bytes(chunk.len());
            }
            tables.push(of_list);
        }
        Ok(tables)
    }
}
