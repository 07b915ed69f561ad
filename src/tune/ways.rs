//! With which way each product of a model is computed: chosen once, kept with a run, so that its bits repeat.

use std::collections::BTreeMap;

use super::fits::{Scope, heads_of, likely_tiles, matrices, suits};
use crate::caps::{AdapterInfo, Layout, Limits, Matrices};
use crate::kernels::lib::halves::Halves;
use crate::kernels::lib::matrix::Matrix;
use crate::kernels::tile_order::TileRoom;
use crate::kernels::tiling::Tiling;
use crate::kernels::way::Way;
use crate::layers::{GradientWays, Layer, Pass, Sizes, kind};
use crate::model::Graph;

/// The ways of a model's products, and how its activations lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// How pixels lie in activations.
    pub layout: Layout,
    /// The way of each product's passes; those that aren't here go by shuffles.
    pub(super) chosen: BTreeMap<(Sizes, Pass), Way>,
}

impl Ways {
    /// All by shuffles.
    pub fn by_shuffles(layout: Layout) -> Self {
        Self { layout, chosen: BTreeMap::new() }
    }

    /// What is likely to be fast without a measurement: tiles in workgroup memory on GPUs, which need channels last where there are pixels;
    /// shuffles on software adapters.
    pub fn unmeasured(info: &AdapterInfo, limits: &Limits, graph: &Graph) -> Self {
        let info = &offered(info, graph);
        let mut ways = Self::by_shuffles(info.layout);
        let software = info.kind.is_software();
        for (sizes, pass) in products(graph) {
            if !ways.admits(sizes) {
                continue;
            }
            let matrix = matrices(sizes, pass, info, limits, Scope::Few).into_iter().next().map(Way::Matrix);
            let block = || if software { None } else { likely_tiles(sizes, pass, limits) };
            // A few channels, as of a picture, fill no row of a matrix, and aren't loaded in quads: tiles of f32 are twice as fast.
            let way = if sizes.inputs() < 16 { block().or(matrix) } else { matrix.or_else(block) };
            if let Some(way) = way {
                ways.choose(sizes, pass, way);
            }
        }
        ways
    }

    /// One way for everything that it computes in a layout; the rest by shuffles.
    pub fn uniform(graph: &Graph, layout: Layout, way: Way) -> Self {
        let mut ways = Self::by_shuffles(layout);
        for (sizes, pass) in products(graph) {
            if ways.admits(sizes) && suits(sizes, way) {
                ways.choose(sizes, pass, way);
            }
        }
        ways
    }

    /// The same with ways in the place of matrices whose operands are f32, of these passes.
    pub fn in_f32(&self, passes: &[Pass], info: &AdapterInfo, limits: &Limits, graph: &Graph) -> Self {
        let info = AdapterInfo { layout: self.layout, matrices: Matrices::default(), ..info.clone() };
        let plain = Self::unmeasured(&info, limits, graph);
        let mut ways = self.clone();
        for (&(sizes, pass), way) in &mut ways.chosen {
            if matches!(way, Way::Matrix(_)) && passes.contains(&pass) {
                *way = plain.of(sizes, pass);
            }
        }
        ways
    }

    /// These with others in the place of the same products', of those that a model has.
    pub fn overlaid(mut self, others: &Self, graph: &Graph) -> Self {
        for of in products(graph) {
            if let Some(way) = others.chosen.get(&of) {
                self.chosen.insert(of, *way);
            }
        }
        self
    }

    /// Whether no product of these passes has operands of f16.
    pub fn are_f32(&self, passes: &[Pass]) -> bool {
        !self.chosen.iter().any(|((_, pass), way)| matches!(way, Way::Matrix(_)) && passes.contains(pass))
    }

    /// Whether operands that are of f16 are the sum of two.
    pub fn are_split(&self) -> bool {
        self.chosen.values().any(|way| matches!(way, Way::Matrix(matrix) if matrix.split))
    }

    /// Whether a forward pass has operands of a single f16.
    pub fn has_f16(&self) -> bool {
        let single = |((_, pass), way): (&(Sizes, Pass), &Way)| {
            matches!(pass, Pass::Forward | Pass::Perturbed) && matches!(way, Way::Matrix(matrix) if !matrix.split)
        };
        self.chosen.iter().any(single)
    }

    /// Whether tiles in workgroup memory compute a product in this layout.
    pub fn admits(&self, sizes: Sizes) -> bool {
        !matches!(sizes, Sizes::Conv { .. }) || self.layout == Layout::ChannelsLast
    }

    /// Sets a way.
    pub fn choose(&mut self, sizes: Sizes, pass: Pass, way: Way) {
        self.chosen.insert((sizes, pass), way);
    }

    /// The way of a pass. One that is the same whether weights are perturbed is chosen once.
    pub fn of(&self, sizes: Sizes, pass: Pass) -> Way {
        let once = pass == Pass::Perturbed && !sizes.passes().contains(&pass);
        let pass = if once { Pass::Forward } else { pass };
        self.chosen.get(&(sizes, pass)).copied().unwrap_or_default()
    }

    /// That of a layer, of those that have a product.
    pub fn of_layer(&self, layer: &Layer, pass: Pass) -> Way {
        kind(layer).product().map_or(Way::Shuffle, |sizes| self.of(sizes, pass))
    }

    /// Those of a layer's gradients.
    pub fn gradients(&self, layer: &Layer, tiling: Tiling) -> GradientWays {
        let way = |pass| self.of_layer(layer, pass);
        GradientWays { tiling, layout: self.layout, weight: way(Pass::Weight), input: way(Pass::Input) }
    }

    /// Bytes for weights and signs in the order of tiles, most of all layers' passes of these kinds: a copy of the weights, and for each lane.
    /// None where nothing needs any.
    pub fn room(&self, graph: &Graph, passes: &[Pass]) -> Option<[u64; 2]> {
        let of_pass = |layer: &Layer, pass: Pass| {
            let way = self.of_layer(layer, pass);
            let order = kind(layer).order(pass).filter(|_| way != Way::Shuffle)?;
            let [copy, lane] = TileRoom::bytes(&order, 1, false);
            // Weights that are f16 are each lane's own.
            let halves = matches!(way, Way::Matrix(matrix) if !matrix.split) && Halves::fit(order.channels as usize);
            Some([copy, if halves { lane.max(TileRoom::half_bytes(&order)) } else { lane }])
        };
        let all = graph.nodes.iter().flat_map(|node| passes.iter().filter_map(move |pass| of_pass(&node.layer, *pass)));
        all.reduce(|most, bytes| [most[0].max(bytes[0]), most[1].max(bytes[1])])
    }

    /// A pass whose way a device can't compute: one without such matrices, or with less workgroup memory or threads.
    pub fn unfit(&self, graph: &Graph, info: &AdapterInfo, limits: &Limits) -> Option<(Sizes, Pass, Way)> {
        let fits = |sizes: Sizes, way: Way| match way {
            Way::Shuffle => true,
            Way::Heads(tile) => heads_of(sizes).is_some_and(|(tokens, head)| tile.fits(limits, tokens, head)),
            Way::Block(block) => block.fits(limits),
            Way::Matrix(matrix) => {
                Matrix::candidates(info, limits, matrix.split, false)
                    .iter()
                    .any(|known| known.multiply == matrix.multiply)
                    && matrix.fits(limits)
            }
        };
        let all = products(graph).into_iter().map(|(sizes, pass)| (sizes, pass, self.of(sizes, pass)));
        all.into_iter().find(|&(sizes, _, way)| !fits(sizes, way))
    }

    /// Whether a pass's way has been chosen.
    pub fn has(&self, of: (Sizes, Pass)) -> bool {
        self.chosen.contains_key(&of)
    }

    /// These and others beside them.
    pub fn joined(mut self, others: &Self) -> Self {
        self.chosen.extend(others.chosen.iter().map(|(of, way)| (*of, *way)));
        self
    }
}

/// What an adapter offers to a model: no matrices of f16 where a single launch, of f32, computes the whole forward pass, so that such a model is f32
/// in each precision.
pub fn offered(info: &AdapterInfo, graph: &Graph) -> AdapterInfo {
    let matrices = if graph.one_dispatch().is_some() { Matrices::default() } else { info.matrices };
    AdapterInfo { matrices, ..info.clone() }
}

/// The passes of a model's products, each once.
pub fn products(graph: &Graph) -> Vec<(Sizes, Pass)> {
    let mut all: Vec<(Sizes, Pass)> = graph
        .nodes
        .iter()
        .filter_map(|node| kind(&node.layer).product())
        .flat_map(|sizes| sizes.passes().iter().map(move |pass| (sizes, *pass)))
        .collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::testing::graph;

    #[test]
    fn a_device_that_cannot_compute_a_way_is_known() {
        let graph = graph();
        let (info, limits) = (crate::device::ReferenceDevice::adapter(), Limits::webgpu_default());
        for (way, fits) in [
            ("shuffle", true),
            ("block 64x64x16 8x8", true),
            ("block 128x128x16 8x8", false),
            ("matrix 64x64x32 32x32", false),
        ] {
            let ways = Ways::uniform(&graph, Layout::ChannelsLast, way.parse().unwrap());
            assert_eq!(ways.unfit(&graph, &info, &limits).is_none(), fits, "{way}");
        }
    }
}
