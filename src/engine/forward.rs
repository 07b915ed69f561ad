//! The forward pass of a chunk of lanes: in one dispatch where the model is a small MLP, else node by node through an arena.

use std::sync::Arc;

use super::batch::Batch;
use super::counts::{check_batch, count};
use super::fusion::{Fusion, Purpose};
use super::halves;
use super::lanes::{WindowLanes, stack};
use super::lowering::Lowered;
use super::{EngineError, Session};
use crate::device::{DeviceError, as_f32};
use crate::kernels::lib::halves::Halves;
use crate::kernels::params::Lane;
use crate::kernels::tiling::{Operands, Product, Tiling};
use crate::kernels::way::Way;
use crate::kernels::{lane_sum, mlp_forward, softmax_xent};
use crate::layers::{self, Footprint, Forward, Keeps, LaneTables, Mode, Pass, kind};
use crate::model::{Node, Source};
use crate::recording::arena::{self, Value};
use crate::recording::chunks::RowBudget;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;
use crate::tune::Ways;

/// What a forward pass gives for rows that were handed over as f32.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// `[rows][classes]`.
    pub logits: Vec<f32>,
    /// Mean cross-entropy.
    pub loss: f32,
}

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

/// What the forward pass of a graph needs at once, by liveness.
pub(super) struct ForwardPlan {
    /// The slot of each node's output.
    pub slot: Vec<usize>,
    /// Values a row of each slot.
    pub elements: Vec<usize>,
    /// The most that a layer keeps.
    pub keeps: Keeps,
    /// What is computed together.
    pub fusion: Fusion,
    /// Which activations of each node are f16.
    pub halves: Vec<Halves>,
}

impl ForwardPlan {
    /// Node i writes value i at step i; the last node that reads it (or the loss) ends its life. What a node's predecessor computes lies
    /// where that one's output would. What lanes share lies with the batch. `f16`: activations may be f16 in memory.
    pub fn of(lowered: &Lowered, tiling: Tiling, ways: &Ways, batch_statistics: bool, f16: bool) -> Self {
        let graph = &lowered.graph;
        let readers = graph.last_readers();
        let fusion = Fusion::of(graph, lowered.layout, tiling, ways, Purpose { backward: false, batch_statistics });
        let follows = |node: usize| usize::from(fusion.by_neighbour.get(node + 1) == Some(&true));
        let own: Vec<usize> =
            (0..graph.nodes.len()).filter(|&node| !fusion.by_neighbour[node] && !lowered.shared[node]).collect();
        let halves = if f16 {
            halves::halves(lowered, ways, &fusion, batch_statistics)
        } else {
            vec![Halves::default(); graph.nodes.len()]
        };
        let value = |&born: &usize| {
            let stored = born + follows(born);
            let values = graph.nodes[stored].layer.output_len();
            // Of two f16 each.
            let elements = if halves[stored].y { values.div_ceil(2) } else { values };
            Value { elements, born, last: readers[stored] }
        };
        let (slots, elements) = arena::assign(&own.iter().map(value).collect::<Vec<_>>());
        let mut slot = vec![0; graph.nodes.len()];
        for (&node, of_value) in own.iter().zip(slots) {
            slot[node] = of_value;
            slot[node + follows(node)] = of_value;
        }
        let keeps = graph.nodes.iter().map(|n| kind(&n.layer).keeps()).fold(Keeps::default(), Keeps::max);
        Self { slot, elements, keeps, fusion, halves }
    }

    /// Bytes of a row in all buffers of the pass. What a lane keeps counts as if each row were a lane.
    pub fn row_bytes(&self) -> u64 {
        4 * (self.buffers().sum::<usize>() + self.keeps.values()) as u64
    }

    /// Values a row of each slot.
    fn buffers(&self) -> impl Iterator<Item = usize> {
        self.elements.iter().chain(&self.fusion.slots).copied()
    }
}

/// The plans of a model's forward passes, with running statistics of batch norms and with those of rows.
pub(super) struct ForwardPlans {
    /// Of lanes that share their weights.
    shared: [Arc<ForwardPlan>; 2],
    /// Of lanes with weights of their own: products go by shuffles, which know f32 only.
    own: [Arc<ForwardPlan>; 2],
}

impl ForwardPlans {
    /// Of a model's graph; `f16`: as in [`ForwardPlan::of`].
    pub fn of(lowered: &Lowered, tiling: Tiling, ways: &Ways, f16: bool) -> Self {
        let plans = |f16| {
            [false, true]
                .map(|batch_statistics| Arc::new(ForwardPlan::of(lowered, tiling, ways, batch_statistics, f16)))
        };
        let own = plans(false);
        Self { shared: if f16 { plans(true) } else { own.clone() }, own }
    }
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
    fn in_one_dispatch(&self) -> Option<mlp_forward::Params> {
        layers::one_dispatch(&self.program.lowered.graph).filter(|_| self.program.windows.is_whole())
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
        let scored = softmax_xent::Scored { classes, logits, labels: batch.labels, held: None };
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
            mlp_forward::record(recording, &lanes.first.samples, &mode.product, &params, &operands);
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
            let moments_of_parts = fusion.links[i].map(|link| {
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

    /// The forward pass on rows given as f32, with the shared weights.
    pub fn outputs(&mut self, x: &[f32], labels: &[u32], batch_statistics: bool) -> Result<Outputs, EngineError> {
        let rows = count(labels.len(), "samples of a batch", "")?;
        if batch_statistics {
            check_batch(&self.program.graph, rows, "warmup.batch")?;
        }
        let batch = self.given(x, labels)?;
        let mut lane = [Lane { rows, ..Lane::default() }];
        stack(&mut lane);
        let layout = &self.program.lanes;
        let table = self.space.need("lanes", layout.bytes(1))?;
        let losses = self.space.need("losses", u64::from(rows) * 4)?;
        let correct = self.space.need("correct", u64::from(rows) * 4)?;
        let total = self.space.need("slice sums", 4)?;
        let mut recording = Recording::new();
        let lanes = layout.record(&mut recording, table, &lane);
        let mode = self.mode(None, batch_statistics);
        let logits = self.record_logits(&mut recording, &batch, &lanes, &mode, &nowhere)?;
        recording.read_back(Span::of(logits.buffer, u64::from(rows) * self.program.graph.classes as u64 * 4));
        self.record_chunk_losses(&mut recording, &batch, &lanes, &mode, losses, correct)?;
        lane_sum::record(&mut recording, &lanes.first.samples, losses, total);
        recording.read_back(total);
        let read = self.space.submit(&recording)?;
        let logits = read.first().map(|b| as_f32(b)).unwrap_or_default();
        let loss = read.get(1).and_then(|b| as_f32(b).first().copied()).unwrap_or(f32::NAN) / rows.max(1) as f32;
        Ok(Outputs { logits, loss })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps::Layout;
    use crate::model::{Graph, ModelSpec};
    use serde_json::json;

    fn plan(table: serde_json::Value) -> (Graph, ForwardPlan) {
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let plan =
            ForwardPlan::of(&Lowered::of(&graph, Layout::ChannelsFirst), Tiling::CORE, &Ways::default(), true, false);
        (graph, plan)
    }

    #[test]
    fn a_residual_network_lives_in_three_of_its_largest_activations() {
        let (graph, plan) = plan(json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10}));
        let largest = graph.max_activation();
        assert_eq!(largest, 64 * 32 * 32);
        assert_eq!(plan.elements.iter().sum::<usize>(), 3 * largest);
    }

    #[test]
    fn no_node_writes_what_it_or_a_later_one_reads() {
        for table in [
            json!({"kind": "resnet", "input": [3, 20, 20], "classes": 10, "depth": 34, "width": 4}),
            json!({"kind": "vit", "input": [3, 8, 8], "classes": 10, "dim": 8, "heads": 2, "mlp": 12, "depth": 2}),
        ] {
            let (graph, plan) = plan(table);
            let last = graph.last_readers();
            for (i, node) in graph.nodes.iter().enumerate() {
                assert!(plan.elements[plan.slot[i]] >= node.layer.output_len());
                // What the node before it computes lies in that one's slot.
                let (taken, own) = (plan.fusion.by_neighbour[i], i - usize::from(plan.fusion.by_neighbour[i]));
                for (j, last) in last.iter().enumerate().take(own) {
                    assert!(plan.slot[j] != plan.slot[i] || *last < own, "{j} and {i}");
                }
                if taken {
                    assert_eq!(plan.slot[i], plan.slot[own]);
                }
            }
        }
    }
}
