//! Self-test.
pub mod stream;
