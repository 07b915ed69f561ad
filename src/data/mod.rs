//! Data sets: samples as bytes, as they lie in the files and go to the device, and how bytes become values; or as floats, normalised.

mod arrays;
mod batches;
mod cifar;
mod columns;
mod csv;
mod dataset;
mod digits;
mod error;
mod file;
mod given;
mod guard;
mod gzip;
mod idx;
mod images;
mod layout;
mod leaf;
mod limit;
mod load;
mod names;
mod normalisation;
mod own;
mod pages;
#[cfg(feature = "parquet")]
mod parquet;
mod part;
mod pickle;
mod scalar;
#[cfg(test)]
pub(crate) mod tests;

pub use dataset::Dataset;
pub use error::DataError;
pub use guard::is_guarded;
pub use limit::HELD;
pub use names::Clients;
pub(crate) use names::Names;
pub use normalisation::Normalisation;
pub use part::{Part, Rows, Values};
