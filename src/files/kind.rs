//! What a file is, told by its first bytes, for messages about a file that is something else than was expected.

use std::fmt;

/// Kinds of files that people hand in by mistake, or that need unpacking first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// gzip.
    Gzip,
    /// A tar archive.
    Tar,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// zstd.
    Zstd,
    /// A zip archive.
    Zip,
    /// What `torch.save` writes: a pickle in a zip archive.
    TorchZip,
    /// A pickle, as `torch.save` wrote before version 1.6 and other programs still do.
    Pickle,
    /// A NumPy array.
    Numpy,
    /// A NumPy archive.
    NumpyZip,
    /// HDF5, as Keras writes.
    Hdf5,
    /// What git shows of a file in Git LFS that was not fetched.
    LfsPointer,
    /// A web page.
    Html,
    /// JSON.
    Json,
    /// A Parquet file.
    Parquet,
    /// A safetensors file.
    Safetensors,
    /// No byte at all.
    Empty,
}

/// Bytes that [`Kind::of`] looks at.
pub const HEAD: usize = 512;

impl Kind {
    /// The kind of a file that starts with these bytes ([`HEAD`] of them, or all); `None` where it is none of these.
    pub fn of(head: &[u8]) -> Option<Self> {
        let starts = |magic: &[u8]| head.starts_with(magic);
        // The length of a safetensors header can look like other magic numbers, the brace behind it can't.
        let header = head.first_chunk().map_or(0, |&length| u64::from_le_bytes(length));
        if head.get(8) == Some(&b'{') && header < 1 << 40 {
            return Some(Self::Safetensors);
        }
        Some(match () {
            () if head.is_empty() => Self::Empty,
            () if starts(&[0x1f, 0x8b]) => Self::Gzip,
            () if starts(b"BZh") => Self::Bzip2,
            () if starts(&[0xfd, b'7', b'z', b'X', b'Z', 0]) => Self::Xz,
            () if starts(&[0x28, 0xb5, 0x2f, 0xfd]) => Self::Zstd,
            () if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => Self::of_zip(head),
            // Protocols 2 to 5; the opcode behind them starts an object of a few forms.
            () if matches!(head, [0x80, 2..=5, ..]) => Self::Pickle,
            () if starts(b"\x93NUMPY") => Self::Numpy,
            () if starts(b"PAR1") => Self::Parquet,
            () if starts(b"\x89HDF\r\n\x1a\n") => Self::Hdf5,
            () if head.get(257..262) == Some(b"ustar") => Self::Tar,
            () if starts(b"version https://git-lfs") => Self::LfsPointer,
            () => return Self::of_text(head),
        })
    }

    /// An archive's first file tells whose it is: bytes 26 and 27 are the length of its name, the name starts at 30.
    fn of_zip(head: &[u8]) -> Self {
        let length = head.get(26..28).map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
        let name = head.get(30..).and_then(|rest| rest.get(..length)).unwrap_or_default();
        if name.ends_with(b"/data.pkl") {
            Self::TorchZip
        } else if name.ends_with(b".npy") {
            Self::NumpyZip
        } else {
            Self::Zip
        }
    }

    fn of_text(head: &[u8]) -> Option<Self> {
        let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
        let tag = |tag: &[u8]| text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag));
        if tag(b"<!doctype") || tag(b"<html") || tag(b"<head") || tag(b"<?xml") {
            Some(Self::Html)
        } else if tag(b"{") || tag(b"[") {
            Some(Self::Json)
        } else {
            None
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "a gzip file",
            Self::Tar => "a tar archive",
            Self::Bzip2 => "a bzip2 file",
            Self::Xz => "an xz file",
            Self::Zstd => "a zstd file",
            Self::Zip => "a zip archive",
            Self::TorchZip => "a file of torch.save",
            Self::Pickle => "a pickle, as torch.save wrote before PyTorch 1.6",
            Self::Numpy => "a NumPy array",
            Self::NumpyZip => "a NumPy archive",
            Self::Hdf5 => "an HDF5 file",
            Self::LfsPointer => "a Git LFS pointer, not the file itself",
            Self::Html => "a web page",
            Self::Json => "JSON text",
            Self::Parquet => "a Parquet file",
            Self::Safetensors => "a safetensors file",
            Self::Empty => "an empty file",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        let zip = |name: &str| {
            let mut head = b"PK\x03\x04".to_vec();
            head.resize(26, 0);
            head.extend([name.len() as u8, 0, 0, 0]);
            head.extend(name.as_bytes());
            head
        };
        let mut tar = vec![0; 512];
        tar[..4].copy_from_slice(b"name");
        tar[257..262].copy_from_slice(b"ustar");
        for (head, kind) in [
            (b"\x1f\x8b\x08".to_vec(), Some(Kind::Gzip)),
            (zip("archive/data.pkl"), Some(Kind::TorchZip)),
            (zip("x.npy"), Some(Kind::NumpyZip)),
            (zip("x.txt"), Some(Kind::Zip)),
            (b"PK\x03\x04".to_vec(), Some(Kind::Zip)),
            (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(), Some(Kind::Pickle)),
            // A header of 640 bytes.
            (b"\x80\x02\0\0\0\0\0\0{\"a\"".to_vec(), Some(Kind::Safetensors)),
            (b"version https://git-lfs.github.com/spec/v1\n".to_vec(), Some(Kind::LfsPointer)),
            (b"\n <!DOCTYPE html>".to_vec(), Some(Kind::Html)),
            (b"{\n \"metadata\": {".to_vec(), Some(Kind::Json)),
            (b"\x93NUMPY\x01\0".to_vec(), Some(Kind::Numpy)),
            (tar, Some(Kind::Tar)),
            (Vec::new(), Some(Kind::Empty)),
            (b"PAR1\x15\0".to_vec(), Some(Kind::Parquet)),
            (b"\0\0\x08\x03".to_vec(), None),
            (b"seed = 1".to_vec(), None),
        ] {
            assert_eq!(Kind::of(&head), kind, "{head:?}");
        }
    }
}
