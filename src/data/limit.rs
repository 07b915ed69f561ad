//! Which samples are kept, and how many bytes they may take.

/// Bytes that the samples of a part may take in memory. ImageNet at 32 x 32 has 3.7 GiB.
pub(super) const MOST_BYTES: u64 = 16 << 30;

/// Keeps the first samples of each class.
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
