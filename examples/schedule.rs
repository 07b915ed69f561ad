//! A schedule of one's own: who takes part in which round. `cargo run --release --example schedule`

use zowarmup::config::Config;
use zowarmup::device::Selection;
use zowarmup::fed::experiment::Experiment;
use zowarmup::fed::federation::Federation;
use zowarmup::fed::parts::Schedule;
use zowarmup::fed::{FedError, Phase};
use zowarmup::split::Split;

/// The warm-up has all clients that can run backprop. After it a third of all clients probes in each round, in turn, as if the others were
/// asleep.
pub struct Thirds;

impl Schedule for Thirds {
    fn clients(&mut self, round: u32, phase: Phase, split: &Split) -> Vec<u32> {
        match phase {
            Phase::Warmup => split.high_clients(),
            Phase::Zo => (0..split.clients.len() as u32).filter(|client| client % 3 == round % 3).collect(),
        }
    }
}

/// The embedded experiment by this schedule; gives the accuracy.
pub fn run(selection: &Selection, warmup_rounds: u32, zo_rounds: u32) -> Result<f64, FedError> {
    let overrides = [format!("warmup.rounds={warmup_rounds}"), format!("zo.rounds={zo_rounds}")];
    let experiment = Experiment::prepare(&Config::load(None, &overrides)?)?;
    let mut federation = Federation::new(experiment, selection)?.with_schedule(Thirds);
    while let Some(round) = federation.round()? {
        println!("round {}: clients {:?}, loss {:.3}", round.round, round.clients, round.train_loss);
    }
    Ok(federation.evaluate()?.accuracy().unwrap_or(0.0))
}

fn main() -> Result<(), FedError> {
    let accuracy = run(&Selection::resolve(None, "", None)?, 10, 50)?;
    println!("{:.1} % right", 100.0 * accuracy);
    Ok(())
}
