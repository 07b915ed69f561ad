//! Which class's row of a model's classifier a parameter belongs to (`shaders/lib/layers.wgsl:class_rows`).

/// Where the classifier's tensors lie in the flat vector; lengths of 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassRows {
    /// Offset of the weight, a row a class.
    pub weight_first: u32,
    /// Its length.
    pub weight_len: u32,
    /// f32 of a row; at least 1.
    pub row: u32,
    /// Offset of the bias.
    pub bias_first: u32,
    /// Its length.
    pub bias_len: u32,
}

impl ClassRows {
    /// Of a model without a classifier.
    pub const NONE: Self = Self { weight_first: 0, weight_len: 0, row: 1, bias_first: 0, bias_len: 0 };

    /// The class of the parameter `index`; none where it isn't the classifier's.
    pub fn class_of(&self, index: u32) -> Option<u32> {
        let weight = index.checked_sub(self.weight_first).filter(|w| *w < self.weight_len).map(|w| w / self.row);
        weight.or_else(|| index.checked_sub(self.bias_first).filter(|b| *b < self.bias_len))
    }
}
