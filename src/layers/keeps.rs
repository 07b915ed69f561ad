//! What the passes of a layer keep beside their outputs.

/// f32 for each row of a chunk and for each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// A row (sample).
    pub row: usize,
    /// A lane.
    pub lane: usize,
}

impl Footprint {
    /// Bytes for so many rows and lanes.
    pub fn bytes(self, rows: u64, lanes: u64) -> u64 {
        (4 * (rows * self.row as u64 + lanes * self.lane as u64)).max(4)
    }

    /// Values for one row of one lane.
    pub fn values(self) -> usize {
        self.row + self.lane
    }

    /// The larger of two, each way.
    pub fn max(self, other: Self) -> Self {
        Self { row: self.row.max(other.row), lane: self.lane.max(other.lane) }
    }
}

/// What a layer's passes keep beside their outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeps {
    /// For the backward pass: means and reciprocal deviations of norms, log-sum-exps of attention.
    pub saved: Footprint,
    /// Between a norm's two kernels: its factors and addends.
    pub coefficients: Footprint,
    /// A batch norm's (mean, unbiased variance) of each channel.
    pub moments: Footprint,
}

impl Keeps {
    /// Values for one row of one lane.
    pub fn values(self) -> usize {
        self.saved.values() + self.coefficients.values() + self.moments.values()
    }

    /// The larger of two, each way.
    pub fn max(self, other: Self) -> Self {
        Self {
            saved: self.saved.max(other.saved),
            coefficients: self.coefficients.max(other.coefficients),
            moments: self.moments.max(other.moments),
        }
    }
}
