//! Which client holds which training samples, and which clients have high resources.
//!
//! Every choice derives from the split seed alone, through streams of their own for class pools, clients, sizes and the
//! high-resource clients. All kinds end after at most one step a sample.

mod deal;
mod dirichlet;
mod error;
mod file;
mod held_out;
mod kinds;
mod natural;
mod partition;

pub use error::SplitError;
pub use file::FORMAT;
pub use held_out::validation;
pub use partition::Split;

#[cfg(test)]
mod tests;
