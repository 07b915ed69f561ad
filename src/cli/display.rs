//! How a run goes, on standard error: a bar on a terminal, a line now and then elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output::{bytes, grouped};
use super::progress::{Pace, Standing};
use super::{interrupt, say};
use crate::device::CompileWatch;
use crate::fed::{Observer, Phase, RoundMetrics, RunPlan, Summary};

/// Where standard error is no terminal, a line comes after this time even without an evaluation.
const EVERY: Duration = Duration::from_secs(30);

/// Shows rounds, loss, accuracy and time left, and asks the run to end when Ctrl-C or a time limit asks for it.
pub struct Display {
    bar: ProgressBar,
    shown: Arc<Mutex<Shown>>,
    /// Measuring ways, before the run begins.
    tuning: Option<ProgressBar>,
    deadline: Option<Instant>,
    /// The deadline ended the run.
    timed_out: bool,
}

/// What the device's threads and the run both write to.
struct Shown {
    standing: Standing,
    pace: Pace,
    /// Wall time and number of this process's rounds of the phase that is on.
    spent: (f64, u32),
}

impl Display {
    /// A bar that appears when the run begins. The time limit counts from now.
    pub fn new(limit: Option<Duration>) -> Self {
        let now = Instant::now();
        let shown = Shown { standing: Standing::default(), pace: Pace::new(now, EVERY), spent: (0.0, 0) };
        let deadline = limit.and_then(|limit| now.checked_add(limit));
        let (bar, shown) = (ProgressBar::hidden(), Arc::new(Mutex::new(shown)));
        Self { bar, shown, tuning: None, deadline, timed_out: false }
    }

    /// Whether the run ended because its time limit was over.
    pub fn timed_out(&self) -> bool {
        self.timed_out
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        lock(&self.shown)
    }

    /// The bar as it now stands, or a line where one is due.
    fn show(&self, reason: bool) {
        if self.bar.is_hidden() {
            let line = self.shown().line(reason);
            line.into_iter().for_each(say::note);
        } else {
            self.bar.tick();
        }
    }
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    // Nothing that holds it panics; what it holds is only shown.
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shown {
    fn line(&mut self, reason: bool) -> Option<String> {
        self.pace.due(Instant::now(), reason).then(|| self.standing.plain())
    }

    fn follow(&mut self, metrics: &RoundMetrics) {
        let standing = &mut self.standing;
        let phase = match metrics.phase {
            Phase::Warmup => "warm-up",
            Phase::Zo => "zo",
        };
        if phase != standing.phase {
            self.spent = (0.0, 0);
        }
        self.spent = (self.spent.0 + metrics.seconds, self.spent.1 + 1);
        (standing.phase, standing.done, standing.compiling) = (phase, u64::from(metrics.round) + 1, None);
        standing.loss = metrics.train_loss;
        standing.accuracy = metrics.test_accuracy.or(standing.accuracy);
        // Of the other phase's rounds nothing is known yet: they are taken to be as long.
        let rounds = standing.of.saturating_sub(standing.done) as f64;
        standing.left = Duration::try_from_secs_f64(rounds * self.spent.0 / f64::from(self.spent.1)).ok();
    }
}

/// A bar that shows where `shown` stands, as wide as the terminal is at that moment.
fn bar(shown: &Arc<Mutex<Shown>>, of: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(of), say::bar_target());
    let shown = Arc::clone(shown);
    let line = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
        let width = ratatui::crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        let _ = out.write_str(&lock(&shown).standing.fitted(width.saturating_sub(1)));
    };
    if let Ok(style) = ProgressStyle::with_template("{standing}") {
        bar.set_style(style.with_key("standing", line));
    }
    bar
}

impl Observer for Display {
    fn begin(&mut self, plan: &RunPlan) {
        interrupt::install();
        let of = u64::from(plan.warmup_rounds) + u64::from(plan.zo_rounds);
        {
            let mut shown = self.shown();
            (shown.standing.done, shown.standing.of) = (u64::from(plan.next_round), of);
            shown.pace = Pace::new(Instant::now(), EVERY);
        }
        self.bar = bar(&self.shown, of);
        say::attach(&self.bar);
        let (clients, weights) = (plan.clients, grouped(plan.params as u64));
        let (name, adapter, dir, disk) = (&plan.name, &plan.adapter, plan.dir.display(), bytes(plan.disk_bytes));
        self.note(&format!("{name}: {clients} clients, {weights} weights on {adapter}, into {dir} (about {disk})"));
    }

    fn compiling(&mut self) -> Option<CompileWatch> {
        let (bar, shown) = (self.bar.clone(), Arc::clone(&self.shown));
        Some(Box::new(move |ready, all| {
            let line = {
                let mut shown = lock(&shown);
                shown.standing.compiling = Some((ready, all));
                if bar.is_hidden() { shown.line(false) } else { None }
            };
            line.into_iter().for_each(say::note);
            bar.tick();
        }))
    }

    fn tuning(&mut self, done: usize, all: usize) {
        if done >= all {
            self.tuning.take().iter().for_each(ProgressBar::finish_and_clear);
            return;
        }
        let bar = self.tuning.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(all as u64), say::bar_target());
            if let Ok(style) = ProgressStyle::with_template("measuring ways of products {pos}/{len}") {
                bar.set_style(style);
            }
            bar
        });
        bar.set_position(done as u64);
    }

    fn round(&mut self, metrics: &RoundMetrics) {
        self.shown().follow(metrics);
        self.show(metrics.test_loss.is_some());
    }

    fn stop(&mut self) -> bool {
        self.timed_out = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
        self.timed_out || interrupt::requested()
    }

    fn note(&mut self, text: &str) {
        say::note(text);
    }

    fn warn(&mut self, text: &str) {
        say::say(text);
    }

    fn end(&mut self, _summary: &Summary) {
        say::detach();
        self.bar.finish_and_clear();
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        say::detach();
        self.bar.finish_and_clear();
    }
}
