//! Ctrl-C: the first one asks the run to end after its round, the second ends the process at once.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::INTERRUPTED;

/// Set once someone asked for the end of the run.
static REQUESTED: AtomicBool = AtomicBool::new(false);
static INSTALLED: Once = Once::new();

/// Takes over Ctrl-C (and the signals that ask a process to end) from now on. Without this call they end the process as usual.
/// A run survives the second, immediate end too: all its files are written whole.
pub fn install() {
    INSTALLED.call_once(|| {
        let result = ctrlc::set_handler(|| {
            if REQUESTED.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(INTERRUPTED));
            }
            eprintln!("ending after this round; press Ctrl-C again to stop at once");
        });
        if let Err(error) = result {
            tracing::warn!("Ctrl-C will end the run in the middle of a round: {error}");
        }
    });
}

/// Whether someone asked for the end. Asked after each round.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}
