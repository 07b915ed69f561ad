//! Files written whole or not at all, read within limits, and their digests.

pub mod cache;
mod error;
mod kind;
mod read;
mod write;

pub use error::{FileError, Refusal, folder_of};
pub use kind::{HEAD, Kind};
pub use read::{Limit, Source, beside, read, sha256_file, sha256_hex};
pub use write::{sync_folder, write_whole};
