//! What lanes share of a batch: computed once for all of them.

use super::Session;
use crate::kernels::params::Lanes;
use crate::layers::{Forward, LaneTables, kind};
use crate::model::Source;
use crate::recording::{Recording, Span};

impl Session<'_> {
    /// Records what lanes share of `rows` rows of a batch in `x`.
    pub(super) fn record_shared(&self, recording: &mut Recording, rows: u64, x: Span, buffers: &[Span]) {
        let lowered = &self.program.lowered;
        // Layers without weights go over rows as they come: none reads a table of lanes.
        let samples = Lanes {
            table: x,
            count: 1,
            max_rows: rows as u32,
            rows,
            sample_rows: 1,
            own_weights: false,
            on_quads: true,
        };
        let lanes = LaneTables { samples, tokens: samples };
        for (i, node) in lowered.graph.nodes.iter().enumerate().filter(|(i, _)| lowered.shared[*i]) {
            let place = |source| lowered.place(source, x, buffers);
            let io = Forward::without_weights(place(node.input), place(Source::Node(i)));
            kind(&node.layer).forward(recording, &lanes, &self.mode(None, false), &io);
        }
    }
}
