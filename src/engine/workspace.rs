//! A device with the working buffers of what runs on it: several programs and states may share one.

use super::EngineError;
use super::rounding;
use super::sample_set::SampleSet;
use super::samples::Samples;
use super::scratch::Scratch;
use crate::caps::AdapterInfo;
use crate::device::{Device, DeviceError, Ticket};
use crate::kernels::replay::Exact;
use crate::model::Graph;
use crate::recording::lease::Lease;
use crate::recording::{Recording, Span};
use crate::tune::Ways;

/// What a workspace has done since the last [`Workspace::take_counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Kernels launched.
    pub dispatches: u64,
    /// Recordings run.
    pub recordings: u64,
}

/// Which rows lie in the batch's buffers, so that an unchanged batch isn't gathered again.
#[derive(PartialEq, Eq)]
pub(super) struct BatchKey {
    pub program: u64,
    pub samples: u64,
    pub indices: Vec<u32>,
    pub releases: u64,
}

/// A device, the working buffers on it, and what has been counted.
pub struct Workspace {
    device: Box<dyn Device>,
    scratch: Scratch,
    /// Which rows lie in the batch's buffers.
    pub(super) resident: Option<BatchKey>,
    /// Sets of samples and programs made so far.
    made: u64,
    /// Nothing is computed: of what repeats only the largest is recorded.
    planning: bool,
    counters: Counters,
    /// How updates are replayed exactly.
    pub(super) exact: Exact,
    /// With which ways the products of programs are computed; none: those that nobody measured.
    ways: Option<Ways>,
}

impl Workspace {
    /// On a device.
    ///
    /// # Errors
    /// A device whose integer arithmetic can't replay a ledger.
    pub fn new(device: Box<dyn Device>) -> Result<Self, EngineError> {
        let mut space = Self::planned(device);
        space.planning = false;
        space.exact = rounding::exact_replay(space.device.as_mut())?;
        Ok(space)
    }

    /// On a device that is only planned for ([`crate::device::PlanningDevice`]): nothing is computed, and of what repeats only the
    /// largest is recorded.
    pub fn planned(device: Box<dyn Device>) -> Self {
        let exact = Exact::of(device.info());
        let (scratch, resident, counters) = (Scratch::default(), None, Counters::default());
        Self { device, scratch, resident, made: 0, planning: true, counters, exact, ways: None }
    }

    /// Sets the ways of products in programs that are made from now on; none: those that nobody measured. Of a product that isn't among
    /// them those stay.
    pub fn set_ways(&mut self, ways: Option<Ways>) {
        self.ways = ways;
    }

    /// The ways of a program's products.
    pub(super) fn ways_of(&self, graph: &Graph) -> Ways {
        let (info, limits) = (self.device.info(), self.device.limits());
        match &self.ways {
            Some(chosen) => {
                let info = AdapterInfo { layout: chosen.layout, ..info.clone() };
                Ways::unmeasured(&info, limits, graph).overlaid(chosen, graph)
            }
            None => Ways::unmeasured(info, limits, graph),
        }
    }

    /// The device.
    pub fn device(&self) -> &dyn Device {
        self.device.as_ref()
    }

    /// The device, to run recordings of one's own on it.
    pub fn device_mut(&mut self) -> &mut dyn Device {
        self.device.as_mut()
    }

    /// Room on the device for a set of samples, without them.
    pub fn reserve(&mut self, set: &SampleSet<'_>) -> Result<Samples, EngineError> {
        let id = self.next_id();
        Samples::reserve(self.device.as_mut(), id, set)
    }

    /// Puts a set of samples on the device.
    pub fn upload(&mut self, set: &SampleSet<'_>) -> Result<Samples, EngineError> {
        let id = self.next_id();
        Samples::upload(self.device.as_mut(), id, set)
    }

    /// Launches and recordings since the last call.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Gives all working buffers back that no recording holds.
    pub fn clear(&mut self) {
        self.resident = None;
        self.scratch.clear(self.device.as_mut());
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Runs a recording and counts it. What was asked for to record it is free to grow afterwards.
    pub(super) fn submit(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, EngineError> {
        let ticket = self.start(recording)?;
        self.finish(ticket)
    }

    /// Starts a recording and counts it, alike. Several may be on their way, and take place in order.
    pub(super) fn start(&mut self, recording: &Recording) -> Result<Ticket, EngineError> {
        self.counters.recordings += 1;
        self.counters.dispatches += recording.dispatches() as u64;
        let ticket = self.device.submit(recording);
        self.scratch.put_down();
        Ok(ticket?)
    }

    /// Waits for what a recording reads back.
    pub(super) fn finish(&mut self, ticket: Ticket) -> Result<Vec<Vec<u8>>, EngineError> {
        Ok(self.device.collect(ticket)?)
    }

    /// A piece of work begins: working buffers that it doesn't ask for may be given back from now on.
    pub(super) fn begin(&mut self) {
        self.scratch.begin(self.device.as_mut());
    }

    /// How often working buffers were given back to make room.
    pub(super) fn releases(&self) -> u64 {
        self.scratch.releases()
    }

    /// The working buffer of this name, of at least `bytes` bytes. Growing loses its content; whoever holds the smaller one keeps it.
    pub(super) fn need(&mut self, name: &'static str, bytes: u64) -> Result<Span, DeviceError> {
        self.nth(name, 0, bytes)
    }

    /// As [`Workspace::need`], for the `n`-th of several buffers of one name.
    pub(super) fn nth(&mut self, name: &'static str, n: usize, bytes: u64) -> Result<Span, DeviceError> {
        self.scratch.nth(self.device.as_mut(), name, n, bytes)
    }

    /// A buffer that isn't a working buffer, with its first share.
    pub(super) fn buffer(&mut self, name: &str, bytes: u64) -> Result<(Span, Lease), DeviceError> {
        self.scratch.buffer(self.device.as_mut(), name, bytes)
    }

    /// Shares in the working buffers that were asked for since the last submission.
    pub(super) fn in_hand(&self) -> Vec<Lease> {
        self.scratch.in_hand().to_vec()
    }

    /// Leaves the working buffers of these names to those who hold them: the next who asks gets others.
    pub(super) fn give_away(&mut self, names: &[&'static str]) {
        self.resident = None;
        self.scratch.give_away(names);
    }

    /// Of parts of some work, those that are recorded: all, or where nothing is computed the largest, which takes what any of them takes.
    pub(super) fn recorded_of<T>(&self, parts: Vec<T>, size: impl Fn(&T) -> u64) -> Vec<T> {
        if self.planning { parts.into_iter().max_by_key(size).into_iter().collect() } else { parts }
    }

    /// Whether nothing is computed.
    pub(super) fn is_planning(&self) -> bool {
        self.planning
    }

    /// The largest binding: the device's, and no more values than kernels count.
    pub(super) fn binding(&self) -> u64 {
        self.device.limits().binding.min(4 * u64::from(u32::MAX))
    }

    /// Refuses a buffer that a kernel binds whole and can't.
    pub(super) fn bindable(&self, name: &str, bytes: u64) -> Result<u64, DeviceError> {
        let limit = self.binding();
        if bytes > limit {
            return Err(DeviceError::BindingTooLarge { name: name.to_owned(), bytes, limit });
        }
        Ok(bytes)
    }

    /// Memory that working buffers may take in all: the limit less what is held beside them, a reserve kept back, and at most an eighth of
    /// the limit, from 1 to 8 GiB: more rows at once make no card faster. Where the adapter's limit means nothing, 1 GiB.
    pub(super) fn working_memory(&self) -> u64 {
        let held = self.device.allocated_bytes().saturating_sub(self.scratch.bytes());
        let limit = self.device.limits().memory;
        let free = limit.saturating_sub(held);
        let most = if limit < 1 << 40 { (limit / 8).clamp(1 << 30, 8 << 30) } else { 1 << 30 };
        (free - free / 8).min(most)
    }
}
