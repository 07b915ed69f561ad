//! The shape of a sample between layers, and how kernels see it.

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
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {}, {}]", self.c, self.h, self.w)
    }
}

/// How many channels the values of a sample are, and how many pixels each. A feature vector, or tokens, are channels of one pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image {
    /// Channels.
    pub channels: usize,
    /// Pixels of a channel.
    pub pixels: usize,
}

impl Image {
    /// Values in one order.
    pub fn flat(len: usize) -> Self {
        Self { channels: len, pixels: 1 }
    }

    /// Whether the values lie alike in each layout.
    pub fn is_flat(self) -> bool {
        self.channels == 1 || self.pixels == 1
    }
}

impl From<Shape> for Image {
    fn from(shape: Shape) -> Self {
        Self { channels: shape.c, pixels: shape.spatial() }
    }
}

/// Positions of a window along a side, an incomplete last one dropped; none where it doesn't fit once.
pub fn window(n: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    Some((n + 2 * padding).checked_sub(kernel)? / stride + 1)
}
