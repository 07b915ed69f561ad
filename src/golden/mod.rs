//! Golden files: reference values computed elsewhere (docs/models.md, Golden files).

mod error;
mod federation;
mod pass;
mod samples;
mod spsa;

use std::path::Path;

pub use error::GoldenError;
pub use federation::{CASE, CasePhase, CaseRound, Client, FederationGolden, Tolerances};
pub use pass::{MaskedPass, Mode, PassGolden};
pub use spsa::{SpsaCase, SpsaGolden};

/// A golden file, or a folder of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Golden {
    /// A forward and backward pass.
    Pass(Box<PassGolden>),
    /// Two-sided differences.
    Spsa(SpsaGolden),
    /// A federation.
    Federation(Box<FederationGolden>),
}

impl Golden {
    /// Reads a federation's folder, or a file: `.json` is one of differences, anything else a pass.
    ///
    /// # Errors
    /// A file that can't be read, is malformed, or holds a model of a kind that is not available.
    pub fn read(path: &Path) -> Result<Self, GoldenError> {
        if path.is_dir() {
            return FederationGolden::read(path).map(|f| Self::Federation(Box::new(f)));
        }
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
            SpsaGolden::read(path).map(Self::Spsa)
        } else {
            PassGolden::read(path).map(|p| Self::Pass(Box::new(p)))
        }
    }
}

#[cfg(test)]
mod tests;
