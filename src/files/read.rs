//! Reading files: regular ones only, and none beyond the size that its subject can have.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{FileError, Refusal, folder_of};

/// The most that a reader takes of a file. Every reader has one, so that no path can fill the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Bytes.
    pub bytes: u64,
    /// Whose limit it is, as in "the limit of a config".
    pub what: &'static str,
}

/// A regular file, open and not yet read.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Source {
    /// Opens a file. A link is followed.
    ///
    /// # Errors
    /// A file that can't be opened; anything but a regular file ([`Refusal::NotRegular`]).
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let error = |e| FileError::of(path, "read")(e);
        let regular = |kind: fs::FileType| match other_than_file(kind) {
            None => Ok(()),
            Some(found) => Err(refused(io::ErrorKind::InvalidInput, Refusal::NotRegular { found })),
        };
        // Asked before it is opened, since opening a pipe waits for its other end; asked again of what was opened.
        fs::metadata(path).and_then(|m| regular(m.file_type())).map_err(error)?;
        let file = File::open(path).map_err(error)?;
        let metadata = file.metadata().map_err(error)?;
        regular(metadata.file_type()).map_err(error)?;
        Ok(Self { path: path.to_owned(), file, bytes: metadata.len() })
    }

    /// Bytes of the file as it was opened.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The first `n` bytes; fewer where the file is shorter. Reading starts again at the beginning afterwards.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn head(&mut self, n: usize) -> Result<Vec<u8>, FileError> {
        let mut head = Vec::new();
        let read = (&mut self.file).take(n as u64).read_to_end(&mut head);
        read.and_then(|_| self.file.seek(SeekFrom::Start(0))).map_err(FileError::of(&self.path, "read"))?;
        Ok(head)
    }

    /// The whole content.
    ///
    /// # Errors
    /// A file that can't be read; more bytes than the limit ([`Refusal::TooLarge`]).
    pub fn read(mut self, limit: Limit) -> Result<Vec<u8>, FileError> {
        let error = FileError::of(&self.path, "read");
        let too_large = |found| {
            refused(io::ErrorKind::FileTooLarge, Refusal::TooLarge { found, most: limit.bytes, what: limit.what })
        };
        if self.bytes > limit.bytes {
            return Err(error(too_large(self.bytes)));
        }
        // Its size is at most the limit, but it may grow while it is read.
        let mut bytes = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        match (&mut self.file).take(limit.bytes.saturating_add(1)).read_to_end(&mut bytes) {
            Err(e) => Err(error(e)),
            Ok(read) if read as u64 > limit.bytes => Err(error(too_large(read as u64))),
            Ok(_) => Ok(bytes),
        }
    }

    /// The open file, to be read in parts.
    pub fn into_file(self) -> File {
        self.file
    }
}

fn refused(kind: io::ErrorKind, refusal: Refusal) -> io::Error {
    io::Error::new(kind, refusal)
}

/// What a path is that is no regular file.
fn other_than_file(kind: fs::FileType) -> Option<&'static str> {
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("a pipe; save its content to a file first");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    Some("something else")
}

/// The bytes of a regular file of at most the limit.
///
/// # Errors
/// A file that can't be read, is not regular, or is larger than the limit.
pub fn read(path: &Path, limit: Limit) -> Result<Vec<u8>, FileError> {
    Source::open(path)?.read(limit)
}

/// The path of a file that another one names, which must lie in the same folder: `None` for a name with a folder in it (`/`, `..`).
pub fn beside(path: &Path, name: &str) -> Option<PathBuf> {
    let mut parts = Path::new(name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(only)), None) if only == name => Some(folder_of(path).join(name)),
        _ => None,
    }
}

/// SHA-256 of bytes, 64 lowercase hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file's content, 64 lowercase hex digits. The file is read in parts.
///
/// # Errors
/// A file that can't be read or is not regular.
pub fn sha256_file(path: &Path) -> Result<String, FileError> {
    let mut file = Source::open(path)?.into_file();
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 16];
    loop {
        let n = file.read(&mut buffer).map_err(FileError::of(path, "read"))?;
        if n == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..n]);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limit = Limit { bytes: 4, what: "a test" };

    #[test]
    fn only_regular_files_within_the_limit_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("four");
        fs::write(&path, b"four").unwrap();
        assert_eq!(read(&path, SMALL).unwrap(), b"four");
        fs::write(&path, b"fiver").unwrap();
        let error = read(&path, SMALL).unwrap_err();
        assert!(error.to_string().ends_with("four: cannot read: 5 bytes, expected at most 4, the limit of a test"));
        assert_eq!(error.refusal(), Some(&Refusal::TooLarge { found: 5, most: 4, what: "a test" }));
        // Larger than any memory, and nothing of it is on the disk.
        let huge = File::create(&path).unwrap();
        if huge.set_len(1 << 42).is_ok() {
            assert!(read(&path, SMALL).unwrap_err().refusal().is_some());
        }
        let folder = read(dir.path(), SMALL).unwrap_err();
        assert!(folder.to_string().ends_with("cannot read: expected a regular file, found a folder"), "{folder}");
        let missing = read(&dir.path().join("no"), SMALL).unwrap_err();
        assert_eq!((missing.source.kind(), missing.refusal()), (io::ErrorKind::NotFound, None));
    }

    #[cfg(unix)]
    #[test]
    fn devices_and_pipes_are_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        for (path, found) in [(Path::new("/dev/zero"), "found a device"), (&pipe, "found a pipe")] {
            for error in [read(path, SMALL).unwrap_err(), sha256_file(path).unwrap_err()] {
                assert!(error.to_string().contains(found), "{error}");
            }
        }
    }

    #[test]
    fn a_name_beside_a_file_has_no_folder_in_it() {
        let of = |name| beside(Path::new("a/b.json"), name);
        assert_eq!(of("c.txt"), Some(PathBuf::from("a/c.txt")));
        assert_eq!(beside(Path::new("b.json"), "c"), Some(PathBuf::from("./c")));
        for name in ["", ".", "..", "/c", "../c", "d/c", "c/", "./c", "/"] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn heads_are_read_without_moving_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"four").unwrap();
        let mut source = Source::open(&path).unwrap();
        assert_eq!(
            (source.bytes(), source.head(2).unwrap(), source.head(9).unwrap()),
            (4, b"fo".into(), b"four".into())
        );
        assert_eq!(source.read(SMALL).unwrap(), b"four");
    }

    #[test]
    fn digests() {
        assert_eq!(sha256_hex(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("abc");
        fs::write(&path, b"abc").unwrap();
        assert_eq!(sha256_file(&path).unwrap(), sha256_hex(b"abc"));
    }
}
