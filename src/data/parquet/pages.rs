//! What a Parquet file's pages say of their sizes, held against what is there before memory is taken for it: the library takes as much as a
//! damaged page claims.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};

/// Bytes that a packed one can become at most: gzip's 1032; of Snappy and LZ4 they are fewer.
const MOST_UNPACKED: u64 = 1032;
/// Zstandard has no such bound: pages of this size are believed.
const BELIEVED: u64 = 1 << 20;
/// No header is larger: its longest fields are the least and the greatest value of a page.
const MOST_HEADER: u64 = 1 << 20;
/// Structures within structures; a page's header has two.
const MOST_NESTED: u32 = 8;

/// Walks over the pages of a column in a row group, from byte `start` of a file up to `end`.
///
/// # Errors
/// A header that is none; a page that is larger than what it is packed into can become.
pub(super) fn check_sizes(file: &File, start: u64, end: u64) -> Result<()> {
    let mut reader = BufReader::with_capacity(1 << 10, file.try_clone()?);
    let mut at = start;
    while at < end {
        reader.seek(SeekFrom::Start(at))?;
        let mut header = Header { bytes: (&mut reader).take(MOST_HEADER.min(end - at)), read: 0, sizes: [0; 2] };
        header.structure(0)?;
        let (length, [unpacked, packed]) = (header.read, header.sizes);
        if unpacked > BELIEVED.max(packed.saturating_mul(MOST_UNPACKED)) {
            return Err(damaged(format!("a page of {unpacked} bytes is packed into {packed}")));
        }
        at = at.saturating_add(length).saturating_add(packed);
    }
    Ok(())
}

/// A page's header in Thrift's compact protocol.
struct Header<R> {
    bytes: R,
    /// So many so far.
    read: u64,
    /// Of the page, unpacked and packed: the header's fields 2 and 3.
    sizes: [u64; 2],
}

impl<R: Read> Header<R> {
    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.bytes.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged("a page's header holds an endless number".to_owned()))
    }

    fn skip(&mut self, length: u64) -> Result<()> {
        let skipped = std::io::copy(&mut self.bytes.by_ref().take(length), &mut std::io::sink())?;
        self.read += skipped;
        if skipped < length { Err(damaged("a page's header has no end".to_owned())) } else { Ok(()) }
    }

    /// A structure's fields up to its end.
    fn structure(&mut self, nested: u32) -> Result<()> {
        let mut id = 0u64;
        loop {
            let head = self.byte()?;
            let kind = head & 0x0f;
            if kind == 0 {
                return Ok(());
            }
            // The number of a field follows from the last one's, or stands behind.
            id = match u64::from(head >> 4) {
                0 => self.varint()? >> 1,
                more => id + more,
            };
            match (nested, id, kind) {
                // An i32, zigzag; the library refuses negative ones.
                (0, 2 | 3, 5) => self.sizes[id as usize - 2] = self.varint()? >> 1,
                // A boolean's kind is its value.
                (_, _, 1 | 2) => {}
                _ => self.value(kind, nested)?,
            }
        }
    }

    /// A value of a kind, passed over; of a list's boolean, a byte.
    fn value(&mut self, kind: u8, nested: u32) -> Result<()> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => self.varint().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 if nested < MOST_NESTED => {
                let head = self.byte()?;
                let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                (0..count).try_for_each(|_| self.element(head & 0x0f, nested + 1))
            }
            12 if nested < MOST_NESTED => self.structure(nested + 1),
            other => Err(damaged(format!("a page's header holds a field of kind {other}"))),
        }
    }

    fn element(&mut self, kind: u8, nested: u32) -> Result<()> {
        if kind == 0 {
            Err(damaged("a page's header holds a list of nothing".to_owned()))
        } else {
            self.value(kind, nested)
        }
    }
}

/// Pages whose values are no more than their bytes can hold.
pub(super) struct Checked {
    pub pages: Box<dyn PageReader>,
    /// Rows of the group: a value each.
    pub rows: u64,
    /// Whether values may be missing.
    pub nullable: bool,
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl Checked {
    fn check(&self, page: &Page) -> Result<()> {
        let values = u64::from(page.num_values());
        // A value of a dictionary has a byte at least.
        let most = if page.is_dictionary_page() { page.buffer().len() as u64 } else { self.rows };
        if values > most {
            return Err(damaged(format!("a page of {values} values, expected at most {most}")));
        }
        match self.lengths(page).filter(|&lengths| lengths > values) {
            Some(lengths) => Err(damaged(format!("a page of {values} values has the lengths of {lengths}"))),
            None => Ok(()),
        }
    }

    /// How many texts a page has the lengths of, where they stand before the texts: the third number of its values.
    fn lengths(&self, page: &Page) -> Option<u64> {
        if !matches!(page.encoding(), Encoding::DELTA_BYTE_ARRAY | Encoding::DELTA_LENGTH_BYTE_ARRAY) {
            return None;
        }
        let buffer: &[u8] = page.buffer();
        let levels = match page {
            // Of a column without lists: which values are missing, behind its own length.
            Page::DataPage { .. } if self.nullable => 4 + u32::from_le_bytes(*buffer.first_chunk()?) as usize,
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                *def_levels_byte_len as usize + *rep_levels_byte_len as usize
            }
            Page::DataPage { .. } | Page::DictionaryPage { .. } => 0,
        };
        let mut header = Header { bytes: buffer.get(levels..)?, read: 0, sizes: [0; 2] };
        (0..3).map(|_| header.varint().ok()).last()?
    }
}

fn damaged(message: String) -> ParquetError {
    ParquetError::General(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// A header as the format's writers make it: kind 0, these sizes, and a structure of numbers.
    fn header(unpacked: u64, packed: u64) -> Vec<u8> {
        let mut bytes = vec![0x15, 0];
        for mut size in [2 * unpacked, 2 * packed] {
            bytes.push(0x15);
            while size >= 0x80 {
                bytes.push(size as u8 | 0x80);
                size >>= 7;
            }
            bytes.push(size as u8);
        }
        // Field 5: values, encodings, and the statistics of field 5, of which 1 is a text, 3 a list and 4 a flag.
        bytes.extend([
            0x2c, 0x15, 8, 0x15, 0, 0x15, 6, 0x15, 6, 0x1c, 0x18, 3, b'a', b'b', b'c', 0x29, 0x25, 2, 4, 0x11, 0, 0, 0,
        ]);
        bytes
    }

    fn checked(pages: &[(u64, u64)]) -> Result<()> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"PAR1").unwrap();
        for &(unpacked, packed) in pages {
            file.write_all(&header(unpacked, packed)).unwrap();
            file.write_all(&vec![0xff; packed as usize]).unwrap();
        }
        let end = file.stream_position().unwrap();
        check_sizes(&file, 4, end)
    }

    #[test]
    fn a_page_is_no_larger_than_its_bytes_can_become() {
        checked(&[]).unwrap();
        checked(&[(100, 100), (1 << 20, 3), (2_000 * MOST_UNPACKED, 2_000)]).unwrap();
        for pages in [&[(2_000 * MOST_UNPACKED + 1, 2_000)][..], &[(100, 100), (i32::MAX as u64, 30)]] {
            assert!(checked(pages).unwrap_err().to_string().contains("is packed into"));
        }
    }

    #[test]
    fn what_is_no_header_ends() {
        let mut file = tempfile::tempfile().unwrap();
        // Structures within structures; then one that ends nowhere, and a list of nothing.
        for bytes in [
            &[0x1c; 5000][..],
            &header(9, 9)[..10],
            &[0x19, 0xf0, 0xff, 0xff, 0xff, 0x7f],
            &[0x18, 0xff, 0xff, 0x7f, 1],
        ] {
            file.set_len(0).unwrap();
            file.rewind().unwrap();
            file.write_all(bytes).unwrap();
            assert!(check_sizes(&file, 0, bytes.len() as u64).is_err(), "{bytes:?}");
        }
    }
}
