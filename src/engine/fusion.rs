//! What kernels of neighbouring nodes do together: GELU behind a linear layer, where nothing wants the values before it, and a norm's
//! statistics in the convolution before it.

use crate::kernels::conv::Geometry;
use crate::kernels::moments::Moments;
use crate::kernels::tiling::Tiling;
use crate::kernels::way::Way;
use crate::layers::{Pass, kind};
use crate::model::{Graph, Layer, Source};
use crate::recording::arena::{self, Value};
use crate::tune::Ways;

/// What a pass over a graph is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purpose {
    /// A backward pass follows, which reads what comes before GELU.
    pub backward: bool,
    /// Batch norms take the statistics of a lane's rows.
    pub batch_statistics: bool,
}

/// Moments that a convolution leaves and a norm takes, and the slot they lie in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    /// The moments.
    pub moments: Moments,
    /// The slot.
    pub slot: usize,
}

/// The fused nodes of a graph.
#[derive(Debug)]
pub(super) struct Fusion {
    /// The GELU of a node is computed by the node before it, into that node's output.
    pub gelu: Vec<bool>,
    /// Of convolutions that leave moments, of the norms that take them, and of batch norms that take their own.
    pub links: Vec<Option<Link>>,
    /// f32 a row of each slot of moments.
    pub slots: Vec<usize>,
}

impl Fusion {
    /// For all passes of a purpose.
    pub fn of(graph: &Graph, tiling: Tiling, ways: &Ways, purpose: Purpose) -> Self {
        let readers = graph.last_readers();
        let gelu =
            (0..graph.nodes.len()).map(|i| !purpose.backward && is_behind_its_layer(graph, &readers, i)).collect();
        let mut by_conv: Vec<(usize, usize, Moments)> = (0..graph.nodes.len())
            .filter_map(|norm| {
                let (conv, moments) = moments_for(graph, tiling, ways, purpose, norm)?;
                Some((conv, norm, moments))
            })
            .collect();
        by_conv.sort_by_key(|&(conv, ..)| conv);
        let value =
            |&(born, last, moments): &(usize, usize, Moments)| Value { elements: moments.row as usize, born, last };
        let (slot_of, slots) = arena::assign(&by_conv.iter().map(value).collect::<Vec<_>>());
        let mut links = vec![None; graph.nodes.len()];
        for (&(conv, norm, moments), slot) in by_conv.iter().zip(slot_of) {
            links[conv] = Some(Link { moments, slot });
            links[norm] = links[conv];
        }
        Self { gelu, links, slots }
    }
}

/// Whether a node is the GELU of a layer right before it that can compute it, and whose output nothing else reads.
fn is_behind_its_layer(graph: &Graph, readers: &[usize], node: usize) -> bool {
    let Some(before) = node.checked_sub(1) else { return false };
    let (first, gelu) = (&graph.nodes[before], &graph.nodes[node]);
    kind(&gelu.layer).is_gelu()
        && kind(&first.layer).can_end_with_gelu()
        && gelu.input == Source::Node(before)
        && readers[before] == node
        && first.residual.is_none()
        && gelu.residual.is_none()
}

/// For a node that takes moments of its input: the node that leaves them, the one before it or itself, and the moments.
fn moments_for(graph: &Graph, tiling: Tiling, ways: &Ways, purpose: Purpose, node: usize) -> Option<(usize, Moments)> {
    let (layer, input) = (kind(&graph.nodes[node].layer), graph.nodes[node].input);
    let takes = |before: Option<&Geometry>| layer.takes_moments(tiling, purpose.batch_statistics, before);
    // Only convolutions by shuffles leave them.
    let by_shuffles =
        |layer: &Layer| [Pass::Forward, Pass::Perturbed].iter().all(|pass| ways.of_layer(layer, *pass) == Way::Shuffle);
    let left = match input {
        Source::Node(before) if by_shuffles(&graph.nodes[before].layer) => {
            kind(&graph.nodes[before].layer).leaves_moments().map(|geometry| (before, geometry))
        }
        _ => None,
    };
    let by_neighbour = left.and_then(|(before, geometry)| Some((before, takes(Some(&geometry))?)));
    by_neighbour.or_else(|| Some((node, takes(None)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelSpec;
    use serde_json::json;

    const BACKWARD: Purpose = Purpose { backward: true, batch_statistics: true };
    const FORWARD: Purpose = Purpose { backward: false, batch_statistics: false };

    fn fusion(table: serde_json::Value, purpose: Purpose) -> (Graph, Fusion) {
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let fusion = Fusion::of(&graph, Tiling::CORE, &Ways::default(), purpose);
        (graph, fusion)
    }

    #[test]
    fn convolutions_of_a_resnet_leave_moments_for_their_norms() {
        let (graph, fusion) = fusion(json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10}), BACKWARD);
        for (i, node) in graph.nodes.iter().enumerate() {
            // The core tier's parts of 4 x 4 pixels are too small.
            let wanted = match &node.layer {
                Layer::Norm(norm) => norm.spatial >= 64,
                Layer::Conv(conv) => conv.output.spatial() >= 64,
                _ => false,
            };
            assert_eq!(fusion.links[i].is_some(), wanted, "node {i}");
        }
        // A second convolution's wait while the shortcut's come and go.
        assert_eq!(fusion.slots.len(), 2);
        // A part of 64 values leaves two.
        assert!(fusion.slots.iter().all(|&f32s| f32s <= graph.max_activation() / 32));
    }

    #[test]
    fn small_parts_and_those_that_would_mix_samples_are_left_to_the_norm() {
        // Two channels a group, which leave parts of eight values; 5 x 5 pixels.
        for table in [
            json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10, "width": 4}),
            json!({"kind": "resnet", "input": [3, 5, 5], "classes": 10}),
        ] {
            let (graph, fusion) = fusion(table, BACKWARD);
            let first = graph.nodes.iter().position(|n| matches!(n.layer, Layer::Norm(_))).unwrap();
            assert!(fusion.links[first].is_none());
        }
    }

    #[test]
    fn batch_norms_take_moments_where_they_want_those_of_their_rows() {
        let resnet = json!({"kind": "resnet", "input": [3, 9, 9], "classes": 10, "width": 4, "norm": "batch"});
        let (graph, own) = fusion(resnet.clone(), BACKWARD);
        let norms = graph.nodes.iter().filter(|n| matches!(n.layer, Layer::Norm(_))).count();
        assert_eq!(own.links.iter().flatten().count(), 2 * norms);
        let running = fusion(resnet, FORWARD).1;
        assert!(running.links.iter().all(Option::is_none) && running.slots.is_empty());
    }

    #[test]
    fn gelu_is_fused_where_nothing_goes_back() {
        let vit =
            json!({"kind": "vit", "input": [3, 8, 8], "classes": 10, "dim": 8, "heads": 2, "mlp": 12, "depth": 2});
        let (graph, fused) = fusion(vit.clone(), FORWARD);
        let gelus = graph.nodes.iter().filter(|n| matches!(n.layer, Layer::Gelu(_))).count();
        assert_eq!((gelus, fused.gelu.iter().filter(|g| **g).count()), (2, 2));
        assert!(!fusion(vit, BACKWARD).1.gelu.contains(&true));
    }
}
