//! gzip streams as gzip itself takes them: several members one after another, zeros behind the last.

use flate2::bufread::GzDecoder;
use std::io::{BufRead, Error, ErrorKind, Read, Result};

/// Decodes all members of a gzip file.
pub(super) struct Members<R: BufRead> {
    state: State<R>,
}

enum State<R: BufRead> {
    Inside(GzDecoder<R>),
    /// Behind the last member.
    Done,
}

impl<R: BufRead> Members<R> {
    /// Starts at the first member.
    pub fn new(source: R) -> Self {
        Self { state: State::Inside(GzDecoder::new(source)) }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        loop {
            let State::Inside(member) = &mut self.state else { return Ok(0) };
            let n = member.read(into)?;
            if n > 0 {
                return Ok(n);
            }
            let State::Inside(member) = std::mem::replace(&mut self.state, State::Done) else { return Ok(0) };
            if let Some(rest) = behind(member.into_inner())? {
                self.state = State::Inside(GzDecoder::new(rest));
            }
        }
    }
}

/// What stands behind a member: the source at another one, or `None` at the end, zeros before it passed over.
fn behind<R: BufRead>(mut source: R) -> Result<Option<R>> {
    let mut padded = false;
    loop {
        let bytes = source.fill_buf()?;
        match bytes.iter().position(|&b| b != 0) {
            _ if bytes.is_empty() => return Ok(None),
            Some(0) if bytes[0] == 0x1f && !padded => return Ok(Some(source)),
            Some(_) => return Err(Error::new(ErrorKind::InvalidData, "other bytes behind the end of the gzip stream")),
            None => {
                padded = true;
                let n = bytes.len();
                source.consume(n);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Write};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn decode(bytes: &[u8], buffer: usize) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        Members::new(BufReader::with_capacity(buffer, bytes)).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn members_and_padding_are_taken_as_gzip_takes_them() {
        let (one, two) = (gzip(b"one"), gzip(b"two"));
        for buffer in [1, 2, 7, 4096] {
            assert_eq!(decode(&one, buffer).unwrap(), b"one");
            assert_eq!(decode(&[&one[..], &two].concat(), buffer).unwrap(), b"onetwo");
            assert_eq!(decode(&[&one[..], &[0; 5000]].concat(), buffer).unwrap(), b"one");
            for bad in [[&one[..], b"x"].concat(), [&one[..], &[0], &two].concat(), [&one[..], &[0, 0, 7]].concat()] {
                assert!(decode(&bad, buffer).is_err());
            }
            assert!(decode(&one[..one.len() - 1], buffer).is_err());
        }
    }
}
