//! Which way of computing a product an adapter is fastest with: the ways that there are for a model's products, which of them a run takes,
//! and their file.

mod ways;

pub use ways::{Row, Ways, WaysError, WaysFile, products};
