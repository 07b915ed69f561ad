//! JSON files that carry a SHA-256 of themselves: their last key `sha256` is that of the file's bytes with 64 zeros in its place. So an
//! edit of any byte is found by whoever reads the file next, this program or another.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::folder::FolderError;
use crate::files::{self, Limit, sha256_hex};

/// No manifest and no checkpoint's state is larger.
const LIMIT: Limit = Limit { bytes: 16 << 20, what: "a record of a run" };
const KEY: &str = "sha256";
const DIGITS: usize = 64;

/// The bytes of a sealed file.
pub(super) fn encode<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, FolderError> {
    let malformed = |message: String| FolderError::Malformed { path: path.to_owned(), message };
    let mut object: Map<String, Value> = serde_json::to_value(value)
        .and_then(serde_json::from_value)
        .map_err(|e: serde_json::Error| malformed(e.to_string()))?;
    object.insert(KEY.to_owned(), Value::String("0".repeat(DIGITS)));
    let mut bytes = serde_json::to_vec_pretty(&object).map_err(|e| malformed(e.to_string()))?;
    bytes.push(b'\n');
    let digest = sha256_hex(&bytes);
    // The key is the last one: its digits end before `"\n}\n`.
    let end = bytes.len() - b"\"\n}\n".len();
    bytes[end - DIGITS..end].copy_from_slice(digest.as_bytes());
    Ok(bytes)
}

/// Writes a value as a sealed file, whole or not at all.
pub(super) fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), FolderError> {
    Ok(files::write_whole(path, &encode(path, value)?)?)
}

/// Reads a sealed file; `None` where there is none.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, FolderError> {
    read_of(path, LIMIT, Seal::Always)
}

/// Whether a file has the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// All have.
    Always,
    /// Those of earlier versions have not, and are taken as they are. Their type must refuse unknown keys, or a damaged name of the digest's key
    /// would make such a file of one that has it.
    SinceLately,
}

/// Reads a file of at most the limit; `None` where there is none.
pub(super) fn read_of<T: DeserializeOwned>(path: &Path, limit: Limit, seal: Seal) -> Result<Option<T>, FolderError> {
    match files::read(path, limit) {
        Ok(bytes) => decode(path, &bytes, seal).map(Some),
        Err(e) if e.source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e.into()),
    }
}

fn decode<T: DeserializeOwned>(path: &Path, bytes: &[u8], seal: Seal) -> Result<T, FolderError> {
    let malformed = |message: String| FolderError::Malformed { path: path.to_owned(), message };
    let mut object: Map<String, Value> = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let value = |object| serde_json::from_value(Value::Object(object)).map_err(|e| malformed(e.to_string()));
    let expected = match object.remove(KEY) {
        Some(Value::String(text)) if text.len() == DIGITS => text,
        None if seal == Seal::SinceLately => return value(object),
        _ => return Err(malformed(format!("{KEY}: expected {DIGITS} hex digits as the last key, found none"))),
    };
    let mut blank = bytes.to_vec();
    let at = bytes.windows(DIGITS).rposition(|w| w == expected.as_bytes());
    if let Some(at) = at {
        blank[at..at + DIGITS].fill(b'0');
    }
    let found = sha256_hex(&blank);
    if found != expected {
        return Err(malformed(format!(
            "it is not what was written: its own {KEY} says {expected}, its content has {found}"
        )));
    }
    value(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_is_found() {
        let path = Path::new("a.json");
        let value = serde_json::json!({"a": 0.1, "sum": [1, 2], "text": "0".repeat(64)});
        let bytes = encode(path, &value).unwrap();
        assert_eq!(decode::<Value>(path, &bytes, Seal::Always).unwrap(), value);
        for at in 0..bytes.len() {
            for bit in [0, 3, 7] {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                let read = decode::<Value>(path, &bad, Seal::Always);
                assert!(read.is_err_and(|e| e.to_string().starts_with("a.json: ")), "byte {at}, bit {bit}");
            }
            assert!(decode::<Value>(path, &bytes[..at], Seal::Always).is_err(), "cut at {at}");
        }
    }
}
