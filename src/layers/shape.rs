//! The shape of a sample between layers, and what a layer makes of it.

use std::fmt;

/// The shape of a sample between layers; a feature vector is `[features, 1, 1]`. Row-major `[c, h, w]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels or features.
    pub c: usize,
    /// Height.
    pub h: usize,
    /// Width.
    pub w: usize,
}

impl Shape {
    /// A feature vector.
    pub const fn features(n: usize) -> Self {
        Self { c: n, h: 1, w: 1 }
    }

    /// Number of values.
    pub const fn len(self) -> usize {
        self.c * self.h * self.w
    }

    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// `[c, h, w]`, of a vector `[features]`.
    pub fn sides(self) -> Vec<usize> {
        if self.spatial() == 1 { vec![self.c] } else { vec![self.c, self.h, self.w] }
    }

    /// `h * w`.
    pub const fn spatial(self) -> usize {
        self.h * self.w
    }

    /// Whether the values lie alike in each layout.
    pub const fn is_flat(self) -> bool {
        self.c == 1 || self.spatial() == 1
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}]", self.c, self.h, self.w)
    }
}

/// What a layer reads of a sample and what it gives, as its kernels see it. Of tokens, and where kernels know a value's place among all of them,
/// that is a feature vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    /// So many values, each by itself, wherever it lies: in any shape, which stays.
    Any(usize),
    /// One shape, and the one that it becomes.
    Of(Shape, Shape),
}

impl Images {
    /// So many values in one order, and what they become in another one.
    pub const fn flat(before: usize, after: usize) -> Self {
        Self::Of(Shape::features(before), Shape::features(after))
    }

    /// Values of a sample before and after.
    pub const fn lens(self) -> [usize; 2] {
        match self {
            Self::Any(len) => [len, len],
            Self::Of(before, after) => [before.len(), after.len()],
        }
    }
}

/// Positions of a window along a side, an incomplete last one dropped; none where it doesn't fit once.
pub fn window(n: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    Some((n + 2 * padding).checked_sub(kernel)? / stride + 1)
}
