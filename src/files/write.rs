//! Writing files whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{FileError, folder_of};

/// Writes a file so that, whatever happens, `path` holds either all of `bytes` or what it held before: a temporary file in
/// the same folder, synced, renamed over `path`, then the folder synced.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().ok_or_else(|| {
        FileError::of(path, "write")(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"))
    })?;
    let folder = folder_of(path);
    let mut part_name = std::ffi::OsString::from(".");
    part_name.push(name);
    part_name.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    let part = folder.join(part_name);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&part, path)
    })();
    if let Err(source) = written {
        // The part may never have been made; the first error is the one to tell.
        let _ = fs::remove_file(&part);
        return Err(FileError::of(path, "write")(source));
    }
    sync_folder(folder)
}

/// Syncs a folder, so that names made or renamed in it last. Does nothing where folders cannot be opened as files.
pub fn sync_folder(folder: &Path) -> Result<(), FileError> {
    if cfg!(unix) {
        File::open(folder).and_then(|f| f.sync_all()).map_err(FileError::of(folder, "sync"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_whole_and_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.bin");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let missing = dir.path().join("no/where");
        assert!(write_whole(&missing, b"x").unwrap_err().to_string().contains("where"));
    }
}
