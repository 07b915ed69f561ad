//! What kernels of neighbouring nodes do together: GELU behind a linear layer and a pool behind a convolution, where nothing wants the values
//! before them, and a norm's statistics in the convolution before it.

use crate::caps::Layout;
use crate::kernels::conv::Geometry;
use crate::kernels::moments::Moments;
use crate::kernels::tiling::{Product, Tiling};
use crate::kernels::way::Way;
use crate::layers::{Pass, kind};
use crate::model::{Graph, Layer, Source};
use crate::recording::arena::{self, Value};
use crate::tune::Ways;

/// What a pass over a graph is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Purpose {
    /// A backward pass follows, which reads what comes before GELU and before pools.
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
    /// A node that is computed by the node before it: a GELU, or a pool, in the place of that node's output.
    pub by_neighbour: Vec<bool>,
    /// Of convolutions that leave moments, of the norms that take them, and of batch norms that take their own: with weights as they are,
    /// and perturbed. What a convolution leaves goes by its way, which may be another one then.
    links: [Vec<Option<Link>>; 2],
    /// f32 a row of each slot of moments.
    pub slots: Vec<usize>,
}

impl Fusion {
    /// For all passes of a purpose.
    pub fn of(graph: &Graph, layout: Layout, tiling: Tiling, ways: &Ways, purpose: Purpose) -> Self {
        let readers = graph.last_readers();
        let device = Blocking { layout, tiling, ways };
        let by_neighbour =
            (0..graph.nodes.len()).map(|i| !purpose.backward && device.takes_next(graph, &readers, i)).collect();
        let (plain, mut slots) = device.links(graph, purpose, Pass::Forward);
        // Weights that a backward pass follows are as they are.
        let (perturbed, others) =
            device.links(graph, purpose, if purpose.backward { Pass::Forward } else { Pass::Perturbed });
        slots.resize(slots.len().max(others.len()), 0);
        slots.iter_mut().zip(others).for_each(|(slot, other)| *slot = other.max(*slot));
        Self { by_neighbour, links: [plain, perturbed], slots }
    }

    /// What a node leaves or takes, with perturbed weights or as they are.
    pub fn link(&self, node: usize, perturbed: bool) -> Option<Link> {
        self.links[usize::from(perturbed)][node]
    }
}

/// How a device computes products.
struct Blocking<'a> {
    layout: Layout,
    tiling: Tiling,
    ways: &'a Ways,
}

impl Blocking<'_> {
    /// Whether both forward passes of a layer go by shuffles.
    fn by_shuffles(&self, layer: &Layer) -> bool {
        [Pass::Forward, Pass::Perturbed].iter().all(|pass| self.ways.of_layer(layer, *pass) == Way::Shuffle)
    }

    /// Whether a node is the GELU or the pool of a layer right before it that can compute it, and whose output nothing else reads.
    fn takes_next(&self, graph: &Graph, readers: &[usize], node: usize) -> bool {
        let Some(before) = node.checked_sub(1) else { return false };
        let (first, next) = (&graph.nodes[before], &graph.nodes[node]);
        let (layer, follows) = (kind(&first.layer), kind(&next.layer));
        let pools = || layer.can_end_with_pool(self.tiling, self.layout) && self.by_shuffles(&first.layer);
        (follows.is_gelu() && layer.can_end_with_gelu() || follows.is_pool_of_squares() && pools())
            && next.input == Source::Node(before)
            && readers[before] == node
            && first.residual.is_none()
            && next.residual.is_none()
    }

    /// The links of a pass, and f32 a row of each of their slots.
    fn links(&self, graph: &Graph, purpose: Purpose, pass: Pass) -> (Vec<Option<Link>>, Vec<usize>) {
        let mut by_conv: Vec<(usize, usize, Moments)> = (0..graph.nodes.len())
            .filter_map(|norm| {
                let (conv, moments) = self.moments_for(graph, purpose, pass, norm)?;
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
        (links, slots)
    }

    /// For a node that takes moments of its input: the node that leaves them, the one before it or itself, and the moments.
    fn moments_for(&self, graph: &Graph, purpose: Purpose, pass: Pass, node: usize) -> Option<(usize, Moments)> {
        let (layer, input) = (kind(&graph.nodes[node].layer), graph.nodes[node].input);
        let takes = |left: Option<(&Product, &Geometry)>| layer.takes_moments(purpose.batch_statistics, left);
        let left = match input {
            Source::Node(before) => {
                let first = &graph.nodes[before].layer;
                let how = Product { way: self.ways.of_layer(first, pass), ..Product::by_shuffles(self.tiling, None) };
                let geometry = kind(first).leaves_moments();
                geometry.map(|geometry| (before, how, Geometry { layout: self.layout, ..geometry }))
            }
            Source::Batch => None,
        };
        let by_neighbour = left.and_then(|(before, how, geometry)| Some((before, takes(Some((&how, &geometry)))?)));
        by_neighbour.or_else(|| Some((node, takes(None)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::moments::Parts;
    use crate::kernels::way::Block;
    use crate::model::ModelSpec;
    use crate::tune::products;
    use serde_json::json;

    const BACKWARD: Purpose = Purpose { backward: true, batch_statistics: true };
    const FORWARD: Purpose = Purpose { backward: false, batch_statistics: false };

    fn fusion(table: serde_json::Value, purpose: Purpose) -> (Graph, Fusion) {
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let fusion = Fusion::of(&graph, Layout::ChannelsFirst, Tiling::CORE, &Ways::default(), purpose);
        (graph, fusion)
    }

    #[test]
    fn convolutions_of_a_resnet_leave_moments_for_their_norms() {
        let (graph, fusion) = fusion(json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10}), BACKWARD);
        for (i, node) in graph.nodes.iter().enumerate() {
            // The core tier's parts of 4 x 4 pixels are too small.
            let wanted = match &node.layer {
                Layer::Norm(norm) => norm.shape.spatial() >= 64,
                Layer::Conv(conv) => conv.output.spatial() >= 64,
                _ => false,
            };
            assert_eq!(fusion.link(i, false).is_some(), wanted, "node {i}");
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
            assert!(fusion.link(first, false).is_none());
        }
    }

    #[test]
    fn batch_norms_take_moments_where_they_want_those_of_their_rows() {
        let resnet = json!({"kind": "resnet", "input": [3, 9, 9], "classes": 10, "width": 4, "norm": "batch"});
        let (graph, own) = fusion(resnet.clone(), BACKWARD);
        let norms = graph.nodes.iter().filter(|n| matches!(n.layer, Layer::Norm(_))).count();
        assert_eq!(own.links[0].iter().flatten().count(), 2 * norms);
        let running = fusion(resnet, FORWARD).1;
        assert!(running.links.iter().flatten().all(Option::is_none) && running.slots.is_empty());
    }

    #[test]
    fn each_pass_has_the_parts_of_its_own_tiles() {
        let table = json!({"kind": "resnet", "input": [3, 32, 32], "classes": 10, "width": 8});
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let mut ways = Ways::uniform(&graph, Layout::ChannelsLast, Way::Block(Block::new(128, 64, 16)));
        for (sizes, pass) in products(&graph) {
            if pass == Pass::Perturbed {
                ways.choose(sizes, pass, Way::Block(Block::new(64, 64, 16)));
            }
        }
        let norm = |i: usize| matches!(&graph.nodes[i].layer, Layer::Norm(norm) if norm.shape.spatial() == 1024);
        let first = (0..graph.nodes.len()).find(|i| norm(*i)).unwrap();
        for (purpose, perturbed) in [(FORWARD, 64), (BACKWARD, 128)] {
            let fusion = Fusion::of(&graph, ways.layout, Tiling::CORE, &ways, purpose);
            let values = |perturbed| match fusion.link(first, perturbed).unwrap().moments.parts {
                Parts::Groups { count, values, .. } => (count, values),
                other => panic!("{other:?}"),
            };
            // Four channels a group, two floats a part.
            assert_eq!(values(false), (4 * 8, 128));
            assert_eq!(values(true), (4 * 1024 / perturbed, perturbed));
            assert_eq!(fusion.slots[0], (2 * 8 * 1024 / perturbed) as usize);
        }
    }

    #[test]
    fn gelu_is_fused_where_nothing_goes_back() {
        let vit =
            json!({"kind": "vit", "input": [3, 8, 8], "classes": 10, "dim": 8, "heads": 2, "mlp": 12, "depth": 2});
        let (graph, fused) = fusion(vit.clone(), FORWARD);
        let gelus = graph.nodes.iter().filter(|n| matches!(n.layer, Layer::Gelu(_))).count();
        assert_eq!((gelus, fused.by_neighbour.iter().filter(|g| **g).count()), (2, 2));
        assert!(!fusion(vit, BACKWARD).1.by_neighbour.contains(&true));
    }

    #[test]
    fn a_pool_of_squares_is_fused_where_strips_are_and_nothing_goes_back() {
        let table = json!({"kind": "cnn", "input": [1, 28, 28], "channels": [8, 16], "hidden": 32, "classes": 10});
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let strips = Tiling { strips: true, ..Tiling::CORE };
        let fused = |tiling, layout, purpose| {
            let fusion = Fusion::of(&graph, layout, tiling, &Ways::default(), purpose);
            fusion.by_neighbour.iter().filter(|taken| **taken).count()
        };
        assert_eq!(fused(strips, Layout::ChannelsFirst, FORWARD), 2);
        assert_eq!(fused(strips, Layout::ChannelsLast, FORWARD), 0);
        assert_eq!(fused(strips, Layout::ChannelsFirst, BACKWARD), 0);
        assert_eq!(fused(Tiling::CORE, Layout::ChannelsFirst, FORWARD), 0);
    }
}
