//! Which way of computing a product an adapter is fastest with: the ways that there are for a model's products, measured on the device, which
//! of them a run takes, and their file.

mod buffers;
mod candidates;
mod clock;
mod measure;
mod problem;
mod trial;
mod ways;

pub use candidates::{Scope, candidates};
pub use measure::{Measured, Tried, Watch, a_sample, fastest, measure};
pub use ways::{Row, Ways, WaysError, WaysFile, offered, products};
