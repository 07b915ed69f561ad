//! NumPy's archives: a zip of `.npy` files, as `np.savez` and `np.savez_compressed` write them.

use super::array::Array;
use super::zip::Archive;
use super::{Arrays, npy};
use crate::data::DataError;
use crate::files::{HEAD, Kind, Source};
use std::path::{Path, PathBuf};

/// An archive.
pub(in crate::data) struct Npz {
    path: PathBuf,
    archive: Archive,
}

impl Npz {
    /// Opens an archive.
    ///
    /// # Errors
    /// A file that can't be read, is of another kind, or no whole zip archive.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let mut source = Source::open(path).map_err(|e| DataError::Read { path: e.path, source: e.source })?;
        let head = source.head(HEAD).map_err(|e| DataError::Read { path: e.path, source: e.source })?;
        match Kind::of(&head) {
            Some(Kind::NumpyZip | Kind::Zip) | None => {}
            Some(kind) => {
                let expected = "an archive of NumPy (np.savez)";
                return Err(DataError::Foreign { path: path.to_owned(), kind, expected });
            }
        }
        Ok(Self { path: path.to_owned(), archive: Archive::open(path)? })
    }
}

impl Arrays for Npz {
    fn path(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> Vec<&str> {
        self.archive.members.iter().filter_map(|member| member.name.strip_suffix(".npy")).collect()
    }

    fn open(&self, name: &str) -> Result<Array, DataError> {
        let error = |message: String| DataError::Array { path: self.path.clone(), array: name.to_owned(), message };
        let mut members = self.archive.members.iter();
        let member = members.find(|member| member.name.strip_suffix(".npy") == Some(name));
        let mut reader = self.archive.open_member(member.ok_or_else(|| error("missing".to_owned()))?)?;
        let (scalar, shape) = npy::read(&mut reader)?.map_err(error)?;
        Ok(Array::new(name, reader, shape, scalar))
    }
}
