//! The folder of the user in which programs keep what they can make again.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by the command line for the whole process.
static FORBIDDEN: AtomicBool = AtomicBool::new(false);

/// From now on nothing is kept, and nothing that was kept is read.
pub fn forbid() {
    FORBIDDEN.store(true, Ordering::Relaxed);
}

/// Where this program may keep things: `zowarmup` in the user's cache folder. `None` where there is no such folder, where
/// `ZOWARMUP_NO_CACHE` is set to anything but `0`, or after [`forbid`].
pub fn folder() -> Option<PathBuf> {
    if FORBIDDEN.load(Ordering::Relaxed) {
        return None;
    }
    of(|name| std::env::var_os(name))
}

fn of(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if set("ZOWARMUP_NO_CACHE").is_some_and(|value| value != "0") {
        return None;
    }
    let absolute = |name: &str| set(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = |below: &str| absolute("HOME").map(|home| home.join(below));
    let folder = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("XDG_CACHE_HOME").or_else(|| home("Library/Caches"))
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| home(".cache"))
    };
    folder.map(|folder| folder.join("zowarmup"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_folder_follows_the_environment() {
        let with = |pairs: &'static [(&'static str, &'static str)]| {
            of(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value)))
        };
        assert_eq!(with(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), Some(PathBuf::from("/c/zowarmup")));
        assert_eq!(with(&[("XDG_CACHE_HOME", "/c"), ("ZOWARMUP_NO_CACHE", "0")]), Some(PathBuf::from("/c/zowarmup")));
        assert_eq!(with(&[("XDG_CACHE_HOME", "/c"), ("ZOWARMUP_NO_CACHE", "1")]), None);
        // A relative folder would follow the working directory.
        assert_eq!(with(&[("XDG_CACHE_HOME", "c")]), None);
        assert!(with(&[("XDG_CACHE_HOME", ""), ("HOME", "/h")]).is_some_and(|path| path.starts_with("/h")));
        assert_eq!(with(&[]), None);
    }
}
