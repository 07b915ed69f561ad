//! What tests of the engine share: small models, devices of either kind, made-up images.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod shared;

use std::cell::RefCell;

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

/// The same with a layout of pixels. Engines of a test that ask for no budget share the adapter, with what has been compiled for it.
pub fn laid_out(layout: Layout, reference: bool, memory_budget: Option<u64>) -> Box<dyn Device> {
    thread_local! {
        static OPEN: RefCell<Vec<(Layout, Shared)>> = const { RefCell::new(Vec::new()) };
    }
    let adapter = || testing::opened(&Selection { memory_budget, layout: Some(layout), ..testing::selection() });
    if reference {
        Box::new(ReferenceDevice::new(memory_budget).laid_out(layout))
    } else if memory_budget.is_some() {
        adapter()
    } else {
        OPEN.with_borrow_mut(|open| match open.iter().find(|(of, _)| *of == layout) {
            Some((_, shared)) => shared.boxed(),
            None => {
                open.push((layout, Shared::new(adapter())));
                open[open.len() - 1].1.boxed()
            }
        })
    }
}

/// A device whose kernels bind less than it could.
pub struct Narrow {
    inner: Box<dyn Device>,
    limits: Limits,
}

impl Narrow {
    /// Bindings of at most `binding` bytes, a multiple of 256.
    pub fn boxed(inner: Box<dyn Device>, binding: u64) -> Box<dyn Device> {
        let limits = Limits { binding, ..inner.limits().clone() };
        Box::new(Self { inner, limits })
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
        self.inner.create_buffer(name, bytes)
    }
    fn destroy_buffer(&mut self, id: BufferId) {
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
        self.inner.allocated_bytes()
    }
    fn peak_bytes(&self) -> u64 {
        self.inner.peak_bytes()
    }
    fn buffers(&self) -> Vec<(String, u64)> {
        self.inner.buffers()
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
