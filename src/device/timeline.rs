//! When each command of a device's recordings ran: what a profile is made of.

use std::time::Instant;

use crate::recording::Dispatch;

/// What the times of events were taken with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The device's, between commands.
    Device,
    /// The device's, around a pass a dispatch: copies are not seen, and each dispatch bears a pass's start.
    Passes,
    /// The host's, around a submission a dispatch: each bears a submission and its wait.
    Host,
}

impl Clock {
    /// `device`, `passes` or `host`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Passes => "passes",
            Self::Host => "host",
        }
    }
}

/// What ran.
#[derive(Clone)]
pub enum Ran {
    /// A kernel.
    Kernel(Box<Dispatch>),
    /// Bytes that were moved without one.
    Move {
        /// Such as `upload`.
        what: &'static str,
        /// How many.
        bytes: u64,
    },
}

/// A command that ran.
#[derive(Clone)]
pub struct Event {
    /// What.
    pub ran: Ran,
    /// Seconds from the timeline's beginning.
    pub start: f64,
    /// Seconds that it took.
    pub seconds: f64,
}

/// What the host did meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// Encoding and submitting a recording.
    Submit,
    /// Compiling pipelines, as part of it.
    Compile,
    /// Waiting for read-backs.
    Wait,
}

impl Host {
    /// `submit`, `compile` or `wait`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Compile => "compile",
            Self::Wait => "wait",
        }
    }
}

/// A piece of the host's time.
#[derive(Clone, Copy, Debug)]
pub struct HostEvent {
    /// What.
    pub what: Host,
    /// Seconds from the timeline's beginning.
    pub start: f64,
    /// Seconds that it took.
    pub seconds: f64,
}

/// What a device and its host did, from [`super::Device::start_timeline`] to [`super::Device::take_timeline`].
pub struct Timeline {
    /// What the events were timed with.
    pub clock: Clock,
    /// Commands in the order in which they ran. The device's clock was laid over the host's so that none begins before it was submitted.
    pub events: Vec<Event>,
    /// The host's time.
    pub host: Vec<HostEvent>,
    /// Seconds from beginning to end.
    pub seconds: f64,
}

/// A timeline that is being written.
pub(super) struct Writing {
    began: Instant,
    clock: Clock,
    events: Vec<Event>,
    host: Vec<HostEvent>,
}

impl Writing {
    /// Begins now.
    pub fn new(clock: Clock) -> Self {
        Self { began: Instant::now(), clock, events: Vec::new(), host: Vec::new() }
    }

    /// What events are timed with.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Seconds from the beginning to `at`.
    pub fn at(&self, at: Instant) -> f64 {
        at.saturating_duration_since(self.began).as_secs_f64()
    }

    /// Notes what the host did from `start` until now.
    pub fn host(&mut self, what: Host, start: Instant) {
        let seconds = start.elapsed().as_secs_f64();
        self.host.push(HostEvent { what, start: self.at(start), seconds });
    }

    /// Notes what ran.
    pub fn ran(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Notes what ran by the host's clock, from `start` until now.
    pub fn ran_since(&mut self, ran: Ran, start: Instant) {
        let seconds = start.elapsed().as_secs_f64();
        self.events.push(Event { ran, start: self.at(start), seconds });
    }

    /// Ends now.
    pub fn finish(self) -> Timeline {
        let seconds = self.began.elapsed().as_secs_f64();
        Timeline { clock: self.clock, events: self.events, host: self.host, seconds }
    }
}
