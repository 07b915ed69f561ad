//! Reading whole files, plain or gzipped, with their size checked.

use super::DataError;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The first of `names` that is a file in `folder`.
pub(super) fn find(
    folder: &Path,
    what: &'static str,
    names: &[String],
) -> Result<PathBuf, DataError> {
    let found = names
        .iter()
        .map(|name| folder.join(name))
        .find(|path| path.is_file());
    found.ok_or_else(|| DataError::Missing {
        folder: folder.to_owned(),
        what,
        tried: names.to_vec(),
    })
}

/// Refuses a path that is no folder.
pub(super) fn require_folder(path: &Path, what: &'static str) -> Result<(), DataError> {
    if path.is_dir() {
        Ok(())
    } else {
        Err(DataError::NotAFolder {
            path: path.to_owned(),
            what,
        })
    }
}

/// A file being read from its beginning; `.gz` files are decoded.
pub(super) struct Reader {
    path: PathBuf,
    inner: Box<dyn Read>,
    gzip: bool,
    read: usize,
}

impl Reader {
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = std::fs::File::open(path).map_err(|source| DataError::Read {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::of(
            path,
            file,
            path.extension().is_some_and(|e| e == "gz"),
        ))
    }

    /// Reads from `source`, which errors call `path`.
    pub fn of(path: &Path, source: impl Read + 'static, gzip: bool) -> Self {
        let inner: Box<dyn Read> = if gzip {
            Box::new(MultiGzDecoder::new(source))
        } else {
            Box::new(source)
        };
        Self {
            path: path.to_owned(),
            inner,
            gzip,
            read: 0,
        }
    }

    /// At most `limit` further bytes: fewer only at the end of the file. Memory grows with what is really there, so a header
    /// that claims too much costs nothing.
    pub fn take(&mut self, limit: u64) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        let result = self.inner.by_ref().take(limit).read_to_end(&mut bytes);
        self.read += bytes.len();
        match result {
            Ok(_) => Ok(bytes),
            Err(e) if self.gzip => Err(DataError::Gzip {
                path: self.path.clone(),
                decoded: self.read,
                message: e.to_string(),
            }),
            Err(source) => Err(DataError::Read {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// Exactly the rest of a file whose size is known: `total` bytes, those already read included. `expected` explains the
    /// number in an error.
    pub fn rest(&mut self, total: u64, expected: &str) -> Result<Vec<u8>, DataError> {
        let path = self.path.clone();
        let size = |found: String| DataError::Size {
            path,
            found,
            expected: format!("{total} ({expected})"),
        };
        let before = self.read as u64;
        let bytes = self.take(total.saturating_sub(before))?;
        if self.read as u64 != total {
            return Err(size(self.read.to_string()));
        }
        // Reading on to the end also checks the gzip stream's checksum.
        match self.take(1)?.len() {
            0 => Ok(bytes),
            _ => Err(size(format!("more than {total}"))),
        }
    }
}
