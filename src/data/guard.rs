//! Panics of a library at what a damaged file says: they are that file's error.

#[cfg(feature = "parquet")]
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Whether a panic of this thread is caught, and told as an error of the file that it reads: a program's panic hook may be silent then, as that of
/// the command line is.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// What `read` gives; none where it panics.
#[cfg(feature = "parquet")]
pub(super) fn caught<T>(read: impl FnOnce() -> T) -> Option<T> {
    let before = GUARDED.replace(true);
    // Nothing that it changes is used after a panic: the error ends the reading.
    let caught = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(before);
    caught.ok()
}

#[cfg(all(test, feature = "parquet"))]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_and_known_to_be() {
        assert_eq!((caught(|| (is_guarded(), 3)), is_guarded()), (Some((true, 3)), false));
        let nested = caught(|| (caught(|| [0; 1][std::hint::black_box(1)]), is_guarded()));
        assert_eq!((nested, is_guarded()), (Some((None, true)), false));
    }
}
