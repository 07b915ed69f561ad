//! The seed ledger of the ZO phase: its types, reading and writing (perturbation-stream,
//! Ledger). What a round's numbers come to is [`crate::rule`]'s.

mod error;
pub mod fingerprint;
mod integers;
mod read;
mod types;
mod validate;
mod write;

pub use error::LedgerError;
pub use fingerprint::fingerprint;
pub use integers::{Coefficients, quantise};
pub use read::Ledger;
pub use types::{
    Dense, EVERYONE, Entry, FORMAT, Header, Normalise, Optimizer, Round, Uplink, VERSION, VERSION_2, parse_hex64,
};
pub use validate::{EXP_RANGE, MAX_SUM};
pub use write::LedgerWriter;

#[cfg(test)]
mod tests;
