//! Ctrl-C: the first one asks the run to end after its round, the second ends the process at once.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::INTERRUPTED;
use super::say::say;

/// Set once someone asked for the end of the run.
static REQUESTED: AtomicBool = AtomicBool::new(false);
static INSTALLED: Once = Once::new();

/// Takes over Ctrl-C (and the signals that ask a process to end) from now on. Without this call they end the process as usual.
/// A run survives the second, immediate end too: all its files are written whole.
pub fn install() {
    install_saying(Some("ending after this round; press Ctrl-C again to stop at once"));
}

/// As [`install`], with another answer to the first Ctrl-C, or none.
pub fn install_saying(answer: Option<&'static str>) {
    INSTALLED.call_once(|| {
        let result = listen(move || {
            if REQUESTED.swap(true, Ordering::SeqCst) {
                std::process::exit(i32::from(INTERRUPTED));
            }
            answer.into_iter().for_each(say);
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

/// Calls `heard`, in a thread of its own, at each SIGINT, SIGTERM and SIGHUP; not at a SIGHUP that whoever started the process had it
/// ignore, as `nohup` does.
#[cfg(unix)]
fn listen(heard: impl Fn() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let hangup = (!is_ignored(SIGHUP)).then_some(SIGHUP);
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM].into_iter().chain(hangup))?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || signals.forever().for_each(|_| heard()))?;
    Ok(())
}

/// Whether the process ignores a signal.
#[cfg(unix)]
fn is_ignored(signal: libc::c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call changes nothing and only writes the present one to `action`, which is valid for it;
    // where it fails, `action` stays all zeros, a valid value (the default action).
    let action = unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Calls `heard`, in a thread of its own, at each Ctrl-C and at the end of the console.
#[cfg(not(unix))]
fn listen(heard: impl Fn() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(heard)
}
