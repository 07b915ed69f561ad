//! Weights as safetensors files with PyTorch's names and layouts. A file need not be in flat order: the model's table of
//! tensors decides. Other floats than f32 are converted, and the names that PyTorch's wrappers give are taken off; what was done to a
//! file is told to the caller.

mod error;
mod foreign;
mod load;
mod tensors;
mod write;

pub use error::WeightsError;
pub use load::{Change, Loaded, Note, decode, load, read_bytes};
pub use tensors::{LIMIT, TensorFile};
pub use write::{checked, encode, save};

#[cfg(test)]
mod tests;
