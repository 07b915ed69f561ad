//! The whole forward pass of a small multilayer perceptron in one launch.

use super::params::{ABSENT, Lanes};
use super::tiling::{Operands, Product};
use crate::model::{Graph, Layer};
use crate::recording::Recording;
use crate::recording::kernel::{Kernel, params};
use crate::reference;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("mlp_forward", reference::mlp_forward::mlp_forward);

params! {
    /// The uniform block.
    pub struct Params {
        /// Inputs.
        pub inputs: u32,
        /// Width of the hidden layer.
        pub hidden: u32,
        /// Outputs.
        pub classes: u32,
        /// Flat index of the hidden layer's weight `[hidden, inputs]`.
        pub weight1: u32,
        /// Flat index of its bias, or [`ABSENT`].
        pub bias1: u32,
        /// Flat index of the output layer's weight `[classes, hidden]`.
        pub weight2: u32,
        /// Flat index of its bias, or [`ABSENT`].
        pub bias2: u32,
    }
}

/// Most outputs: their sums are kept in registers.
const MOST_CLASSES: usize = 16;

impl Params {
    /// Of a chain that the kernel can compute: one hidden layer with ReLU, and few outputs.
    pub fn of(graph: &Graph) -> Option<Self> {
        let offset = |tensor: Option<usize>| tensor.map_or(ABSENT, |o| o as u32);
        let layers: Vec<Layer> = graph.nodes.iter().map(|node| node.layer).collect();
        match layers[..] {
            [
                Layer::Linear { rows: 1, in_features, out_features: hidden, weight: weight1, bias: bias1, relu: true },
                Layer::Linear { out_features: classes, weight: weight2, bias: bias2, relu: false, .. },
            ] if classes <= MOST_CLASSES => Some(Self {
                inputs: in_features as u32,
                hidden: hidden as u32,
                classes: classes as u32,
                weight1: weight1 as u32,
                bias1: offset(bias1),
                weight2: weight2 as u32,
                bias2: offset(bias2),
            }),
            _ => None,
        }
    }
}

/// Records the logits `[rows, classes]` of all rows of a chunk; inputs are the batch.
pub fn record(rec: &mut Recording, lanes: &Lanes, how: &Product, params: &Params, io: &Operands) {
    let tiling = how.tiling.one_team(lanes.max_rows);
    let quads = |multiples: u32| u32::from(multiples.is_multiple_of(4));
    let weights = params.weight1 | params.inputs | params.weight2 | params.hidden;
    let variant = how
        .variant(tiling, params.inputs)
        .with("SHORT2", u32::from(how.shares_signs(tiling, params.hidden)))
        .with("WEIGHT_QUADS", quads(weights))
        .with("INPUT_QUADS", quads(params.inputs))
        .with("OUT_ROWS", params.classes.div_ceil(tiling.share));
    let grid = lanes.grid(1, lanes.max_rows.div_ceil(tiling.tile_columns()));
    let products = u64::from(params.hidden) * u64::from(params.inputs + params.classes);
    rec.dispatch(&KERNEL, variant, params, &[lanes.table, io.weights, io.x, io.y], grid, 2 * lanes.rows * products);
}
