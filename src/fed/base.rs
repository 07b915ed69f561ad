//! The weights that a ledger starts from.

use std::path::Path;

use super::error::FedError;
use super::folder::FolderError;
use crate::files::sha256_hex;
use crate::ledger::Header;
use crate::model::ParamTensor;
use crate::weights::{self, Loaded};

/// Reads the base of a ledger: exactly the file whose digest its header names.
///
/// # Errors
/// Another file; one that can't be read or isn't the model's.
pub(super) fn load(path: &Path, ledger: &Path, header: &Header, tensors: &[ParamTensor]) -> Result<Loaded, FedError> {
    let bytes = weights::read_bytes(path, tensors)?;
    let base = weights::decode(path, &bytes, tensors)?;
    let found = sha256_hex(&bytes);
    if found.eq_ignore_ascii_case(&header.base_sha256) {
        return Ok(base);
    }
    Err(FolderError::Differs {
        path: path.to_owned(),
        what: "content".to_owned(),
        expected: format!("the base of {}, a file of SHA-256 {}", ledger.display(), header.base_sha256),
        found: format!("SHA-256 {found}"),
    }
    .into())
}
