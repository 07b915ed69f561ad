//! The forward pass of a chunk of lanes: in one dispatch where the model is a small MLP, else node by node through an arena.

use std::sync::Arc;

use super::batch::Batch;
use super::forward_plan::ForwardPlan;
use super::fusion::Fusion;
use super::lanes::WindowLanes;
use super::{EngineError, Session};
use crate::device::DeviceError;
use crate::kernels::lib::halves::Halves;
use crate::kernels::tiling::{Operands, Product};
use crate::kernels::way::Way;
use crate::kernels::{mlp_forward, softmax_xent};
use crate::layers::{Footprint, Forward, LaneTables, Mode, Pass, kind};
use crate::model::{Node, Source};
use crate::recording::chunks::RowBudget;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// Lanes of a chunk at most: layers of workgroups.
const MOST_LANES: u64 = 65_535;

/// Rows that fit at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Rows of input batch.
    pub batch_rows: u32,
    /// Rows of all lanes of a chunk together.
    pub lane_rows: u32,
    /// Lanes of a chunk.
    pub lanes: usize,
    /// Bytes that a lane's row takes.
    pub lane_row_bytes: u64,
    /// Bytes that a lane takes beside its rows.
    pub lane_bytes: u64,
}

/// The buffers of a chunk's forward pass.
pub(super) struct Activations {
    plan: Arc<ForwardPlan>,
    spans: Vec<Span>,
    saved: Span,
    coefficients: Span,
    moments: Span,
    part_moments: Vec<Span>,
}

/// What a chunk's forward pass works with beside the nodes' outputs.
pub(super) struct Chunk<'a> {
    /// Weight vectors, shared or a slot a lane.
    pub weights: Span,
    /// Room for what a node keeps.
    pub saved: &'a dyn Fn(usize) -> Span,
    /// Room for a norm's coefficients, each node's in turn.
    pub coefficients: Span,
    /// Room for a batch norm's moments, each node's in turn.
    pub moments: Span,
    /// What is computed together.
    pub fusion: &'a Fusion,
    /// Room for its slots of moments.
    pub part_moments: &'a [Span],
    /// Room for weights in the order of tiles; none: all products go by shuffles.
    pub room: Option<Span>,
    /// Which activations of each node are f16; empty: none.
    pub halves: &'a [Halves],
}

/// Moments are not wanted.
pub(super) fn nowhere(_node: usize) -> Option<Span> {
    None
}

impl Session<'_> {
    /// The plan of a pass whose batch norms take their rows' statistics, or the running ones.
    fn forward_plan(&self, batch_statistics: bool) -> &Arc<ForwardPlan> {
        let plans = &self.program.plans;
        let [running, batch] = if self.state.is_shared() { &plans.shared } else { &plans.own };
        if batch_statistics { batch } else { running }
    }

    /// How many rows of input (`features` values each; 0: don't care) and of lanes fit the budgets.
    pub(super) fn row_budget(&self, features: usize, batch_statistics: bool) -> Budget {
        let limits = self.space.device().limits();
        let memory = self.space.working_memory();
        let shared = &self.program.lowered.elements;
        let largest = shared.iter().copied().fold(features, usize::max);
        let row = (features + shared.iter().sum::<usize>()) * 4 + 8;
        let x = RowBudget { largest_row: (largest * 4).max(4) as u64, row: row as u64, cost: 0 };
        let plan = self.forward_plan(batch_statistics);
        // A submission ends between dispatches: the longest one counts.
        let cost = match self.in_one_dispatch() {
            Some(_) => self.program.graph.flops_forward(),
            None => self.program.lowered.graph.nodes.iter().map(|n| n.layer.flops_forward()).max().unwrap_or(0),
        };
        // A quarter of a chunk's memory is for what its products make of each lane's weights. What else a lane needs counts as if each row
        // were a lane.
        let [copy, room] = self.program.forward_room.filter(|_| self.state.is_shared()).unwrap_or_default();
        let half = memory.saturating_sub(copy) / 2;
        let rooms = if room == 0 { 0 } else { half / 4 };
        let lanes = RowBudget {
            largest_row: plan.buffers().map(|e| (e * 4) as u64).max().unwrap_or(4),
            row: plan.row_bytes(),
            cost,
        };
        let binding = self.space.binding();
        Budget {
            batch_rows: x.rows(binding, memory.saturating_sub(copy) / 4, u64::MAX),
            lane_rows: lanes.rows(binding, half - rooms, limits.submission_cost),
            lanes: rooms.checked_div(room).unwrap_or(MOST_LANES).clamp(1, MOST_LANES) as usize,
            lane_row_bytes: lanes.row,
            lane_bytes: copy + room,
        }
    }

    /// The parameters of the kernel that does the whole forward pass, for models that it takes.
    pub(super) fn in_one_dispatch(&self) -> Option<mlp_forward::Params> {
        self.program.lowered.graph.one_dispatch().filter(|_| self.program.windows.is_whole())
    }

    /// How kernels compute on this device.
    pub(super) fn mode(&self, perturbed: Option<Distribution>, batch_statistics: bool) -> Mode {
        let product = Product::by_shuffles(self.program.tiling, perturbed);
        Mode { product, layout: self.program.lowered.layout, batch_statistics, masks: None }
    }

    /// Records losses and correct flags of one chunk of lanes.
    pub(super) fn record_chunk_losses(
        &mut self,
        recording: &mut Recording,
        batch: &Batch,
        lanes: &WindowLanes,
        mode: &Mode,
        losses: Span,
        correct: Span,
    ) -> Result<(), EngineError> {
        let logits = self.record_logits(recording, batch, lanes, mode, &nowhere)?;
        let classes = self.program.graph.classes as u32;
        let threads = mode.product.tiling.row_threads();
        let scored = softmax_xent::Scored { classes, logits, labels: batch.labels, held: None, threads };
        softmax_xent::record(recording, &lanes.first.samples, &scored, losses, correct);
        Ok(())
    }

    /// Buffers for the nodes' outputs of so many rows and lanes.
    pub(super) fn activations(
        &mut self,
        rows: u64,
        lanes: u64,
        batch_statistics: bool,
    ) -> Result<Activations, EngineError> {
        let plan = Arc::clone(self.forward_plan(batch_statistics));
        for values in plan.buffers() {
            self.space.bindable("activations", rows * values as u64 * 4)?;
        }
        let mut each = |name, sizes: &[usize]| -> Result<Vec<Span>, DeviceError> {
            let nth = |(slot, elements): (usize, &usize)| self.space.nth(name, slot, rows * (*elements as u64) * 4);
            sizes.iter().enumerate().map(nth).collect()
        };
        let spans = each("activations", &plan.elements)?;
        let part_moments = each("moments of parts", &plan.fusion.slots)?;
        let mut need = |name, kept: Footprint| self.space.need(name, kept.bytes(rows, lanes));
        Ok(Activations {
            spans,
            saved: need("kept values", plan.keeps.saved)?,
            coefficients: need("norm coefficients", plan.keeps.coefficients)?,
            moments: need("norm moments", plan.keeps.moments)?,
            part_moments,
            plan,
        })
    }

    /// Records the nodes of one chunk and returns where its logits lie. `gathered`: where the moments of a batch norm's rows are
    /// copied to, lane by lane; nowhere for most passes ([`nowhere`]).
    pub(super) fn record_logits(
        &mut self,
        recording: &mut Recording,
        batch: &Batch,
        lanes: &WindowLanes,
        mode: &Mode,
        gathered: &dyn Fn(usize) -> Option<Span>,
    ) -> Result<Span, EngineError> {
        let (rows, count) = (lanes.first.samples.rows, u64::from(lanes.first.samples.count));
        let activations = self.activations(rows, count, mode.batch_statistics)?;
        let output = |node: usize| activations.spans[activations.plan.slot[node]];
        let nodes = &self.program.lowered.graph.nodes;
        let last = nodes.len() - 1;
        if let Some(params) = self.in_one_dispatch() {
            let operands = Operands::by_shuffles(self.state.weights(), batch.x, output(last));
            mlp_forward::record(recording, &lanes.first.samples, &mode.product, &params, &operands, batch.listed);
            return Ok(output(last));
        }
        // Copies of the weights are planned for lanes that share them; where probes have weights of their own products go by shuffles.
        let room = match self.program.forward_room {
            Some([copy, lane]) if self.state.is_shared() => {
                Some(self.space.need("weights in the order of tiles", copy + count * lane)?)
            }
            _ => None,
        };
        let source = |source: Source| match source {
            Source::Node(n) if !self.program.lowered.shared[n] => output(n),
            shared => self.program.lowered.place(shared, batch.x, &batch.shared),
        };
        let chunk = Chunk {
            weights: self.state.weights(),
            saved: &|node| {
                let kept = kind(&nodes[node].layer).keeps().saved;
                Span { bytes: kept.bytes(rows, count), ..activations.saved }
            },
            coefficients: activations.coefficients,
            moments: activations.moments,
            fusion: &activations.plan.fusion,
            part_moments: &activations.part_moments,
            room,
            halves: &activations.plan.halves,
        };
        self.record_nodes(recording, lanes, mode, &chunk, &source, |recording, node, _, io| {
            if let Some(to) = gathered(node) {
                recording.copy(io.moments, to);
            }
        });
        Ok(output(last))
    }

    /// Records the layers of a chunk node after node; `source` tells where outputs and the batch lie, `after` records what follows a
    /// node, with its lanes and buffers.
    pub(super) fn record_nodes(
        &self,
        recording: &mut Recording,
        lanes: &WindowLanes,
        mode: &Mode,
        chunk: &Chunk<'_>,
        source: &dyn Fn(Source) -> Span,
        mut after: impl FnMut(&mut Recording, usize, &LaneTables, &Forward),
    ) {
        let (rows, count) = (lanes.first.samples.rows, u64::from(lanes.first.samples.count));
        let sized = |span: Span, kept: Footprint| Span { bytes: kept.bytes(rows, count), ..span };
        let (fusion, lowered) = (chunk.fusion, &self.program.lowered);
        let nodes = &lowered.graph.nodes;
        for (i, node) in nodes.iter().enumerate() {
            if fusion.by_neighbour[i] || lowered.shared[i] {
                continue;
            }
            let layer = kind(&node.layer);
            let keeps = layer.keeps();
            let moments_of_parts = fusion.link(i, mode.product.perturbed.is_some()).map(|link| {
                let bytes = 4 * rows * u64::from(link.moments.row);
                (link.moments, Span { bytes, ..chunk.part_moments[link.slot] })
            });
            let next = nodes.get(i + 1).filter(|_| fusion.by_neighbour.get(i + 1) == Some(&true));
            let io = Forward {
                from_batch: lowered.is_shared(node.input),
                weights: self.program.windows.bound(i, chunk.weights),
                running: self.program.windows.running(i, chunk.weights),
                x: source(node.input),
                residual: node.residual.map(source),
                y: source(Source::Node(i)),
                saved: (chunk.saved)(i),
                coefficients: sized(chunk.coefficients, keeps.coefficients),
                moments: sized(chunk.moments, keeps.moments),
                gelu: next.is_some_and(|next| kind(&next.layer).is_gelu()),
                pooled: next.is_some_and(|next| kind(&next.layer).is_pool_of_squares()),
                moments_of_parts,
                room: chunk.room.unwrap_or(chunk.weights),
            };
            let lanes = lanes.of(self.program.windows.of_node(i));
            let pass = if mode.product.perturbed.is_some() { Pass::Perturbed } else { Pass::Forward };
            let has_room = chunk.room.is_some() || layer.order(pass).is_none();
            let way = if has_room { self.program.ways.of_layer(&node.layer, pass) } else { Way::Shuffle };
            let first = recording.commands().len();
            let halves = chunk.halves.get(i).copied().unwrap_or_default();
            layer.forward(recording, lanes, &Mode { product: Product { way, halves, ..mode.product }, ..*mode }, &io);
            recording.uses(first, io.weights, self.own_bytes(node, io.weights, count));
            after(recording, i, lanes, &io);
        }
    }

    /// Bytes of a node's own tensors in `weights`, which holds one vector for all lanes or one for each of `lanes`.
    pub(super) fn own_bytes(&self, node: &Node, weights: Span, lanes: u64) -> u64 {
        let graph = &self.program.lowered.graph;
        let values: usize = graph.tensors_of(node).iter().map(|tensor| tensor.len).sum();
        let vectors = (weights.bytes / (4 * graph.state_len() as u64).max(1)).clamp(1, lanes.max(1));
        4 * values as u64 * vectors
    }
}
