//! Forward and backward pass of a local step, for many clients with weights of their own at once.
//!
//! The gradient of a node's output is called its slope. Nodes are gone through from the last: each reads its own slope and
//! gives to those of its input and its residual. The first to give writes, the others add.

use super::Session;
use super::forward::Chunk;
use super::lanes::WindowLanes;
use super::step_buffers::StepBuffers;
use crate::kernels::parts::Target;
use crate::kernels::{activation, activation_grad, add, softmax_xent, softmax_xent_grad};
use crate::layers::{Backward, Mode, kind};
use crate::model::Source;
use crate::recording::{Recording, Span};

impl Session<'_> {
    /// Records forward and backward pass of one part: losses and gradients; of the weights only running statistics change.
    pub(super) fn record_part(
        &self,
        recording: &mut Recording,
        plan: &StepBuffers,
        lanes: &WindowLanes,
        accumulate: bool,
    ) {
        let (mode, labels) = (Mode { masks: plan.masks, ..self.mode(None, plan.batch_statistics) }, plan.labels);
        self.record_kept_forward(recording, plan, lanes, &mode);
        let lowered = &self.program.lowered;
        let nodes = &lowered.graph.nodes;
        let (last, classes) = (nodes.len() - 1, self.program.graph.classes as u32);
        let logits = plan.values[last];
        let slope = |node: usize| plan.slopes[plan.slope_of[node]];
        let threads = mode.product.tiling.row_threads();
        let scored = softmax_xent::Scored { classes, logits, labels, held: plan.held, threads };
        softmax_xent::record(recording, &lanes.first.samples, &scored, plan.losses, plan.correct);
        softmax_xent_grad::record(recording, &lanes.first.samples, &scored, plan.options.scales.as_ref(), slope(last));
        let ways = self.program.step_ways(plan.options.scales.is_some());
        let rows = lanes.first.samples.rows;
        let mut given = vec![false; nodes.len()];
        for (i, node) in nodes.iter().enumerate().rev().filter(|(i, _)| lowered.weighted[*i]) {
            let (layer, len) = (kind(&node.layer), node.layer.output_len());
            let count = rows * len as u64;
            let mut dy = slope(i);
            let residual = node.residual.and_then(|from| lowered.slope_of(from));
            if layer.ends_with_relu() {
                // The residual's slope is the masked one: the first to give leaves it there.
                let to = residual.filter(|&n| !given[n]).map_or(plan.masked, slope);
                activation_grad::record(recording, activation::Function::Relu, count as u32, plan.values[i], dy, to);
                dy = to;
            }
            if let Some(n) = residual {
                if given[n] {
                    add::record(recording, count, dy, slope(n));
                } else if dy != slope(n) {
                    recording.copy(Span { bytes: 4 * count, ..dy }, Span { bytes: 4 * count, ..slope(n) });
                }
                given[n] = true;
            }
            let input = lowered.slope_of(node.input);
            let dx = input.map(|n| if given[n] { plan.addend } else { slope(n) });
            let step = Backward {
                how: ways.gradients(&node.layer, self.program.tiling),
                from_batch: lowered.is_shared(node.input),
                weights: self.program.windows.bound(i, plan.weights),
                target: Target { gradients: self.program.windows.bound(i, plan.gradients), parts: plan.parts },
                x: plan.place(lowered, node.input),
                y: plan.values[i],
                saved: plan.saved[i],
                dy,
                dx,
                accumulate,
                batch_statistics: plan.batch_statistics,
                room: plan.room,
                masks: plan.masks,
            };
            let first = recording.commands().len();
            layer.backward(recording, lanes.of(self.program.windows.of_node(i)), &step);
            for vectors in [step.weights, step.target.gradients] {
                recording.uses(first, vectors, self.own_bytes(node, vectors, lanes.first.samples.count.into()));
            }
            if let Some(n) = input {
                if given[n] {
                    add::record(recording, rows * layer.input_len() as u64, plan.addend, slope(n));
                }
                given[n] = true;
            }
        }
    }

    /// The forward pass, every node's output kept.
    fn record_kept_forward(&self, recording: &mut Recording, plan: &StepBuffers, lanes: &WindowLanes, mode: &Mode) {
        self.record_shared(recording, lanes.first.samples.rows, plan.x, &plan.shared);
        let source = |source: Source| plan.place(&self.program.lowered, source);
        let chunk = Chunk {
            weights: plan.weights,
            saved: &|node| plan.saved[node],
            coefficients: plan.coefficients,
            moments: plan.moments,
            fusion: &plan.fusion,
            part_moments: &plan.part_moments,
            room: Some(plan.room),
            halves: &[],
        };
        self.record_nodes(recording, lanes, mode, &chunk, &source, |recording, node, lanes, io| {
            if mode.batch_statistics {
                let layer = &self.program.lowered.graph.nodes[node].layer;
                kind(layer).update_running(recording, lanes, io.moments, io.running);
            }
        });
    }
}
