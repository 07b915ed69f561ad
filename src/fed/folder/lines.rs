//! Logs as lines of bytes, and how many of them are those that the run wrote.

use std::path::Path;

use super::FolderError;
use crate::files::sha256_hex;

/// The complete lines of a log's bytes, line ends included, and whether something without a line end follows them.
#[derive(Debug)]
pub struct Lines<'a> {
    /// Complete lines.
    pub complete: Vec<&'a [u8]>,
    /// A last line without its end is left out.
    pub torn: bool,
}

impl<'a> Lines<'a> {
    /// Of a log's bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        let complete = bytes.split_inclusive(|&b| b == b'\n').filter(|line| line.ends_with(b"\n")).collect();
        Self { complete, torn: bytes.last().is_some_and(|&b| b != b'\n') }
    }
}

/// How many of `lines` (the log's, from its line `first` on, 1-based) are those with these digests. A damaged last line doesn't count;
/// lines beyond the digests don't either.
///
/// # Errors
/// [`FolderError::Differs`]: a damaged line that isn't the last.
pub fn good<'d>(
    path: &Path,
    lines: &[&[u8]],
    first: usize,
    digests: impl Iterator<Item = &'d str>,
) -> Result<usize, FolderError> {
    let mut count = 0;
    for (line, expected) in lines.iter().zip(digests) {
        let found = sha256_hex(line);
        if found != expected {
            if count + 1 == lines.len() {
                break;
            }
            let what = format!("line {}", first + count);
            let of = |digest: &str| format!("SHA-256 {digest}");
            let (expected, found) = (of(expected), of(&found));
            return Err(FolderError::Differs { path: path.to_owned(), what, expected, found });
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_last_line_may_be_damaged() {
        let bytes = b"one\ntwo\nthree\n";
        let lines = Lines::of(bytes).complete;
        let digests: Vec<String> = lines.iter().map(|line| sha256_hex(line)).collect();
        let count = |lines: &[&[u8]], digests: &[String]| {
            good(Path::new("log"), lines, 2, digests.iter().map(String::as_str)).map_err(|e| e.to_string())
        };
        assert_eq!(count(&lines, &digests), Ok(3));
        assert_eq!(count(&lines, &digests[..1]), Ok(1));
        assert_eq!(count(&lines[..2], &digests), Ok(2));
        assert_eq!(count(&[lines[0], lines[1], b"thr3e\n"], &digests), Ok(2));
        let text = count(&[lines[0], b"tw0\n", lines[2]], &digests).unwrap_err();
        assert!(text.starts_with("log: line 3: expected SHA-256 "), "{text}");
        let torn = Lines::of(&bytes[..12]);
        assert!(torn.torn && torn.complete.len() == 2);
    }
}
