//! Reading a set's files in parts, plain or gzipped, each as large as it says.

use super::DataError;
use super::gzip::Members;
use crate::files::{FileError, HEAD, Kind, Source};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Bytes that one byte of a gzip file can become: a run of 258 bytes takes at least 2 bits.
const MOST_EXPANSION: u64 = 1032;
/// Bytes of samples that are read at a time.
const BLOCK: usize = 1 << 20;

/// A file that the system didn't read.
pub(super) fn read_error(error: FileError) -> DataError {
    DataError::Read { path: error.path, source: error.source }
}

/// The first of `names` that is in `folder`.
pub(super) fn find(folder: &Path, what: &'static str, names: &[String]) -> Result<PathBuf, DataError> {
    let found = names.iter().map(|name| folder.join(name)).find(|path| path.exists());
    found.ok_or_else(|| DataError::Missing { folder: folder.to_owned(), what, tried: names.to_vec() })
}

/// Refuses a path that is no folder.
pub(super) fn require_folder(path: &Path, what: &'static str) -> Result<(), DataError> {
    if path.is_dir() { Ok(()) } else { Err(DataError::NotAFolder { path: path.to_owned(), what }) }
}

/// A file being read from its beginning; gzip is told by its content and decoded.
pub(super) struct Reader {
    path: PathBuf,
    inner: Inner,
    /// Bytes of the file itself.
    size: u64,
    /// Decoded bytes that were taken.
    read: u64,
    /// What the file is, of kinds that are told by their first bytes.
    kind: Option<Kind>,
}

enum Inner {
    Plain(Box<dyn BufRead>),
    Gzip(Members<Box<dyn BufRead>>),
}

impl Reader {
    /// Opens a regular file.
    ///
    /// # Errors
    /// A file that can't be read, or is not regular.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let mut source = Source::open(path).map_err(read_error)?;
        let (size, head) = (source.bytes(), source.head(HEAD).map_err(read_error)?);
        Ok(Self::of(path, source.into_file(), size, &head))
    }

    /// Reads from `source`, of `size` bytes that begin with `head`; errors call it `path`.
    pub fn of(path: &Path, source: impl Read + 'static, size: u64, head: &[u8]) -> Self {
        let source: Box<dyn BufRead> = Box::new(BufReader::with_capacity(1 << 16, source));
        let kind = Kind::of(head);
        let inner = if kind == Some(Kind::Gzip) { Inner::Gzip(Members::new(source)) } else { Inner::Plain(source) };
        Self { path: path.to_owned(), inner, size, read: 0, kind }
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of a file that is not gzipped: known before they are read.
    pub fn plain_size(&self) -> Option<u64> {
        matches!(self.inner, Inner::Plain(_)).then_some(self.size)
    }

    /// Decoded bytes taken so far.
    pub fn taken(&self) -> u64 {
        self.read
    }

    /// What the file is where its first bytes say that it is none of a data set: a web page, an archive.
    pub fn foreign(&self) -> Option<Kind> {
        self.kind.filter(|&kind| kind != Kind::Gzip)
    }

    /// Fills as much of `into` as there is: less than all of it only at the end of the file.
    ///
    /// # Errors
    /// A file that can't be read; a damaged gzip stream.
    pub fn fill(&mut self, into: &mut [u8]) -> Result<usize, DataError> {
        let mut filled = 0;
        while filled < into.len() {
            let read = match &mut self.inner {
                Inner::Plain(source) => source.read(&mut into[filled..]),
                Inner::Gzip(members) => members.read(&mut into[filled..]),
            };
            match read {
                Ok(0) => break,
                Ok(n) => {
                    filled += n;
                    self.read += n as u64;
                }
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) if matches!(self.inner, Inner::Gzip(_)) => {
                    let (path, decoded) = (self.path.clone(), self.read);
                    return Err(DataError::Gzip { path, decoded, message: e.to_string() });
                }
                Err(source) => return Err(DataError::Read { path: self.path.clone(), source }),
            }
        }
        Ok(filled)
    }

    /// At most `limit` further bytes: fewer only at the end of the file. Memory grows with what is really there.
    ///
    /// # Errors
    /// As [`Reader::fill`].
    pub fn take(&mut self, limit: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        while bytes.len() < limit {
            let start = bytes.len();
            bytes.resize(start + (limit - start).min(BLOCK), 0);
            let filled = self.fill(&mut bytes[start..])?;
            if start + filled < bytes.len() {
                bytes.truncate(start + filled);
                break;
            }
        }
        Ok(bytes)
    }

    /// Refuses, before anything of it is read, a file that can't hold the `total` bytes that its header claims. `expected` explains
    /// the number.
    ///
    /// # Errors
    /// A plain file of another size; a gzip file that is too small to become so many bytes.
    pub fn claims(&self, total: u64, expected: &str) -> Result<(), DataError> {
        match self.plain_size() {
            Some(size) if size != total => Err(self.size_error(size.to_string(), total, expected)),
            None if self.size.saturating_mul(MOST_EXPANSION) < total => {
                let found = format!("a gzip file of {}, which can't hold more than {},", self.size, {
                    self.size.saturating_mul(MOST_EXPANSION)
                });
                Err(self.size_error(found, total, expected))
            }
            _ => Ok(()),
        }
    }

    /// Takes `count` records of `size` bytes each, which end the file at `total` bytes, and hands them over one by one, in order.
    ///
    /// # Errors
    /// As [`Reader::fill`]; a file that ends earlier or goes on; what `each` refuses.
    pub fn records(
        &mut self,
        count: u32,
        size: usize,
        total: u64,
        expected: &str,
        mut each: impl FnMut(u32, &[u8]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let at_once = (BLOCK / size.max(1)).clamp(1, count.max(1) as usize);
        let mut block = vec![0; at_once * size];
        let mut next = 0;
        while next < count {
            let n = at_once.min((count - next) as usize);
            let wanted = &mut block[..n * size];
            if self.fill(wanted)? < wanted.len() {
                return Err(self.size_error(self.read.to_string(), total, expected));
            }
            for record in wanted.chunks_exact(size) {
                each(next, record)?;
                next += 1;
            }
        }
        // Reading on to the end also checks the gzip stream's checksum.
        match self.fill(&mut [0])? {
            0 => Ok(()),
            _ => Err(self.size_error(format!("more than {total}"), total, expected)),
        }
    }

    fn size_error(&self, found: String, total: u64, expected: &str) -> DataError {
        DataError::Size { path: self.path.clone(), found, expected: format!("{total} ({expected})") }
    }
}
