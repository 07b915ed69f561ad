//! A partition of the training samples.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// A partition of the training samples. Each index occurs at most once, in a client or in `leftover`; lists are ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Number of classes.
    pub classes: u32,
    /// Indices into the training samples (as loaded, after the limits, in file order), for each client.
    pub clients: Vec<Vec<u32>>,
    /// Whether each client has high resources.
    pub high: Vec<bool>,
    /// Samples of each class, for each client.
    pub histograms: Vec<Vec<u32>>,
    /// Samples that no client has.
    pub leftover: Vec<u32>,
    /// Where the set has no split of its own: indices of the test samples in the original file.
    pub test: Option<Vec<u32>>,
}

impl Split {
    /// Indices of the high-resource clients, ascending.
    pub fn high_clients(&self) -> Vec<u32> {
        (0..self.high.len() as u32).filter(|&c| self.high[c as usize]).collect()
    }

    /// Indices of the low-resource clients, ascending.
    pub fn low_clients(&self) -> Vec<u32> {
        (0..self.high.len() as u32).filter(|&c| !self.high[c as usize]).collect()
    }

    /// SHA-256, in hex, of the partition as ASCII text: a line `high` or `low` for each client, then a line `leftover`, then,
    /// where there are test indices, a line `test`; each word followed by its indices, a space before each, and each line by
    /// a line feed.
    pub fn sha256(&self) -> String {
        let named = self.high.iter().map(|&high| if high { "high" } else { "low" }).zip(&self.clients);
        let rest = [("leftover", &self.leftover)].into_iter().chain(self.test.as_ref().map(|test| ("test", test)));
        let mut hash = Sha256::new();
        for (word, indices) in named.chain(rest) {
            let mut line = word.to_owned();
            for index in indices {
                // Writing to a String cannot fail.
                let _ = write!(line, " {index}");
            }
            line.push('\n');
            hash.update(line.as_bytes());
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Samples of each class among those of a list.
pub(super) fn histogram(list: &[u32], labels: &[u32], classes: u32) -> Vec<u32> {
    let mut counts = vec![0; classes as usize];
    list.iter().for_each(|&i| counts[labels[i as usize] as usize] += 1);
    counts
}
