//! Which activations of a forward pass are f16 in memory: those that a product by matrices of f16 makes, reads, or that lie between such
//! products, where the kernels of the layer that writes them and of all that read them can do so. It follows from the graph and the ways
//! alone, never from lanes, rows or memory.

use super::fusion::Fusion;
use super::lowering::Lowered;
use crate::kernels::lib::halves::Halves;
use crate::layers::{HalvesOf, Pass, kind};
use crate::model::{Node, Source};
use crate::tune::Ways;

/// Of each node its input, what it adds and its output.
pub(super) fn halves(lowered: &Lowered, ways: &Ways, fusion: &Fusion, batch_statistics: bool) -> Vec<Halves> {
    let nodes = &lowered.graph.nodes;
    let able: Vec<Halves> = nodes.iter().map(|node| able(node, ways, batch_statistics)).collect();
    let free = |i: usize| !fusion.by_neighbour[i] && fusion.by_neighbour.get(i + 1) != Some(&true);
    let read = |i: usize| {
        let readers = nodes.iter().zip(&able).enumerate();
        readers.filter(|(_, (node, _))| node.input == Source::Node(i) || node.residual == Some(Source::Node(i))).all(
            |(j, (node, able))| {
                free(j)
                    && (node.input != Source::Node(i) || able.x)
                    && (node.residual != Some(Source::Node(i)) || able.residual)
            },
        )
    };
    // The loss reads the last one.
    let last = nodes.len().saturating_sub(1);
    let half: Vec<bool> =
        (0..nodes.len()).map(|i| i != last && !lowered.shared[i] && able[i].y && free(i) && read(i)).collect();
    let of = |source: Source| matches!(source, Source::Node(n) if half[n]);
    let of_node =
        |(i, node): (usize, &Node)| Halves { x: of(node.input), residual: node.residual.is_some_and(of), y: half[i] };
    nodes.iter().enumerate().map(of_node).collect()
}

/// What a layer's kernels can do, in the ways of both kinds of forward passes.
fn able(node: &Node, ways: &Ways, batch_statistics: bool) -> Halves {
    let in_pass = |pass| {
        let how = HalvesOf { way: ways.of_layer(&node.layer, pass), layout: ways.layout, batch_statistics };
        kind(&node.layer).halves(&how)
    };
    let (plain, perturbed) = (in_pass(Pass::Forward), in_pass(Pass::Perturbed));
    Halves { x: plain.x && perturbed.x, residual: plain.residual && perturbed.residual, y: plain.y && perturbed.y }
}

#[cfg(test)]
mod tests {
    use super::super::forward_plan::ForwardPlan;
    use super::super::fusion::Purpose;
    use super::*;
    use crate::caps::Layout;
    use crate::kernels::lib::matrix::SMALL;
    use crate::kernels::tiling::Tiling;
    use crate::kernels::way::Way;
    use crate::model::{Graph, Layer, ModelSpec};
    use serde_json::json;

    fn resnet(norm: &str) -> Graph {
        let model = json!({"kind": "resnet", "input": [3, 8, 8], "classes": 10, "width": 8, "norm": norm});
        ModelSpec::from_json(&model).unwrap().graph().unwrap()
    }

    fn of(graph: &Graph, way: Way, batch_statistics: bool) -> Vec<(bool, Halves)> {
        let ways = Ways::uniform(graph, Layout::ChannelsLast, way);
        let lowered = Lowered::of(graph, ways.layout);
        let purpose = Purpose { backward: false, batch_statistics };
        let fusion = Fusion::of(&lowered.graph, ways.layout, Tiling::CORE, &ways, purpose);
        let halves = halves(&lowered, &ways, &fusion, batch_statistics);
        lowered.graph.nodes.iter().map(|n| matches!(n.layer, Layer::Conv(_))).zip(halves).collect()
    }

    #[test]
    fn a_resnet_with_running_statistics_is_f16_between_its_first_and_last_convolution() {
        let all = of(&resnet("batch"), Way::Matrix(SMALL), false);
        let convolutions: Vec<Halves> = all.iter().filter(|(conv, _)| *conv).map(|(_, halves)| *halves).collect();
        // Images are f32.
        assert!(!convolutions[0].x && convolutions[0].y);
        assert!(convolutions[1..].iter().all(|halves| halves.x && halves.y));
        let residuals = all.iter().filter(|(_, halves)| halves.residual).count();
        assert_eq!(residuals, 8);
        assert!(!all.last().unwrap().1.x && !all.last().unwrap().1.y);
    }

    #[test]
    fn what_a_kernel_takes_statistics_of_stays_f32() {
        for (norm, batch_statistics) in [("group", false), ("batch", true)] {
            for (conv, halves) in of(&resnet(norm), Way::Matrix(SMALL), batch_statistics) {
                assert!(!(conv && halves.y));
            }
        }
    }

    #[test]
    fn a_run_in_f32_has_none() {
        let graph = resnet("batch");
        for way in [Way::Shuffle, Way::Matrix(SMALL)] {
            let ways = Ways::uniform(&graph, Layout::ChannelsLast, way);
            let lowered = Lowered::of(&graph, ways.layout);
            let plan = ForwardPlan::of(&lowered, Tiling::CORE, &ways, false, false);
            assert!(plan.halves.iter().all(|halves| *halves == Halves::default()));
        }
    }
}
