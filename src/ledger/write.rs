//! Writing a ledger round by round: each line is synced before it counts.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::types::{Header, Round};
use super::{Ledger, LedgerError, validate};
use crate::files::{FileError, write_whole};

/// An open ledger that rounds are appended to.
#[derive(Debug)]
pub struct LedgerWriter {
    path: PathBuf,
    file: File,
    header: Header,
    last: Option<u32>,
}

impl LedgerWriter {
    /// Starts a ledger with its header.
    ///
    /// # Errors
    /// A header that breaks the format; a file that exists or can't be written.
    pub fn create(path: &Path, header: Header) -> Result<Self, LedgerError> {
        validate::header(&header).map_err(|message| LedgerError::Refused { path: path.to_owned(), message })?;
        if path.exists() {
            return Err(FileError::of(path, "create")(ErrorKind::AlreadyExists.into()).into());
        }
        // Whole or not at all: a ledger that exists has its header.
        write_whole(path, &line_of(path, &header)?)?;
        let file = OpenOptions::new().append(true).open(path).map_err(FileError::of(path, "open"))?;
        Ok(Self { path: path.to_owned(), file, header, last: None })
    }

    /// Goes on with a ledger after its first `keep` rounds; what follows them, a torn last line too, is cut off.
    ///
    /// # Errors
    /// As [`Ledger::read`]; fewer than `keep` complete rounds; a file that can't be written.
    pub fn reopen(path: &Path, keep: usize) -> Result<Self, LedgerError> {
        let ledger = Ledger::read(path)?;
        let Some(&end) = ledger.line_ends.get(keep) else {
            let message =
                format!("expected at least {keep} complete rounds to go on from, found {}", ledger.rounds.len());
            return Err(LedgerError::Refused { path: path.to_owned(), message });
        };
        let mut file = OpenOptions::new().write(true).open(path).map_err(FileError::of(path, "open"))?;
        file.set_len(end)
            .and_then(|()| file.seek(SeekFrom::End(0)))
            .and_then(|_| file.sync_all())
            .map_err(FileError::of(path, "cut"))?;
        let last = ledger.rounds[..keep].last().map(|r| r.round);
        Ok(Self { path: path.to_owned(), file, header: ledger.header, last })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Appends a round and syncs it. The line reaches the file in one write; it is returned, line end included.
    ///
    /// # Errors
    /// A round that breaks the format (nothing is written); a file that can't be written.
    pub fn append(&mut self, round: &Round) -> Result<Vec<u8>, LedgerError> {
        validate::round(&self.header, self.last, round)
            .map_err(|message| LedgerError::Refused { path: self.path.clone(), message })?;
        let line = line_of(&self.path, round)?;
        self.put(&line)?;
        self.last = Some(round.round);
        Ok(line)
    }

    fn put(&mut self, line: &[u8]) -> Result<(), LedgerError> {
        self.file
            .write_all(line)
            .and_then(|()| self.file.flush())
            .and_then(|()| self.file.sync_data())
            .map_err(FileError::of(&self.path, "write"))?;
        Ok(())
    }
}

fn line_of<T: Serialize>(path: &Path, value: &T) -> Result<Vec<u8>, LedgerError> {
    let mut line = serde_json::to_vec(value)
        .map_err(|e| LedgerError::Refused { path: path.to_owned(), message: e.to_string() })?;
    line.push(b'\n');
    Ok(line)
}
