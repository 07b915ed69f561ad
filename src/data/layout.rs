//! How a sample lies in a file: channels first or last.

/// How a file's samples lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// `[c, h, w]`.
    pub shape: [usize; 3],
    /// In the file a pixel's channels lie side by side.
    pub channels_last: bool,
}

impl Layout {
    /// Of images of these dimensions. Of three, the channels are the first one or the last, whichever is 1 or 3; the first where both are.
    pub fn of(dims: &[usize]) -> Option<Self> {
        let layout = |shape, channels_last| Some(Self { shape, channels_last });
        match *dims {
            [h, w] => layout([1, h, w], false),
            [c @ (1 | 3), h, w] => layout([c, h, w], false),
            [h, w, c @ (1 | 3)] => layout([c, h, w], true),
            _ => None,
        }
    }

    /// Of samples of these dimensions: images as [`Layout::of`] takes them, else features, or channels of images first.
    pub fn of_samples(dims: &[usize]) -> Option<Self> {
        let first = |shape| Some(Self { shape, channels_last: false });
        match *dims {
            _ if dims.contains(&0) => None,
            [d] => first([d, 1, 1]),
            [c, h, w] => Self::of(dims).or_else(|| first([c, h, w])),
            _ => Self::of(dims),
        }
    }

    /// As messages name it.
    pub fn text(&self) -> String {
        match self.shape {
            [1, h, w] => format!("{h} x {w}"),
            [c, h, w] => format!("{h} x {w} in {c} channels"),
        }
    }

    /// Appends a sample, channels first.
    pub fn append<T: Copy>(&self, sample: &[T], values: &mut Vec<T>) {
        let [channels, ..] = self.shape;
        if self.channels_last {
            (0..channels).for_each(|c| values.extend(sample.iter().skip(c).step_by(channels)));
        } else {
            values.extend_from_slice(sample);
        }
    }
}
