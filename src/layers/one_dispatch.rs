//! Models whose whole forward pass one kernel does.

use super::offset;
use crate::kernels::mlp_forward::{MOST_CLASSES, Params};
use crate::model::{Graph, Layer, Node};

/// The parameters of the kernel that computes a chain of one hidden layer with ReLU and few outputs; none for other models.
pub fn one_dispatch(graph: &Graph) -> Option<Params> {
    let [hidden, output] = &graph.nodes[..] else { return None };
    let (Layer::Linear(first), Layer::Linear(second)) = (&hidden.layer, &output.layer) else { return None };
    let plain = |node: &Node| node.residual.is_none();
    let fits = first.rows == 1 && first.relu && !second.relu && second.out_features <= MOST_CLASSES;
    (fits && plain(hidden) && plain(output)).then(|| Params {
        inputs: first.in_features as u32,
        hidden: first.out_features as u32,
        classes: second.out_features as u32,
        weight1: first.weight as u32,
        bias1: offset(first.bias),
        weight2: second.weight as u32,
        bias2: offset(second.bias),
    })
}
