//! What tests of the engine share: small models, devices of either kind, made-up images.
#![allow(dead_code, reason = "each test binary uses a part")]

use zowarmup::device::{Device, Selection, open};
use zowarmup::engine::SampleSet;
use zowarmup::model::{Graph, ModelSpec};
use zowarmup::reference::ReferenceDevice;

/// The graph of a complete model table.
pub fn graph(table: serde_json::Value) -> Graph {
    ModelSpec::from_json(&table).unwrap().graph().unwrap()
}

/// Values as bits, for equality.
pub fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Devices of either kind within a budget.
pub fn device(reference: bool, memory_budget: Option<u64>) -> Box<dyn Device> {
    if reference {
        Box::new(ReferenceDevice::new(memory_budget))
    } else {
        open(&Selection { wanted: None, memory_budget }).unwrap()
    }
}

/// Made-up images and labels.
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u32>,
    shape: (usize, usize),
}

impl Images {
    pub fn new(samples: usize, classes: u32, shape: (usize, usize)) -> Self {
        let mut state = 77u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as u32
        };
        let pixels = (0..samples * shape.0 * shape.1).map(|_| next() as u8).collect();
        Self { pixels, labels: (0..samples).map(|_| next() % classes).collect(), shape }
    }

    pub fn set(&self) -> SampleSet<'_> {
        let table = (0..self.shape.0).flat_map(|_| (0..256).map(|b| b as f32 / 128.0 - 1.0)).collect();
        SampleSet { pixels: &self.pixels, labels: &self.labels, shape: self.shape, table }
    }
}
