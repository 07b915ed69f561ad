//! The name of a run's folder where none is given.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::config::Config;

/// `runs/NAME-SEED-TIME` below the current folder, TIME in UTC as `20260131-235959`; a number is appended where that exists.
pub fn default_path(config: &Config) -> PathBuf {
    let time = timestamp(SystemTime::now());
    unused(&Path::new("runs").join(format!("{}-{}-{time}", config.name, config.seed)))
}

/// The path, with a number appended where it exists already.
fn unused(first: &Path) -> PathBuf {
    let mut path = first.to_owned();
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = first.to_owned();
        path.as_mut_os_string().push(format!("-{number}"));
    }
    path
}

/// A time in UTC as `20260131-235959`.
pub fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years; a year that starts in March has its leap day last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    format!("{year:04}{month:02}{of_month:02}-{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn default_names_are_numbered_where_taken() {
        let dir = tempfile::tempdir().unwrap();
        let first = dir.path().join("digits-0-20260131-000000");
        assert_eq!(unused(&first), first);
        std::fs::create_dir(&first).unwrap();
        std::fs::create_dir(unused(&first)).unwrap();
        assert!(unused(&first).to_string_lossy().ends_with("-000000-3"));
    }

    #[test]
    fn timestamps() {
        let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "19700101-000000");
        // 2000-02-29, 2026-11-22 and 2100-03-01 (no leap day in 2100), by `date -u -d @...`.
        assert_eq!(at(951_782_400), "20000229-000000");
        assert_eq!(at(1_795_390_184), "20261122-232944");
        assert_eq!(at(4_107_542_400), "21000301-000000");
        assert_eq!(at(4_107_542_399), "21000228-235959");
    }
}
