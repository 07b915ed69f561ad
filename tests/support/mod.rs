//! What tests of the engine share: small models, devices of either kind, made-up images.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod shared;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;

use shared::Shared;
use zowarmup::caps::{AdapterInfo, Layout, Limits};
use zowarmup::device::{Device, DeviceError, ReferenceDevice, Selection, Ticket, testing};
use zowarmup::engine::SampleSet;
use zowarmup::model::{Graph, ModelSpec};
use zowarmup::recording::{BufferId, Command, Recording};

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
    laid_out(Layout::default(), reference, memory_budget)
}

/// The same with a layout of pixels. Engines of a test share the adapter, with what has been compiled for it.
pub fn laid_out(layout: Layout, reference: bool, memory_budget: Option<u64>) -> Box<dyn Device> {
    if reference {
        return Box::new(ReferenceDevice::new(memory_budget).laid_out(layout));
    }
    let device = shared(layout);
    match memory_budget {
        Some(memory) => Narrow::of_memory(device, memory),
        None => device,
    }
}

fn shared(layout: Layout) -> Box<dyn Device> {
    thread_local! {
        // Never dropped: wgpu uses thread-locals of its own when a buffer goes, and these may be gone before.
        static OPEN: RefCell<ManuallyDrop<Vec<(Layout, Shared)>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
    }
    OPEN.with_borrow_mut(|open| {
        if let Some((_, shared)) = open.iter().find(|(of, _)| *of == layout) {
            return shared.boxed();
        }
        let shared = Shared::new(testing::opened(&Selection { layout: Some(layout), ..testing::selection() }));
        let device = shared.boxed();
        open.push((layout, shared));
        device
    })
}

/// A device with less than it could have: smaller bindings, or less memory.
pub struct Narrow {
    inner: Box<dyn Device>,
    limits: Limits,
    /// Bytes of its own buffers: others may lie on the device, too.
    held: BTreeMap<BufferId, u64>,
    peak: u64,
}

impl Narrow {
    /// Bindings of at most `binding` bytes, a multiple of 256.
    pub fn boxed(inner: Box<dyn Device>, binding: u64) -> Box<dyn Device> {
        let limits = Limits { binding, ..inner.limits().clone() };
        Self::within(inner, limits)
    }

    /// Memory of `memory` bytes.
    pub fn of_memory(inner: Box<dyn Device>, memory: u64) -> Box<dyn Device> {
        let limits = Limits { memory, ..inner.limits().clone() };
        Self::within(inner, limits)
    }

    fn within(inner: Box<dyn Device>, limits: Limits) -> Box<dyn Device> {
        Box::new(Self { inner, limits, held: BTreeMap::new(), peak: 0 })
    }

    fn check(&self, recording: &Recording) {
        for command in recording.commands() {
            let Command::Dispatch(dispatch) = command else { continue };
            for span in &dispatch.bindings {
                assert!(span.bytes <= self.limits.binding, "{}: {span:?}", dispatch.kernel.name);
            }
        }
    }
}

impl Device for Narrow {
    fn info(&self) -> &AdapterInfo {
        self.inner.info()
    }
    fn limits(&self) -> &Limits {
        &self.limits
    }
    fn create_buffer(&mut self, name: &str, bytes: u64) -> Result<BufferId, DeviceError> {
        let allocated = self.allocated_bytes();
        // As devices do, which hold whole quads.
        let bytes = bytes.max(16).next_multiple_of(16);
        if allocated + bytes > self.limits.memory {
            return Err(DeviceError::OverBudget {
                name: name.to_owned(),
                bytes,
                allocated,
                budget: self.limits.memory,
            });
        }
        let id = self.inner.create_buffer(name, bytes)?;
        self.held.insert(id, bytes);
        self.peak = self.peak.max(allocated + bytes);
        Ok(id)
    }
    fn destroy_buffer(&mut self, id: BufferId) {
        self.held.remove(&id);
        self.inner.destroy_buffer(id);
    }
    fn submit(&mut self, recording: &Recording) -> Result<Ticket, DeviceError> {
        self.check(recording);
        self.inner.submit(recording)
    }
    fn collect(&mut self, ticket: Ticket) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.inner.collect(ticket)
    }
    fn time(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        self.check(recording);
        self.inner.time(recording)
    }
    fn has_timestamps(&self) -> bool {
        self.inner.has_timestamps()
    }
    fn allocated_bytes(&self) -> u64 {
        self.held.values().sum()
    }
    fn peak_bytes(&self) -> u64 {
        self.peak
    }
    fn buffers(&self) -> Vec<(String, u64)> {
        self.inner.buffers()
    }
}

impl Drop for Narrow {
    fn drop(&mut self) {
        for id in std::mem::take(&mut self.held).into_keys() {
            self.inner.destroy_buffer(id);
        }
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

    /// The bytes of all images.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub fn set(&self) -> SampleSet<'_> {
        let table = (0..self.shape.0).flat_map(|_| (0..256).map(|b| b as f32 / 128.0 - 1.0)).collect();
        SampleSet::of_bytes(&self.pixels, &self.labels, self.shape, table)
    }
}
