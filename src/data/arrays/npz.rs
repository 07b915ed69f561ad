//! NumPy's archives: a zip of `.npy` files, as `np.savez` and `np.savez_compressed` write them; and folders of them, which programs can
//! write that don't hold the arrays in memory (`np.lib.format.open_memmap`).

use super::array::Array;
use super::zip::Archive;
use super::{Arrays, npy};
use crate::data::DataError;
use crate::data::file::{Reader, read_error};
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
        let mut source = Source::open(path).map_err(read_error)?;
        let head = source.head(HEAD).map_err(read_error)?;
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
        let (mut reader, start) = self.archive.open_member(member.ok_or_else(|| error("missing".to_owned()))?)?;
        let (scalar, shape) = npy::read(&mut reader)?.map_err(error)?;
        let place = start.map(|start| start + reader.taken());
        Ok(Array::new(name, reader, place, shape, scalar))
    }
}

/// A folder of `.npy` files.
pub(in crate::data) struct Npys {
    folder: PathBuf,
    names: Vec<String>,
}

impl Npys {
    /// Lists a folder.
    ///
    /// # Errors
    /// A folder that can't be read.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let read = |source| DataError::Read { path: folder.to_owned(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read)? {
            let name = entry.map_err(read)?.file_name();
            names.extend(name.to_str().and_then(|name| name.strip_suffix(".npy")).map(str::to_owned));
        }
        names.sort_unstable();
        Ok(Self { folder: folder.to_owned(), names })
    }
}

impl Arrays for Npys {
    fn path(&self) -> &Path {
        &self.folder
    }

    fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    fn open(&self, name: &str) -> Result<Array, DataError> {
        let path = self.folder.join(format!("{name}.npy"));
        let mut reader = Reader::open(&path)?;
        let error = |message: String| DataError::Array { path: path.clone(), array: name.to_owned(), message };
        let (scalar, shape) = npy::read(&mut reader)?.map_err(error)?;
        // gzip is told by its content, and can't be read in any order.
        let place = reader.plain_size().map(|_| reader.taken());
        Ok(Array::new(name, reader, place, shape, scalar))
    }
}
