//! Models whose whole forward pass one kernel does.

use super::kinds::Layer;
use super::passes::offset;
use crate::kernels::mlp_forward::{MOST_CLASSES, Params};

/// The parameters of the kernel that computes a chain of one hidden layer with ReLU and few outputs; none for other layers.
pub fn one_dispatch(hidden: &Layer, output: &Layer) -> Option<Params> {
    let (Layer::Linear(first), Layer::Linear(second)) = (hidden, output) else { return None };
    let fits = first.rows == 1 && first.relu && !second.relu && second.out_features <= MOST_CLASSES;
    fits.then(|| Params {
        inputs: first.in_features as u32,
        hidden: first.out_features as u32,
        classes: second.out_features as u32,
        weight1: first.weight as u32,
        bias1: offset(first.bias),
        weight2: second.weight as u32,
        bias2: offset(second.bias),
    })
}
