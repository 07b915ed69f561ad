//! The progress bar of a run, on standard error; hidden where that is no terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt;
use super::output::{grouped, percent};
use super::say::say;
use crate::device::CompileWatch;
use crate::fed::{Observer, Phase, RoundMetrics, RunPlan, Summary};

/// Shows rounds, loss, accuracy and time left, and asks the run to end when Ctrl-C asks for it.
pub struct Display {
    bar: ProgressBar,
    accuracy: Option<f64>,
}

impl Display {
    /// A bar that appears when the run begins.
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden(), accuracy: None }
    }
}

impl Observer for Display {
    fn begin(&mut self, plan: &RunPlan) {
        interrupt::install();
        let total = u64::from(plan.warmup_rounds) + u64::from(plan.zo_rounds);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix:>7} [{bar:30}] {pos}/{len}  {msg}  {eta_precise} left")
        {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_position(u64::from(plan.next_round));
        // Time left counts from here, not from the rounds of an earlier process.
        bar.reset_eta();
        self.bar = bar;
        let (clients, weights) = (plan.clients, grouped(plan.params as u64));
        let (name, adapter, dir) = (&plan.name, &plan.adapter, plan.dir.display());
        self.note(&format!("{name}: {clients} clients, {weights} weights on {adapter}, into {dir}"));
    }

    fn compiling(&mut self) -> Option<CompileWatch> {
        let bar = self.bar.clone();
        Some(Box::new(move |ready, all| bar.set_message(format!("compiling {ready} of {all} kernels"))))
    }

    fn round(&mut self, metrics: &RoundMetrics) {
        self.accuracy = metrics.test_accuracy.or(self.accuracy);
        let loss = metrics.train_loss.map_or_else(|| "-".to_owned(), |l| format!("{l:.4}"));
        self.bar.set_prefix(match metrics.phase {
            Phase::Warmup => "warm-up",
            Phase::Zo => "zo",
        });
        self.bar.set_message(format!("loss {loss}  accuracy {}", percent(self.accuracy)));
        self.bar.set_position(u64::from(metrics.round) + 1);
    }

    fn stop(&mut self) -> bool {
        interrupt::requested()
    }

    fn note(&mut self, text: &str) {
        if self.bar.is_hidden() {
            say(text);
        } else {
            self.bar.println(text);
        }
    }

    fn end(&mut self, _summary: &Summary) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
