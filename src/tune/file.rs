//! The file of ways that a run keeps and a user's cache remembers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fits::suits;
use super::ways::{Ways, products};
use crate::caps::Layout;
use crate::kernels::way::{NoWay, Way};
use crate::layers::{Pass, Sizes};
use crate::model::Graph;

impl Ways {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::way::Block;
    use crate::tune::testing::graph;

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
