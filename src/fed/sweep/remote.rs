//! What a worker in a thread of its own tells whoever watches the sweep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use super::{CellOutcome, Watcher};
use crate::fed::metrics::{RoundMetrics, Summary};
use crate::fed::observer::{Observer, RunPlan};

/// A call of a watcher.
pub enum Event {
    /// Of [`Watcher::cell`].
    Cell(String, usize, usize),
    /// Of [`Watcher::outcome`].
    Outcome(Box<CellOutcome>),
    /// Of [`Observer::begin`].
    Begin(Box<RunPlan>),
    /// Of [`Observer::round`].
    Round(Box<RoundMetrics>),
    /// Of [`Observer::note`].
    Note(String),
    /// Of [`Observer::warn`].
    Warn(String),
    /// Of [`Observer::end`].
    End(Box<Summary>),
}

impl Event {
    /// Makes the call.
    pub fn tell(self, watcher: &mut dyn Watcher) {
        match self {
            Self::Cell(name, done, of) => watcher.cell(&name, done, of),
            Self::Outcome(cell) => watcher.outcome(&cell),
            Self::Begin(plan) => watcher.observer().begin(&plan),
            Self::Round(metrics) => watcher.observer().round(&metrics),
            Self::Note(text) => watcher.observer().note(&text),
            Self::Warn(text) => watcher.observer().warn(&text),
            Self::End(summary) => watcher.observer().end(&summary),
        }
    }
}

/// Sends what it is told, and stops once it is told to.
pub struct Remote<'a> {
    worker: usize,
    events: Sender<(usize, Event)>,
    stop: &'a AtomicBool,
}

impl<'a> Remote<'a> {
    /// Of a worker, by its number.
    pub fn new(worker: usize, events: Sender<(usize, Event)>, stop: &'a AtomicBool) -> Self {
        Self { worker, events, stop }
    }

    fn send(&self, event: Event) {
        // Who watches outlives the workers.
        let _ = self.events.send((self.worker, event));
    }
}

impl Observer for Remote<'_> {
    fn begin(&mut self, plan: &RunPlan) {
        self.send(Event::Begin(Box::new(plan.clone())));
    }

    fn round(&mut self, metrics: &RoundMetrics) {
        self.send(Event::Round(Box::new(metrics.clone())));
    }

    fn stop(&mut self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn note(&mut self, text: &str) {
        self.send(Event::Note(text.to_owned()));
    }

    fn warn(&mut self, text: &str) {
        self.send(Event::Warn(text.to_owned()));
    }

    fn end(&mut self, summary: &Summary) {
        self.send(Event::End(Box::new(summary.clone())));
    }
}

impl Watcher for Remote<'_> {
    fn cell(&mut self, name: &str, done: usize, of: usize) {
        self.send(Event::Cell(name.to_owned(), done, of));
    }

    fn outcome(&mut self, cell: &CellOutcome) {
        self.send(Event::Outcome(Box::new(cell.clone())));
    }

    fn observer(&mut self) -> &mut dyn Observer {
        self
    }
}
