//! The `reference` device: recordings run on the CPU twins, one thread, host memory.

use std::cell::RefCell;
use std::time::Instant;

use super::flight::{Flight, Ticket};
use super::held::Held;
use super::timeline::{Clock, Host, Ran, Timeline, Writing};
use super::validate;
use crate::caps::{AdapterInfo, AdapterKind, Layout, Limits, Matrices, OperandSource, Precision, Tier};
use crate::device::{Device, DeviceError};
use crate::recording::kernel::{Bound, Call};
use crate::recording::{BufferId, Command, Recording, Span};

/// A buffer's content, lent to the launches that bind it.
type Words = RefCell<Vec<u32>>;

/// Runs recordings on the CPU twins.
pub struct ReferenceDevice {
    info: AdapterInfo,
    limits: Limits,
    buffers: Held<Words>,
    flight: Flight<Vec<Vec<u8>>>,
    /// A timeline that is being written.
    watch: Option<Writing>,
}

impl ReferenceDevice {
    /// The adapter entry under which it is listed.
    pub fn adapter() -> AdapterInfo {
        AdapterInfo {
            name: "CPU twins".to_owned(),
            backend: "reference".to_owned(),
            driver: format!("zowarmup {}", env!("CARGO_PKG_VERSION")),
            kind: AdapterKind::Reference,
            tier: Tier::Core,
            subgroup_size: 0,
            operands: OperandSource::Buffer,
            layout: Layout::default(),
            features: Vec::new(),
            precision: Precision::default(),
            matrices: Matrices::default(),
        }
    }

    /// A device within the given limits; `None`: WebGPU's default limits and 2 GiB.
    pub fn new(memory_budget: Option<u64>) -> Self {
        let limits = Limits { memory: memory_budget.unwrap_or(2 << 30), ..Limits::webgpu_default() };
        Self { info: Self::adapter(), limits, buffers: Held::new(), flight: Flight::default(), watch: None }
    }

    /// With products of this precision, and the matrices for it: its own are emulated.
    pub fn in_precision(mut self, precision: Precision, matrices: Matrices) -> Self {
        (self.info.precision, self.info.matrices) = (precision, matrices);
        self
    }

    /// With pixels that lie so in activations.
    pub fn laid_out(mut self, layout: Layout) -> Self {
        self.info.layout = layout;
        self
    }

    fn words(&self, id: BufferId) -> Result<&Words, DeviceError> {
        self.buffers.content(id).ok_or(DeviceError::NoBuffer(id.0))
    }

    fn bound(&self, span: &Span) -> Result<Bound<'_>, DeviceError> {
        let (first, len) = ((span.offset / 4) as usize, (span.bytes / 4) as usize);
        Ok(Bound { words: self.words(span.buffer)?, first, len })
    }

    fn step(&self, command: &Command, results: &mut Vec<Vec<u8>>) -> Result<(), DeviceError> {
        match command {
            Command::Upload { buffer, offset, data } => {
                let bound = self.bound(&Span { buffer: *buffer, offset: *offset, bytes: data.len() as u64 })?;
                let mut words = bound.words.borrow_mut();
                let target: &mut [u8] = bytemuck::cast_slice_mut(&mut words[bound.first..bound.first + bound.len]);
                target.copy_from_slice(data);
            }
            Command::Clear(span) => {
                let bound = self.bound(span)?;
                bound.words.borrow_mut()[bound.first..bound.first + bound.len].fill(0);
            }
            Command::Copy { from, to } => {
                let (from, to) = (self.bound(from)?, self.bound(to)?);
                let source = from.words.borrow()[from.first..from.first + from.len].to_vec();
                to.words.borrow_mut()[to.first..to.first + to.len].copy_from_slice(&source);
            }
            Command::Dispatch(d) => {
                let bindings = d.bindings.iter().map(|s| self.bound(s)).collect::<Result<_, _>>()?;
                (d.kernel.twin)(&Call { variant: &d.variant, params: &d.params, grid: d.grid, bindings });
            }
            Command::ReadBack(span) => {
                let bound = self.bound(span)?;
                let words = bound.words.borrow();
                results.push(bytemuck::cast_slice(&words[bound.first..bound.first + bound.len]).to_vec());
            }
        }
        Ok(())
    }
}

impl Device for ReferenceDevice {
    fn info(&self) -> &AdapterInfo {
        &self.info
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn create_buffer(&mut self, name: &str, bytes: u64) -> Result<BufferId, DeviceError> {
        self.buffers.create(&self.limits, (name, bytes), |bytes| RefCell::new(vec![0; (bytes / 4) as usize]))
    }

    fn destroy_buffer(&mut self, id: BufferId) {
        self.buffers.destroy(id);
    }

    /// Runs the commands at once.
    fn submit(&mut self, recording: &Recording) -> Result<Ticket, DeviceError> {
        validate::check(recording, &self.limits, |id| self.buffers.size(id))?;
        let mut results = Vec::new();
        let began = Instant::now();
        for command in recording.commands() {
            let start = Instant::now();
            self.step(command, &mut results)?;
            if let (Some(watch), Command::Dispatch(dispatch)) = (&mut self.watch, command) {
                watch.ran_since(Ran::Kernel(dispatch.clone()), start);
            }
        }
        if let Some(watch) = &mut self.watch {
            watch.host(Host::Submit, began);
        }
        Ok(self.flight.add(results))
    }

    fn collect(&mut self, ticket: Ticket) -> Result<Vec<Vec<u8>>, DeviceError> {
        self.flight.take(ticket)
    }

    fn time(&mut self, recording: &Recording) -> Result<f64, DeviceError> {
        let start = Instant::now();
        self.run(recording)?;
        Ok(start.elapsed().as_secs_f64())
    }

    fn has_timestamps(&self) -> bool {
        false
    }

    fn start_timeline(&mut self) -> Result<(), DeviceError> {
        self.watch = Some(Writing::new(Clock::Host));
        Ok(())
    }

    fn take_timeline(&mut self) -> Result<Option<Timeline>, DeviceError> {
        Ok(self.watch.take().map(Writing::finish))
    }

    fn allocated_bytes(&self) -> u64 {
        self.buffers.allocated()
    }

    fn peak_bytes(&self) -> u64 {
        self.buffers.peak()
    }

    fn buffers(&self) -> Vec<(String, u64)> {
        self.buffers.list()
    }
}
