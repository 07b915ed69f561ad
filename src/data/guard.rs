//! Panics of a library at what a damaged file says: they are that file's error.

/// The name of the threads that read such files.
const READER: &str = "reader of a data file";

/// Whether a panic of this thread becomes an error of the file that it reads: a program's panic hook may be silent then, as that of the command
/// line is.
pub fn is_guarded() -> bool {
    std::thread::current().name() == Some(READER)
}

/// What `read` gives, on a thread of its own, which alone ends where it panics.
///
/// # Errors
/// What to say of a file at which it panics, or that no thread can be had.
#[cfg(feature = "parquet")]
pub(super) fn caught<T: Send>(read: impl FnOnce() -> T + Send) -> Result<T, String> {
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name(READER.to_owned()).spawn_scoped(scope, read);
        reader.map_err(|e| format!("no thread to read it: {e}"))?.join().map_err(|_| "damaged".to_owned())
    })
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_known_to_be() {
        assert_eq!((caught(|| (is_guarded(), 3)), is_guarded()), (Ok((true, 3)), false));
        let nested = caught(|| (caught(|| [0; 1][std::hint::black_box(1)]), is_guarded()));
        assert_eq!((nested, is_guarded()), (Ok((Err("damaged".to_owned()), true)), false));
    }
}
