//! Several kernels that do one thing: which of them a caller gets.

pub mod fill;
pub mod norm;
pub mod replaying;
