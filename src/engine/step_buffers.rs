//! The buffers that local steps are recorded in.

use std::ops::Range;

use super::batch::Batch;
use super::fusion::Fusion;
use super::lowering::Lowered;
use super::step_options::OptionBuffers;
use crate::kernels::params::Lane;
use crate::kernels::softmax_xent::Held;
use crate::model::Source;
use crate::recording::chunks::pieces;
use crate::recording::lease::Lease;
use crate::recording::{Recording, Span};

/// Buffers of local steps: weights and gradients a slot, activations of all nodes a row.
pub(super) struct StepBuffers {
    /// Clients at once.
    pub slots: usize,
    /// f32 from one slot's weights to the next's.
    pub stride: u32,
    /// Weights, `slots * stride`.
    pub weights: Span,
    /// Gradients, alike.
    pub gradients: Span,
    /// Input rows of a part.
    pub x: Span,
    /// Their labels.
    pub labels: Span,
    /// What dropouts draw their masks from; none: the model has none, or nothing is dropped.
    pub masks: Option<Span>,
    /// Losses of a whole step.
    pub losses: Span,
    /// Rows whose activations are held at once; a multiple of [`SAMPLE_BLOCK`] where it cuts a client's batch.
    pub rows: u32,
    /// Batch norms take the statistics of a step's rows and update the running ones.
    pub batch_statistics: bool,
    /// The classes that the slots' clients hold, over which their cross-entropy goes; none: all.
    pub held: Option<Held>,
    pub correct: Span,
    /// What lanes share beside the input.
    pub shared: Vec<Span>,
    /// Output of each other node.
    pub values: Vec<Span>,
    /// What a layer keeps for its backward pass.
    pub saved: Vec<Span>,
    /// A norm's coefficients and moments, each node's in turn.
    pub coefficients: Span,
    pub moments: Span,
    /// What the forward pass computes together, and its moments.
    pub fusion: Fusion,
    pub part_moments: Vec<Span>,
    /// Slopes, reused by liveness.
    pub slopes: Vec<Span>,
    pub slope_of: Vec<usize>,
    /// A slope behind a fused ReLU.
    pub masked: Span,
    /// A slope that is added to another.
    pub addend: Span,
    /// Parts of a gradient's long sums, each node's in turn.
    pub parts: Span,
    /// Weights in the order of tiles, each node's in turn.
    pub room: Span,
    /// What steps with options keep.
    pub options: OptionBuffers,
    /// Shares in these buffers.
    pub leases: Vec<Lease>,
}

/// One part of a local step: lanes whose rows are held at once.
pub(super) struct Part {
    /// The lanes, on the host. Their `x_row` counts the part's rows.
    pub lanes: Vec<Lane>,
    /// The part's rows in the whole step.
    pub rows: Range<usize>,
    /// Whether the gradients of an earlier part of the same batches are added to.
    pub accumulate: bool,
}

/// The working buffers of a step that hold what it starts from.
pub(super) const STARTS: [&str; 3] = ["client weights", "training batch", "training labels"];

impl StepBuffers {
    /// Where the rows of a source lie.
    pub fn place(&self, lowered: &Lowered, source: Source) -> Span {
        match source {
            Source::Node(node) if !lowered.shared[node] => self.values[node],
            shared => lowered.place(shared, self.x, &self.shared),
        }
    }

    /// Records the copy of rows of a batch, `features` values each, to where a part's rows lie.
    pub fn record_copy(&self, recording: &mut Recording, batch: &Batch, features: usize, rows: &Range<usize>) {
        for (from, to, row) in [(batch.x, self.x, 4 * features as u64), (batch.labels, self.labels, 4)] {
            let (offset, bytes) = (from.offset + row * rows.start as u64, row * rows.len() as u64);
            recording.copy(Span { offset, bytes, ..from }, Span { bytes, ..to });
        }
    }

    /// Cuts a step's lanes into parts that fit. More than one part only where a single client's batch doesn't fit.
    pub fn parts(&self, whole: &[Lane]) -> Vec<Part> {
        let rows = whole.iter().map(|l| l.rows).sum::<u32>();
        if rows <= self.rows {
            return vec![Part { lanes: whole.to_vec(), rows: 0..rows as usize, accumulate: false }];
        }
        let mut parts = Vec::new();
        for lane in whole {
            for piece in pieces(&[lane.rows], self.rows) {
                let first = (lane.x_row + piece.first) as usize;
                let cut = Lane { x_row: 0, out_row: lane.out_row + piece.first, row0: 0, rows: piece.rows, ..*lane };
                let rows = first..first + piece.rows as usize;
                parts.push(Part { lanes: vec![cut], rows, accumulate: piece.first > 0 });
            }
        }
        parts
    }
}
