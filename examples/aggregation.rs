//! An aggregation of one's own: what the server makes of the clients' changes. `cargo run --release --example aggregation`

use zowarmup::config::Config;
use zowarmup::device::Selection;
use zowarmup::fed::FedError;
use zowarmup::fed::experiment::Experiment;
use zowarmup::fed::federation::Federation;
use zowarmup::fed::parts::{Aggregation, ClientChange};

/// The median of each coordinate (Yin et al., 2018), which a few clients that send nonsense can't move far.
pub struct Median;

impl Aggregation for Median {
    fn join(&mut self, _round: u32, clients: &[ClientChange]) -> Vec<f32> {
        let median = |i: usize| {
            let mut values: Vec<f32> = clients.iter().map(|client| client.change[i]).collect();
            values.sort_by(f32::total_cmp);
            let middle = values.len() / 2;
            if values.len() % 2 == 1 { values[middle] } else { 0.5 * (values[middle - 1] + values[middle]) }
        };
        (0..clients[0].change.len()).map(median).collect()
    }
}

/// Clients of which one sends a hundred times the negative of its change.
pub struct WithALiar<A>(pub A);

impl<A: Aggregation> Aggregation for WithALiar<A> {
    fn join(&mut self, round: u32, clients: &[ClientChange]) -> Vec<f32> {
        let mut sent = clients.to_vec();
        sent[0].change.iter_mut().for_each(|change| *change *= -100.0);
        self.0.join(round, &sent)
    }
}

/// The warm-up of the embedded experiment with half of the clients, one of which lies; gives the accuracy.
pub fn run(selection: &Selection, aggregation: impl Aggregation + 'static, rounds: u32) -> Result<f64, FedError> {
    let overrides = [format!("warmup.rounds={rounds}"), "zo.rounds=0".to_owned(), "split.high_share=0.5".to_owned()];
    let experiment = Experiment::prepare(&Config::load(None, &overrides)?)?;
    let federation = Federation::new(experiment, selection)?;
    Ok(federation.with_aggregation(WithALiar(aggregation))?.run()?.accuracy().unwrap_or(0.0))
}

fn main() -> Result<(), FedError> {
    let accuracy = run(&Selection::resolve(None, "", None)?, Median, 20)?;
    println!("{:.1} % right, with one client that lies", 100.0 * accuracy);
    Ok(())
}
