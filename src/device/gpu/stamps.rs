//! The device's time between commands, noted in query sets while a recording is encoded.

use std::time::Instant;

use super::GpuDevice;
use crate::device::DeviceError;
use crate::device::timeline::{Clock, Event, Host, Ran, Timeline, Writing};
use crate::recording::Dispatch;

/// Stamps of a query set: what wgpu allows.
const SET: u32 = wgpu::QUERY_SET_MAX_QUERIES;

/// The stamps of one recording: a stamp where a submission begins and one behind each command, or a pair around each pass.
pub struct Stamps {
    clock: Clock,
    sets: Vec<wgpu::QuerySet>,
    next: u32,
    /// What ran between two stamps.
    spans: Vec<(Ran, u32, u32)>,
}

/// Stamps that are on their way to the host.
struct Pending {
    spans: Vec<(Ran, u32, u32)>,
    /// A buffer a query set.
    mapped: Vec<wgpu::Buffer>,
    submitted: Instant,
}

/// A timeline that is being written, and the stamps that are still to be read.
pub struct Watch {
    writing: Writing,
    pending: Vec<Pending>,
}

impl Stamps {
    /// For a recording of so many commands, each of which takes three stamps at most: before it, behind its copies, behind it.
    fn new(device: &wgpu::Device, clock: Clock, commands: usize) -> Self {
        let count = 3 * commands as u32 + 2;
        let set = |first: u32| {
            device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timeline"),
                ty: wgpu::QueryType::Timestamp,
                count: SET.min(count - first),
            })
        };
        let sets = (0..count).step_by(SET as usize).map(set).collect();
        Self { clock, sets, next: 0, spans: Vec::new() }
    }

    /// Notes the time between commands.
    fn stamp(&mut self, write: impl FnOnce(&wgpu::QuerySet, u32)) {
        let index = self.next;
        self.next += 1;
        if let Some(set) = self.sets.get((index / SET) as usize) {
            write(set, index % SET);
        }
    }

    /// Notes what ran between the last two stamps.
    fn ran(&mut self, ran: Ran) {
        self.spans.push((ran, self.next - 2, self.next - 1));
    }

    /// Sends the stamps to buffers that the host can read.
    fn resolve(&self, device: &wgpu::Device, queue: &wgpu::Queue) -> Vec<wgpu::Buffer> {
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("timeline") });
        let mut mapped = Vec::new();
        for (i, set) in self.sets.iter().enumerate() {
            let used = self.next.saturating_sub(i as u32 * SET).min(SET);
            if used == 0 {
                break;
            }
            let make = |usage| {
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("timeline"),
                    size: u64::from(used) * 8,
                    usage,
                    mapped_at_creation: false,
                })
            };
            let resolved = make(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
            let to = make(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
            encoder.resolve_query_set(set, 0..used, &resolved, 0);
            encoder.copy_buffer_to_buffer(&resolved, 0, &to, 0, u64::from(used) * 8);
            mapped.push(to);
        }
        queue.submit([encoder.finish()]);
        mapped
    }
}

/// How the time is noted while a recording is encoded.
#[derive(Default)]
pub enum Notes {
    /// It isn't.
    #[default]
    None,
    /// By the device.
    Stamps(Stamps),
    /// By the host: each dispatch is a submission of its own.
    Host(Vec<(Ran, Instant, Instant)>),
}

impl Notes {
    /// Whether dispatches can't share a pass.
    pub fn apart(&self) -> bool {
        match self {
            Self::None => false,
            Self::Stamps(stamps) => stamps.clock == Clock::Passes,
            Self::Host(_) => true,
        }
    }

    /// Whether dispatches can't share a submission.
    pub fn by_host(&self) -> bool {
        matches!(self, Self::Host(_))
    }

    fn between(&mut self) -> Option<&mut Stamps> {
        match self {
            Self::Stamps(stamps) if stamps.clock == Clock::Device => Some(stamps),
            _ => None,
        }
    }

    /// A submission begins.
    pub fn begin(&mut self, encoder: &mut wgpu::CommandEncoder) {
        if let Some(stamps) = self.between() {
            stamps.stamp(|set, index| encoder.write_timestamp(set, index));
        }
    }

    /// A command outside of passes is behind.
    pub fn moved(&mut self, encoder: &mut wgpu::CommandEncoder, what: &'static str, bytes: u64) {
        if let Some(stamps) = self.between() {
            stamps.stamp(|set, index| encoder.write_timestamp(set, index));
            stamps.ran(Ran::Move { what, bytes });
        }
    }

    /// What a pass of a single dispatch notes of itself.
    pub fn pass(&mut self, dispatch: &Dispatch) -> Option<wgpu::ComputePassTimestampWrites<'_>> {
        let Self::Stamps(stamps) = self else { return None };
        if stamps.clock != Clock::Passes {
            return None;
        }
        // A pair lies in one set: there are no other stamps, and a set holds an even number.
        let first = stamps.next;
        stamps.next += 2;
        stamps.ran(Ran::Kernel(Box::new(dispatch.clone())));
        stamps.sets.get((first / SET) as usize).map(|query_set| wgpu::ComputePassTimestampWrites {
            query_set,
            beginning_of_pass_write_index: Some(first % SET),
            end_of_pass_write_index: Some(first % SET + 1),
        })
    }

    /// A dispatch is behind.
    pub fn dispatched(&mut self, pass: &mut wgpu::ComputePass<'_>, dispatch: &Dispatch) {
        if let Some(stamps) = self.between() {
            stamps.stamp(|set, index| pass.write_timestamp(set, index));
            stamps.ran(Ran::Kernel(Box::new(dispatch.clone())));
        }
    }

    /// A submission of one dispatch was waited for.
    pub fn waited(&mut self, dispatch: &Dispatch, start: Instant) {
        if let Self::Host(runs) = self {
            runs.push((Ran::Kernel(Box::new(dispatch.clone())), start, Instant::now()));
        }
    }
}

impl GpuDevice {
    /// See [`crate::device::Device::start_timeline`].
    pub(super) fn watch(&mut self) -> Result<(), DeviceError> {
        self.wait(None)?;
        let features = self.device.features();
        let between = wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES;
        let clock = match (features.contains(between), self.staging.timestamps) {
            (true, true) => Clock::Device,
            (_, true) => Clock::Passes,
            (_, false) => Clock::Host,
        };
        self.watch = Some(Watch { writing: Writing::new(clock), pending: Vec::new() });
        Ok(())
    }

    /// See [`crate::device::Device::take_timeline`].
    pub(super) fn watched(&mut self) -> Result<Option<Timeline>, DeviceError> {
        let Some(Watch { mut writing, pending }) = self.watch.take() else { return Ok(None) };
        self.wait(None)?;
        let tick = f64::from(self.staging.period_ns) * 1e-9;
        let mut read = Vec::new();
        for Pending { spans, mapped, submitted } in pending {
            let mut stamps = Vec::new();
            for buffer in &mapped {
                let bytes = self.map(buffer, buffer.size())?;
                stamps.extend(bytes.chunks_exact(8).map(|b| b.iter().rev().fold(0u64, |v, b| v << 8 | u64::from(*b))));
            }
            read.push((spans, stamps, writing.at(submitted)));
        }
        let first = read.iter().flat_map(|(_, stamps, _)| stamps).copied().min().unwrap_or(0);
        let seconds = |stamp: u64| stamp.saturating_sub(first) as f64 * tick;
        let late = |(_, stamps, submitted): &(_, Vec<u64>, f64)| stamps.first().map(|&s| submitted - seconds(s));
        let offset = read.iter().filter_map(late).fold(0.0, f64::max);
        for (spans, stamps, _) in read {
            for (ran, from, to) in spans {
                let at = |i: u32| stamps.get(i as usize).copied().map_or(0.0, seconds);
                writing.ran(Event { ran, start: offset + at(from), seconds: (at(to) - at(from)).max(0.0) });
            }
        }
        Ok(Some(writing.finish()))
    }

    /// How the time of a recording is noted.
    pub(super) fn notes(&self, commands: usize) -> Result<Notes, DeviceError> {
        match self.watch.as_ref().map(|watch| watch.writing.clock()) {
            None => Ok(Notes::None),
            Some(Clock::Host) => Ok(Notes::Host(Vec::new())),
            Some(clock) => self.scoped(|| Stamps::new(&self.device, clock, commands)).map(Notes::Stamps),
        }
    }

    /// Notes what the host did from `start` until now, where a timeline is written.
    pub(super) fn note(&mut self, what: Host, start: Instant) {
        if let Some(watch) = &mut self.watch {
            watch.writing.host(what, start);
        }
    }

    /// Takes the notes of a recording that was submitted.
    pub(super) fn keep(&mut self, notes: Notes, submitted: Instant) -> Result<(), DeviceError> {
        let pending = match &notes {
            Notes::Stamps(stamps) => Some(self.scoped(|| stamps.resolve(&self.device, &self.queue))?),
            _ => None,
        };
        let Some(watch) = &mut self.watch else { return Ok(()) };
        match (notes, pending) {
            (Notes::Stamps(stamps), Some(mapped)) => {
                watch.pending.push(Pending { spans: stamps.spans, mapped, submitted });
            }
            (Notes::Host(runs), _) => {
                for (ran, start, end) in runs {
                    let seconds = end.saturating_duration_since(start).as_secs_f64();
                    let start = watch.writing.at(start);
                    watch.writing.ran(Event { ran, start, seconds });
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps::AdapterKind;
    use crate::device::{Device, Selection, testing};
    use crate::kernels::{copy, fill_constant};
    use crate::recording::{Recording, Span};

    const BYTES: u64 = 4096;

    /// Launches, copies and read-backs in turn, in more commands than a query set has room for.
    fn recording(device: &mut dyn Device, turns: usize) -> Recording {
        let mut make = || Span::of(device.create_buffer("values", BYTES).unwrap(), BYTES);
        let (a, b) = (make(), make());
        let mut rec = Recording::new();
        rec.upload(a.buffer, 0, &[1.5f32; 1024]);
        for i in 0..turns {
            fill_constant::record(&mut rec, a, i as f32);
            copy::record(&mut rec, a, b);
            rec.copy(b, a);
        }
        rec.read_back(b);
        rec
    }

    #[test]
    fn every_clock_notes_every_launch_and_changes_no_result() {
        if testing::device().info().kind == AdapterKind::Reference {
            println!("skipped: the CPU twins have no stamps");
            return;
        }
        let candidates = super::super::candidates();
        let mut device = super::super::open(&candidates[0], &Selection::default()).unwrap();
        assert!(device.take_timeline().unwrap().is_none());
        let turns = 2 * SET as usize / 4;
        for (clock, turns) in [(Clock::Device, turns), (Clock::Passes, turns), (Clock::Host, 3)] {
            let rec = recording(&mut device, turns);
            let plain = device.run(&rec).unwrap();
            device.start_timeline().unwrap();
            if clock != Clock::Host && !device.staging.timestamps {
                continue;
            }
            let best = device.watch.as_ref().map(|watch| watch.writing.clock());
            if clock == Clock::Device && best != Some(clock) {
                continue;
            }
            device.watch = Some(Watch { writing: Writing::new(clock), pending: Vec::new() });
            for _ in 0..2 {
                assert_eq!(device.run(&rec).unwrap(), plain);
            }
            let timeline = device.take_timeline().unwrap().unwrap();
            assert_eq!(timeline.clock, clock);
            let launches = timeline.events.iter().filter(|e| matches!(e.ran, Ran::Kernel(_))).count();
            let moves = timeline.events.len() - launches;
            // Beside the copies of each turn: an upload, a read-back, and on software adapters copies into texels.
            let least = if clock == Clock::Device { 2 * (turns + 2) } else { 0 };
            assert!(launches == 4 * turns && moves >= least, "{clock:?}: {launches} launches, {moves} moves");
            let mut end = 0.0;
            for event in &timeline.events {
                // The clock's tick, and the rounding of seconds.
                assert!(event.start >= end - 1e-6 && event.seconds >= 0.0, "{clock:?}: {} after {end}", event.start);
                end = event.start + event.seconds;
            }
            assert!(end <= timeline.seconds, "{clock:?}: {end} of {}", timeline.seconds);
            let submits = timeline.host.iter().filter(|e| e.what == Host::Submit).count();
            assert_eq!(submits, 2);
        }
    }
}
