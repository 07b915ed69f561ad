//! With which way each product of a model is computed: chosen once, kept with a run, so that its bits repeat.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::candidates::Scope;
use crate::caps::{AdapterInfo, Layout, Limits, Matrices};
use crate::kernels::lib::halves::Halves;
use crate::kernels::lib::heads::Heads;
use crate::kernels::lib::matrix::Matrix;
use crate::kernels::tile_order::Room;
use crate::kernels::tiling::Tiling;
use crate::kernels::way::{Block, NoWay, Way};
use crate::layers::{Gradients, Pass, Sizes, kind, one_dispatch};
use crate::model::{Graph, Layer};

/// The ways of a model's products, and how its activations lie.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ways {
    /// How pixels lie in activations.
    pub layout: Layout,
    /// The way of each product's passes; those that aren't here go by shuffles.
    chosen: BTreeMap<(Sizes, Pass), Way>,
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
    pub fn gradients(&self, layer: &Layer, tiling: Tiling) -> Gradients {
        let way = |pass| self.of_layer(layer, pass);
        Gradients { tiling, layout: self.layout, weight: way(Pass::Weight), input: way(Pass::Input) }
    }

    /// Bytes for weights and signs in the order of tiles, most of all layers' passes of these kinds: a copy of the weights, and for each lane.
    /// None where nothing needs any.
    pub fn room(&self, graph: &Graph, passes: &[Pass]) -> Option<[u64; 2]> {
        let of_pass = |layer: &Layer, pass: Pass| {
            let way = self.of_layer(layer, pass);
            let order = kind(layer).order(pass).filter(|_| way != Way::Shuffle)?;
            let [copy, lane] = Room::bytes(&order, 1, false);
            // Weights that are f16 are each lane's own.
            let halves = matches!(way, Way::Matrix(matrix) if !matrix.split) && Halves::fit(order.channels as usize);
            Some([copy, if halves { lane.max(Room::half_bytes(&order)) } else { lane }])
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

    /// What a file, which may be of other models, knows of a model's products in a layout. What it says otherwise is as if it weren't there.
    pub fn of_known(file: &WaysFile, graph: &Graph, layout: Layout) -> Self {
        let mut ways = Self::by_shuffles(layout);
        if file.layout != layout.name() {
            return ways;
        }
        for (sizes, pass) in products(graph) {
            let product = sizes.to_string();
            let row = file.products.iter().find(|row| row.product == product && row.pass == pass.name());
            let way = row.and_then(|row| row.way.parse().ok());
            if let Some(way) = way.filter(|way| *way == Way::Shuffle || ways.admits(sizes) && suits(sizes, *way)) {
                ways.choose(sizes, pass, way);
            }
        }
        ways
    }

    /// As they stand in a file.
    pub fn to_file(&self) -> WaysFile {
        let row = |(&(sizes, pass), way): (&(Sizes, Pass), &Way)| Row {
            product: sizes.to_string(),
            pass: pass.name().to_owned(),
            way: way.to_string(),
        };
        WaysFile { layout: self.layout.name().to_owned(), products: self.chosen.iter().map(row).collect() }
    }

    /// From a file, for the products of a model.
    ///
    /// # Errors
    /// A layout or a way that there isn't, or a product that the model has not.
    pub fn from_file(file: &WaysFile, graph: &Graph) -> Result<Self, WaysError> {
        let layout = Layout::ALL.into_iter().find(|layout| layout.name() == file.layout);
        let mut ways = Self::by_shuffles(layout.ok_or_else(|| WaysError::Layout(file.layout.clone()))?);
        let known: BTreeMap<(String, &str), (Sizes, Pass)> = products(graph)
            .into_iter()
            .map(|(sizes, pass)| ((sizes.to_string(), pass.name()), (sizes, pass)))
            .collect();
        for row in &file.products {
            let found = known.get(&(row.product.clone(), row.pass.as_str()));
            let &(sizes, pass) = found.ok_or_else(|| WaysError::Product(format!("{}, {}", row.product, row.pass)))?;
            let way: Way = row.way.parse()?;
            if way != Way::Shuffle && !ways.admits(sizes) {
                return Err(WaysError::Channels(row.product.clone()));
            }
            if !suits(sizes, way) {
                return Err(WaysError::Other(row.product.clone(), row.way.clone()));
            }
            ways.choose(sizes, pass, way);
        }
        Ok(ways)
    }
}

/// `ways.json`: which way each product of a run is computed with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaysFile {
    /// `first` or `last`: where the channels of activations lie.
    pub layout: String,
    /// Passes of products; those that are left out go by shuffles.
    pub products: Vec<Row>,
}

impl WaysFile {
    /// With the products of another one, whose layout it takes, in the place of its own.
    pub fn with(&self, other: &Self) -> Self {
        let kept = self.products.iter().filter(|row| self.layout == other.layout && !other.has(row)).cloned();
        let products = kept.chain(other.products.iter().cloned()).collect();
        Self { layout: other.layout.clone(), products }
    }

    fn has(&self, of: &Row) -> bool {
        self.products.iter().any(|row| (&row.product, &row.pass) == (&of.product, &of.pass))
    }
}

/// A pass of a product in `ways.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Its sizes, as `tune` prints them.
    pub product: String,
    /// `forward`, `perturbed`, `weight gradient` or `input gradient`.
    pub pass: String,
    /// The way and its tile.
    pub way: String,
}

/// What is wrong with a file of ways.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaysError {
    /// No such layout.
    #[error("{0:?} is no layout: expected \"first\" or \"last\"")]
    Layout(String),
    /// A product that the model hasn't.
    #[error("the model has no product {0:?}: these are the ways of another model")]
    Product(String),
    /// A way of computing that there isn't.
    #[error(transparent)]
    Way(#[from] NoWay),
    /// Tiles of a convolution with channels first.
    #[error("{0:?} goes by shuffles where channels lie first")]
    Channels(String),
    /// A way of another kind of product.
    #[error(
        "{0:?} isn't computed by {1:?}: \"heads\" is a way of attention, the others are those of linear layers and convolutions"
    )]
    Other(String, String),
}

/// What an adapter offers to a model: no matrices of f16 where a single launch, of f32, computes the whole forward pass, so that such a model is f32
/// in each precision.
pub fn offered(info: &AdapterInfo, graph: &Graph) -> AdapterInfo {
    let matrices = if one_dispatch(graph).is_some() { Matrices::default() } else { info.matrices };
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

/// Matrices that may compute a pass, those that are likely to be fast first: of one f16 an operand before two, which are tried beside them only
/// where all are, since three products take longer than one.
pub(super) fn matrices(sizes: Sizes, pass: Pass, info: &AdapterInfo, limits: &Limits, scope: Scope) -> Vec<Matrix> {
    if heads_of(sizes).is_some() {
        return Vec::new();
    }
    let (rows, columns) = sizes.extent(pass);
    let splits: &[bool] = if info.matrices.single && scope == Scope::Few { &[false] } else { &[false, true] };
    let all = splits.iter().flat_map(|split| Matrix::candidates(info, limits, *split, scope == Scope::All));
    let mut all: Vec<Matrix> = all.filter(|tile| within((rows, columns), tile.rows, tile.columns)).collect();
    all.sort_by_key(|tile| (tile.split, tile.columns > columns || tile.rows > rows));
    all
}

/// Whether a tile isn't mostly beyond the last row or column of a product: one that is wins nowhere.
pub(super) fn within((rows, columns): (u32, u32), tile_rows: u32, tile_columns: u32) -> bool {
    let most = |size: u32| size.max(32).saturating_mul(2);
    tile_rows < most(rows) && tile_columns <= most(columns)
}

/// Whether a way computes such products at all.
fn suits(sizes: Sizes, way: Way) -> bool {
    match way {
        Way::Shuffle => true,
        Way::Block(_) | Way::Matrix(_) => heads_of(sizes).is_none(),
        Way::Heads(_) => heads_of(sizes).is_some(),
    }
}

/// Tokens, and values of a head, of attention.
fn heads_of(sizes: Sizes) -> Option<(u32, u32)> {
    if let Sizes::Attention { tokens, heads, dim } = sizes { Some((tokens, dim / heads)) } else { None }
}

/// Tiles of attention that a device's limits admit, the largest first.
pub(super) fn heads(sizes: Sizes, limits: &Limits) -> Vec<Heads> {
    let fitting =
        |(tokens, head)| Heads::candidates(tokens).into_iter().filter(move |tile| tile.fits(limits, tokens, head));
    heads_of(sizes).into_iter().flat_map(fitting).collect()
}

/// Tiles that fit a product and a device.
fn likely_tiles(sizes: Sizes, pass: Pass, limits: &Limits) -> Option<Way> {
    if heads_of(sizes).is_some() {
        return heads(sizes, limits).first().copied().map(Way::Heads);
    }
    likely(sizes, pass, limits).map(Way::Block)
}

/// A tile that fits a product: of 128 or 64 rows and 64 columns where it has as many.
pub(super) fn likely(sizes: Sizes, pass: Pass, limits: &Limits) -> Option<Block> {
    let (rows, columns) = sizes.extent(pass);
    let wide = [Block::new(128, 64, 16), Block::new(64, 64, 16), Block::new(64, 64, 8)];
    let narrow = [Block::new(64, 32, 16).of_threads(8, 4), Block::new(32, 32, 16).of_threads(4, 4)];
    let tiles: &[Block] = if columns > 32 { &wide } else { &narrow };
    tiles.iter().copied().find(|block| (block.rows <= 64 || block.rows < 2 * rows.min(64 << 10)) && block.fits(limits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelSpec;
    use serde_json::json;

    fn graph() -> Graph {
        let model = json!({"kind": "cnn", "input": [1, 12, 12], "channels": [4, 8], "hidden": 16, "classes": 10});
        ModelSpec::from_json(&model).unwrap().graph().unwrap()
    }

    #[test]
    fn ways_come_back_from_a_file() {
        let graph = graph();
        let mut ways = Ways::by_shuffles(Layout::ChannelsLast);
        for (i, (sizes, pass)) in products(&graph).into_iter().enumerate().filter(|(i, _)| i % 3 != 0) {
            let block = if i % 2 == 0 { Block::new(64, 64, 16) } else { Block::new(32, 32, 8).of_threads(4, 4) };
            ways.choose(sizes, pass, Way::Block(block));
        }
        let text = serde_json::to_string(&ways.to_file()).unwrap();
        assert_eq!(Ways::from_file(&serde_json::from_str(&text).unwrap(), &graph), Ok(ways));
    }

    #[test]
    fn what_is_remembered_of_several_models_serves_each() {
        let graph = graph();
        let all = products(&graph);
        let (first, second) = (all[0], all[all.len() - 1]);
        let block = Way::Block(Block::new(64, 64, 16));
        let of = |(sizes, pass): (Sizes, Pass), way| {
            let mut ways = Ways::by_shuffles(Layout::ChannelsLast);
            ways.choose(sizes, pass, way);
            ways
        };
        let file =
            of(first, block).to_file().with(&of(second, Way::Shuffle).to_file()).with(&of(first, block).to_file());
        assert_eq!(file.products.len(), 2);
        let known = Ways::of_known(&file, &graph, Layout::ChannelsLast);
        assert!(known.has(first) && known.has(second) && !known.has(all[1]));
        assert_eq!(known.of(first.0, first.1), block);
        // Another layout's are not these.
        assert!(!Ways::of_known(&file, &graph, Layout::ChannelsFirst).has(first));
        assert_eq!(of(second, block).joined(&known).of(second.0, second.1), Way::Shuffle);
    }

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

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let graph = graph();
        let sizes = products(&graph).iter().map(|(sizes, _)| *sizes).find(|s| matches!(s, Sizes::Conv { .. })).unwrap();
        let file = |layout: &str, product: String, way: &str| WaysFile {
            layout: layout.to_owned(),
            products: vec![Row { product, pass: "forward".to_owned(), way: way.to_owned() }],
        };
        let error = |file| Ways::from_file(&file, &graph).unwrap_err();
        let product = sizes.to_string();
        assert_eq!(error(file("middle", product.clone(), "shuffle")), WaysError::Layout("middle".to_owned()));
        assert!(matches!(error(file("last", product.clone(), "block")), WaysError::Way(_)));
        assert_eq!(error(file("first", product.clone(), "block 64x64x16 8x8")), WaysError::Channels(product));
        assert!(matches!(error(file("last", "linear 1 to 1".to_owned(), "shuffle")), WaysError::Product(_)));
    }
}
