//! Messages on standard error. One that cannot be written (a closed pipe, a full disk, a terminal that is gone) is lost: there is
//! nobody left to tell, and the work and its exit status don't depend on it.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line to standard error. This and [`Stderr`] are the only ways there.
pub fn say(message: impl Display) {
    let _ = writeln!(Stderr, "{message}");
}

/// Standard error as a writer that never fails.
#[derive(Clone, Copy, Debug)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn write_fmt(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        // Under one lock, so that lines of several threads don't mix.
        let _ = io::stderr().lock().write_fmt(text);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
