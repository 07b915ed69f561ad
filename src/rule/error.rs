//! What can go wrong in applying rounds.

use crate::engine::EngineError;

/// What can go wrong in applying rounds.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A replayed round gives other weights than the ledger says.
    #[error("round {round}: the weights after it have the fingerprint {found:016x}, expected {expected:016x}")]
    Differs {
        /// The round, absolute.
        round: u32,
        /// The ledger's fingerprint.
        expected: u64,
        /// That of the weights.
        found: u64,
    },
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
