//! Parts of a federation that one can write oneself: who takes part, and what the server makes of clients' changes. What it makes of the
//! joint change is a [`HostOptimizer`]. [`Federation`](super::federation::Federation) takes them.

use super::metrics::Phase;
pub use crate::rule::HostOptimizer;
use crate::split::Split;

/// Says who takes part in a round.
///
/// ```
/// use zowarmup::fed::{Phase, parts::Schedule};
/// use zowarmup::split::Split;
///
/// /// Each client in its turn.
/// struct InTurn;
///
/// impl Schedule for InTurn {
///     fn clients(&mut self, round: u32, _phase: Phase, split: &Split) -> Vec<u32> {
///         vec![round % split.clients.len() as u32]
///     }
/// }
/// ```
pub trait Schedule {
    /// The clients of round `round`, which is counted from 0 through both phases; at least one, all of which hold samples (those of
    /// client c are `split.clients[c]`, and `split.high[c]` says whether it can run backprop).
    fn clients(&mut self, round: u32, phase: Phase, split: &Split) -> Vec<u32>;
}

/// What a client of a warm-up round sends.
#[derive(Clone, Debug)]
pub struct ClientChange {
    /// Its number.
    pub client: u32,
    /// Its samples.
    pub samples: usize,
    /// Mean loss over its local steps.
    pub loss: f64,
    /// Its weights after local training less those before: the parameters in flat order, then running statistics.
    pub change: Vec<f32>,
}

/// Joins what the clients of a warm-up round send.
///
/// ```
/// use zowarmup::fed::parts::{Aggregation, ClientChange};
///
/// /// All clients alike, however many samples they have.
/// struct Plain;
///
/// impl Aggregation for Plain {
///     fn join(&mut self, _round: u32, clients: &[ClientChange]) -> Vec<f32> {
///         let mut joined = vec![0.0; clients[0].change.len()];
///         for client in clients {
///             joined.iter_mut().zip(&client.change).for_each(|(sum, change)| *sum += change / clients.len() as f32);
///         }
///         joined
///     }
/// }
/// ```
pub trait Aggregation {
    /// The joint change, as long as each client's. `clients`: at least one, ascending. With the default parts the server then adds it times
    /// `warmup.server_lr` to the weights, or hands it to the algorithm's optimiser.
    fn join(&mut self, round: u32, clients: &[ClientChange]) -> Vec<f32>;
}
