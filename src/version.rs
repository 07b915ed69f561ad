//! Which program this is: its version, and the commit that it was built from.
//!
//! The library doesn't hold the commit's name: it would be compiled anew after every commit. The binary does, and says it here before
//! anything else.

use std::sync::OnceLock;

/// The version.
pub const NUMBER: &str = env!("CARGO_PKG_VERSION");

static COMMIT: OnceLock<&str> = OnceLock::new();

/// Says which commit the program was built from; what was said first counts.
pub fn built_from(commit: &'static str) {
    // Said again, it is the same program still.
    let _ = COMMIT.set(commit);
}

/// The commit that the program was built from, as far as it has said so; else `unknown`.
pub fn commit() -> &'static str {
    COMMIT.get().copied().unwrap_or("unknown")
}

/// Version and commit, as `--version` prints them.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{NUMBER} (commit {})", commit()))
}

/// The commit that a file names: the last of git's log of what was checked out, a line `OLD NEW WHO WHEN WHAT` each, shortened to 12
/// digits; of another file the last line, `unknown` where it has none. It is read when the binary is compiled.
pub const fn commit_of(file: &'static [u8]) -> &'static str {
    let line = last_line(file);
    let digits = find(line, b' ');
    // Both names are of one length.
    let log = line.len() > 2 * digits + 1 && line[2 * digits + 1] == b' ' && digits >= SHOWN;
    let name = if log { line.split_at(digits + 1).1.split_at(SHOWN).0 } else { line };
    match std::str::from_utf8(name) {
        Ok(name) if !name.is_empty() => name,
        _ => "unknown",
    }
}

/// Digits of a commit's name that are shown.
const SHOWN: usize = 12;

/// The last line that isn't empty.
const fn last_line(text: &[u8]) -> &[u8] {
    let mut end = text.len();
    while end > 0 && text[end - 1] == b'\n' {
        end -= 1;
    }
    let mut start = end;
    while start > 0 && text[start - 1] != b'\n' {
        start -= 1;
    }
    text.split_at(end).0.split_at(start).1
}

/// Where a byte stands first; behind the text where it doesn't.
const fn find(text: &[u8], wanted: u8) -> usize {
    let mut place = 0;
    while place < text.len() && text[place] != wanted {
        place += 1;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_read_from_gits_log() {
        let log = b"0000000000000000000000000000000000000000 1111111111111111111111111111111111111111 A <a@b> 1 +0000\tclone\n\
            1111111111111111111111111111111111111111 0123456789abcdef0123456789abcdef01234567 \xff <a@b> 2 +0000\tcommit: x y\n";
        assert_eq!(commit_of(log), "0123456789ab");
        // Names of 64 digits.
        const LONG: &str = "0000000000000000000000000000000000000000000000000000000000000000 \
            fedcba98765432100000000000000000000000000000000000000000000000ab A <a@b> 1 +0000\tcommit";
        assert_eq!(commit_of(LONG.as_bytes()), "fedcba987654");
        for (file, name) in
            [("0123456789ab\n", "0123456789ab"), ("debug build", "debug build"), ("", "unknown"), ("\n", "unknown")]
        {
            assert_eq!(commit_of(file.as_bytes()), name);
        }
    }
}
