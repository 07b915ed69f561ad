//! The rule: how a round's (seed, number) pairs change the weights. The one definition of applying a round; live rounds, a resumed run
//! and a replay all call it.
//!
//! [`Rule`] turns a round of a ledger into a [`Step`], which is data: exact integers on a power of two, or f32 coefficients, on their way
//! through an optimiser or not. [`Server`] is what holds the weights' side of it: it applies steps to an engine, one round after the other,
//! and counts the optimiser's, whose moments lie on the device; or has a [`HostOptimizer`] make them.

mod coefficients;
mod error;
mod host;
mod server;
mod step;

pub use coefficients::{Number, StepRule};
pub use error::RuleError;
pub use host::HostOptimizer;
pub use server::Server;
pub use step::{LocalStep, Rule, Step};

pub use crate::ledger::{Coefficients, quantise};
