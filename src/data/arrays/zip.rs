//! The members of a zip archive, stored or deflated, with the 64-bit fields of large ones. What it doesn't take: encryption, other
//! methods, archives in several files.

use crate::data::DataError;
use crate::data::file::{Reader, read_error};
use crate::files::Source;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes of the longest end record: 22 and a comment.
const END: u64 = 22 + 0xffff;
/// Bytes of a table of members that are read; an archive of arrays has few.
const TABLE: u64 = 1 << 20;
/// Bytes that one byte of a deflated member can become.
const MOST_EXPANSION: u64 = 1032;

/// A member of an archive.
#[derive(Debug)]
pub(super) struct Member {
    pub name: String,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its own header begins.
    at: u64,
}

/// An archive whose table of members was read.
pub(super) struct Archive {
    path: PathBuf,
    bytes: u64,
    pub members: Vec<Member>,
}

/// The little-endian number of `N` bytes at `at`.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..)?.first_chunk::<N>()?;
    Some(field.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)))
}

impl Archive {
    /// Reads the table of an archive.
    ///
    /// # Errors
    /// A file that can't be read or is no whole zip archive.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let source = Source::open(path).map_err(read_error)?;
        let (bytes, mut file) = (source.bytes(), source.into_file());
        let damaged = |message: &str| container(path, message.to_owned());
        let mut piece = |at: u64, length: u64| {
            let mut piece = Vec::new();
            let read = file.seek(SeekFrom::Start(at)).and_then(|_| (&mut file).take(length).read_to_end(&mut piece));
            read.map(|_| piece).map_err(|source| DataError::Read { path: path.to_owned(), source })
        };
        let from = bytes.saturating_sub(END);
        let tail = piece(from, END)?;
        let end = (0..tail.len().saturating_sub(21)).rev().find(|&at| {
            tail[at..].starts_with(b"PK\x05\x06")
                && number::<2>(&tail, at + 20).is_some_and(|comment| at as u64 + 22 + comment == tail.len() as u64)
        });
        let end = end.ok_or_else(|| damaged("no end record; it is cut off, download or copy it again"))?;
        let field = |at: usize| number::<4>(&tail, end + at).unwrap_or(0);
        let (mut length, mut start) = (field(12), field(16));
        if length == 0xffff_ffff || start == 0xffff_ffff {
            let locator = end.checked_sub(20).filter(|&at| tail[at..].starts_with(b"PK\x06\x07"));
            let at =
                locator.and_then(|at| number::<8>(&tail, at + 8)).ok_or_else(|| damaged("no 64-bit end record"))?;
            let record = piece(at, 56)?;
            let fields =
                record.starts_with(b"PK\x06\x06").then(|| number::<8>(&record, 40).zip(number::<8>(&record, 48)));
            (length, start) = fields.flatten().ok_or_else(|| damaged("no 64-bit end record"))?;
        }
        if length > TABLE {
            return Err(damaged("more members than an archive of arrays has"));
        }
        let table = piece(start, length)?;
        let members = members(&table).ok_or_else(|| damaged("its table of members is broken"))?;
        Ok(Self { path: path.to_owned(), bytes, members })
    }

    /// A reader of a member's content, which checks its length and its CRC at the end, and where a stored one's first byte is.
    ///
    /// # Errors
    /// A member that can't be there, or is of a kind that is not read.
    pub fn open_member(&self, member: &Member) -> Result<(Reader, Option<u64>), DataError> {
        let Member { name, method, packed, size, .. } = member;
        let damaged = |message: String| container(&self.path, format!("member {name}: {message}"));
        let most = match method {
            0 => *packed,
            8 => packed.saturating_mul(MOST_EXPANSION),
            other => {
                return Err(damaged(format!(
                    "packed by method {other}, expected stored or deflated: np.savez or np.savez_compressed"
                )));
            }
        };
        let mut file = Source::open(&self.path).map_err(read_error)?.into_file();
        let mut head = [0; 30];
        let read = file.seek(SeekFrom::Start(member.at)).and_then(|_| file.read_exact(&mut head));
        read.map_err(|_| damaged("its header is missing".to_owned()))?;
        let lengths = number::<2>(&head, 26).zip(number::<2>(&head, 28));
        let (true, Some((of_name, of_extra))) = (head.starts_with(b"PK\x03\x04"), lengths) else {
            return Err(damaged("its header is broken".to_owned()));
        };
        let start = member.at.saturating_add(30 + of_name + of_extra);
        if start.saturating_add(*packed) > self.bytes || *size > most || (*method == 0 && size != packed) {
            return Err(damaged(format!("{size} bytes packed into {packed} at byte {start} of {}", self.bytes)));
        }
        file.seek(SeekFrom::Start(start)).map_err(|source| DataError::Read { path: self.path.clone(), source })?;
        let packed = BufReader::with_capacity(1 << 16, file.take(*packed));
        let content =
            if *method == 0 { Content::Stored(packed) } else { Content::Deflated(DeflateDecoder::new(packed)) };
        let content = Checked { content, crc: Crc::new(), expected: member.crc, name: name.clone() };
        Ok((Reader::of(&self.path, content, *size, &[]), (*method == 0).then_some(start)))
    }
}

fn container(path: &Path, message: String) -> DataError {
    DataError::Container { path: path.to_owned(), what: "zip archive", message }
}

/// The rows of the table, `None` where it is broken.
fn members(table: &[u8]) -> Option<Vec<Member>> {
    let (mut members, mut at) = (Vec::new(), 0);
    while at < table.len() {
        let row = table.get(at..)?;
        if !row.starts_with(b"PK\x01\x02") {
            return None;
        }
        let [of_name, of_extra, of_comment] = [28, 30, 32].map(|field| number::<2>(row, field));
        let (of_name, of_extra, of_comment) = (of_name? as usize, of_extra? as usize, of_comment? as usize);
        let name = row.get(46..46 + of_name)?;
        let extra = row.get(46 + of_name..46 + of_name + of_extra)?;
        // A broken extra field gives sizes that don't fit, which opening the member finds.
        let mut large = large_fields(extra);
        let mut field = |at| {
            let short = number::<4>(row, at)?;
            if short == 0xffff_ffff { large.next() } else { Some(short) }
        };
        let (size, packed, header) = (field(24)?, field(20)?, field(42)?);
        let encrypted = number::<2>(row, 8)? & 1 == 1;
        members.push(Member {
            name: String::from_utf8_lossy(name).into_owned(),
            // No method has this number.
            method: if encrypted { 0xffff } else { number::<2>(row, 10)? as u16 },
            crc: number::<4>(row, 16)? as u32,
            packed,
            size,
            at: header,
        });
        at += 46 + of_name + of_extra + of_comment;
    }
    Some(members)
}

/// The 64-bit numbers that stand for those too large for 32 bits.
fn large_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut found = Vec::new();
    while let Some((id, length)) = number::<2>(extra, 0).zip(number::<2>(extra, 2)) {
        let content = extra.get(4..4 + length as usize).unwrap_or_default();
        if id == 1 {
            found = (0..content.len() / 8).filter_map(|i| number::<8>(content, 8 * i)).collect();
        }
        extra = extra.get(4 + length as usize..).unwrap_or_default();
    }
    found.into_iter()
}

enum Content {
    Stored(BufReader<std::io::Take<File>>),
    Deflated(DeflateDecoder<BufReader<std::io::Take<File>>>),
}

/// A member's content, compared with its CRC at the end.
struct Checked {
    content: Content,
    crc: Crc,
    expected: u32,
    name: String,
}

impl Read for Checked {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = match &mut self.content {
            Content::Stored(source) => source.read(into),
            Content::Deflated(source) => source.read(into),
        };
        let damaged = |message: &dyn std::fmt::Display| {
            Error::new(ErrorKind::InvalidData, format!("member {} of the zip archive is damaged: {message}", self.name))
        };
        match read {
            Ok(0) if !into.is_empty() && self.crc.sum() != self.expected => Err(damaged(&"another CRC")),
            Ok(n) => {
                self.crc.update(&into[..n]);
                Ok(n)
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => Err(e),
            Err(e) => Err(damaged(&e)),
        }
    }
}
