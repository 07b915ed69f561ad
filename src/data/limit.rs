//! Which samples are kept, how many bytes they may take, and where.

use super::DataError;
use std::path::Path;

/// Bytes of a part that are held in memory; a larger one stays in its files where these can be read in any order.
pub const HELD: u64 = 256 << 20;
/// Bytes that the samples of a part may take in memory where they can't stay in their files: packed ones, tables.
const MOST_BYTES: u64 = 16 << 30;
/// The config's keys that keep fewer samples of a part.
const KEYS: [&str; 2] = ["data.train_limit", "data.test_limit"];

/// What is kept of a set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Of each class the first so many samples of the training and the test part; of 0 all.
    pub first: [u32; 2],
    /// Bytes of a part that are held in memory where it could stay in its files.
    pub held: u64,
}

impl Limits {
    /// All samples, in memory.
    #[cfg(test)]
    pub const NONE: Self = Self { first: [0, 0], held: u64::MAX };

    /// Those of these counts, in memory.
    #[cfg(test)]
    pub fn first(first: [u32; 2]) -> Self {
        Self { first, ..Self::NONE }
    }

    /// Whether `bytes` of samples, which can stay in their files, do.
    pub fn leaves(&self, bytes: u64) -> bool {
        bytes > self.held
    }
}

/// Refuses samples of part `part` (0: training, 1: test) that have to be held and take more bytes than that.
pub(super) fn check_held(path: &Path, bytes: u64, part: usize) -> Result<(), DataError> {
    if bytes <= MOST_BYTES {
        return Ok(());
    }
    let key = KEYS[part.min(1)];
    Err(DataError::TooLarge { path: path.to_owned(), bytes, most: MOST_BYTES, key })
}

/// Keeps the first samples of each class.
#[derive(Default)]
pub(super) struct FirstOfEach {
    limit: u32,
    seen: Vec<u32>,
}

impl FirstOfEach {
    /// The first `limit` of each class; all where it is 0.
    pub fn new(limit: u32) -> Self {
        Self { limit, seen: Vec::new() }
    }

    /// Whether the next sample, of this class, is kept.
    pub fn takes(&mut self, label: u32) -> bool {
        if self.limit == 0 {
            return true;
        }
        let label = label as usize;
        if label >= self.seen.len() {
            self.seen.resize(label + 1, 0);
        }
        let takes = self.seen[label] < self.limit;
        self.seen[label] += u32::from(takes);
        takes
    }
}
