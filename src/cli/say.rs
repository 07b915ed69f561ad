//! Messages on standard error. One that cannot be written (a closed pipe, a full disk, a terminal that is gone) is lost: there is
//! nobody left to tell, and the work and its exit status don't depend on it.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;

/// `--quiet`: errors and warnings only.
static QUIET: AtomicBool = AtomicBool::new(false);

/// The bar that stands on the terminal's last line, which messages go above.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Writes a line to standard error. This and [`Stderr`] are the only ways there.
pub fn say(message: impl Display) {
    let _ = writeln!(Stderr, "{message}");
}

/// As [`say`], of what `--quiet` leaves out: how the work goes, where things are.
pub fn note(message: impl Display) {
    if !is_quiet() {
        say(message);
    }
}

/// Leaves notes and progress out from now on.
pub fn set_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Whether notes and progress are left out.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Messages go above this bar, until [`detach`].
pub fn attach(bar: &ProgressBar) {
    if let Ok(mut attached) = BAR.lock() {
        *attached = (!bar.is_hidden()).then(|| bar.clone());
    }
}

/// There is no bar any more.
pub fn detach() {
    if let Ok(mut attached) = BAR.lock() {
        *attached = None;
    }
}

/// Writes with the bar out of the way.
fn aside(write: impl FnOnce()) {
    let bar = BAR.lock().ok().and_then(|bar| bar.clone());
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Standard error as a writer that never fails.
#[derive(Clone, Copy, Debug)]
pub struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        aside(|| {
            let _ = io::stderr().write_all(bytes);
        });
        Ok(bytes.len())
    }

    fn write_fmt(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        // Under one lock, so that lines of several threads don't mix.
        aside(|| {
            let _ = io::stderr().lock().write_fmt(text);
        });
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
