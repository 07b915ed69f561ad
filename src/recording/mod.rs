//! What is to be done on a device, as plain data: buffer handles, commands, recordings, and the arithmetic of cutting work.
//!
//! Nothing here touches an adapter. A [`Recording`] can be printed, counted and tested without one, and runs alike on a GPU
//! and on the CPU twins.

pub mod arena;
pub mod chunks;
mod commands;
pub mod kernel;
pub mod lease;
mod span;
pub mod windows;

pub use commands::{Command, Dispatch, Recording};
pub use span::{BufferId, Span};
