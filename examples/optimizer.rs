//! A server optimiser of one's own, in both phases. `cargo run --release --example optimizer`

use zowarmup::config::Config;
use zowarmup::device::Selection;
use zowarmup::fed::FedError;
use zowarmup::fed::experiment::Experiment;
use zowarmup::fed::federation::Federation;
use zowarmup::fed::parts::HostOptimizer;

/// Nesterov's momentum: a step of the direction and of what it makes of the velocity.
pub struct Nesterov {
    /// What is kept of the velocity.
    pub beta: f32,
    velocity: Vec<f32>,
}

impl Nesterov {
    /// At rest.
    pub fn new(beta: f32) -> Self {
        Self { beta, velocity: Vec::new() }
    }
}

impl HostOptimizer for Nesterov {
    fn step(&mut self, direction: &[f32], lr: f64) -> Vec<f32> {
        self.velocity.resize(direction.len(), 0.0);
        let moved = |(v, d): (&mut f32, &f32)| {
            *v = self.beta * *v + d;
            lr as f32 * (self.beta * *v + d)
        };
        self.velocity.iter_mut().zip(direction).map(moved).collect()
    }
}

/// The embedded experiment with it; gives the accuracy.
pub fn run(selection: &Selection, warmup_rounds: u32, zo_rounds: u32) -> Result<f64, FedError> {
    // Steps of momentum 0.5 are twice as long in the end: half the rates.
    let rates = ["warmup.server_lr=0.5".to_owned(), "zo.lr=0.05".to_owned()];
    let rounds = [format!("warmup.rounds={warmup_rounds}"), format!("zo.rounds={zo_rounds}")];
    let experiment = Experiment::prepare(&Config::load(None, &[rates, rounds].concat())?)?;
    let federation = Federation::new(experiment, selection)?;
    Ok(federation.with_optimizer(Nesterov::new(0.5))?.run()?.accuracy().unwrap_or(0.0))
}

fn main() -> Result<(), FedError> {
    let accuracy = run(&Selection::resolve(None, "", None)?, 20, 100)?;
    println!("{:.1} % right", 100.0 * accuracy);
    Ok(())
}
