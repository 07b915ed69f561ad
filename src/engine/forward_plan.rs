//! What the forward pass of a graph needs at once, by liveness.

use std::sync::Arc;

use super::fusion::{Fusion, Purpose};
use super::halves;
use super::lowering::Lowered;
use crate::kernels::lib::halves::Halves;
use crate::kernels::tiling::Tiling;
use crate::layers::{Keeps, kind};
use crate::recording::arena::{self, Value};
use crate::tune::Ways;

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
    pub fn buffers(&self) -> impl Iterator<Item = usize> {
        self.elements.iter().chain(&self.fusion.slots).copied()
    }
}

/// The plans of a model's forward passes, with running statistics of batch norms and with those of rows.
pub(super) struct ForwardPlans {
    /// Of lanes that share their weights.
    pub shared: [Arc<ForwardPlan>; 2],
    /// Of lanes with weights of their own: products go by shuffles, which know f32 only.
    pub own: [Arc<ForwardPlan>; 2],
}

impl ForwardPlans {
    /// Of a model's graph; `f16`: as in [`ForwardPlan::of`].
    pub fn of(lowered: &Lowered, tiling: Tiling, ways: &Ways, f16: bool) -> Self {
        let plans = |ways: &Ways, f16| {
            [false, true]
                .map(|batch_statistics| Arc::new(ForwardPlan::of(lowered, tiling, ways, batch_statistics, f16)))
        };
        Self { shared: plans(ways, f16), own: plans(&Ways::by_shuffles(ways.layout), false) }
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
