//! Which way of computing a product an adapter is fastest with: the ways that there are for a model's products, measured on the device, which
//! of them a run takes, and their file.

mod buffers;
mod candidates;
mod clock;
mod file;
mod fits;
mod measure;
mod problem;
#[cfg(test)]
mod testing;
mod trial;
mod tried;
mod ways;

pub use candidates::candidates;
pub use file::{Row, WaysError, WaysFile};
pub use fits::Scope;
pub use measure::{Watch, a_sample, fastest, measure};
pub use tried::{Measured, Tried};
pub use ways::{Ways, offered, products};
