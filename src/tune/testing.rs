//! The model that tests of this module choose ways for.

use serde_json::json;

use crate::model::{Graph, ModelSpec};

/// A CNN of square images of one channel with ten classes: two convolutions with so many channels each, and two linear layers.
pub fn cnn(side: usize, channels: [usize; 2], hidden: usize) -> Graph {
    let model = json!({"kind": "cnn", "input": [1, side, side], "channels": channels, "hidden": hidden, "classes": 10});
    ModelSpec::from_json(&model).unwrap().graph().unwrap()
}

/// A small one.
pub fn graph() -> Graph {
    cnn(12, [4, 8], 16)
}
