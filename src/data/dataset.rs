//! A data set.

use super::{Clients, DataError, Normalisation, Part, Rows};

/// A data set: in memory, or as far as it is large in its files.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Its name in configs.
    pub name: String,
    /// `[c, h, w]` of a sample.
    pub shape: [usize; 3],
    /// Number of classes.
    pub classes: u32,
    /// Training samples, after the limit.
    pub train: Part,
    /// Test samples, after the limit.
    pub test: Part,
    /// How bytes become values.
    pub normalisation: Normalisation,
    /// Where the set has no split of its own: indices of the test samples in the original file.
    pub test_indices: Option<Vec<u32>>,
    /// Which client each training sample is of, where the data say so.
    pub clients: Option<Clients>,
}

impl Dataset {
    /// The values of samples of `part` at `indices` as the model gets them, `[n, c, h, w]`.
    ///
    /// # Errors
    /// Samples that can't be read.
    pub fn inputs(&self, part: &Part, indices: &[u32]) -> Result<Vec<f32>, DataError> {
        let [_, h, w] = self.shape;
        let mut inputs = Vec::with_capacity(indices.len() * part.area());
        for &i in indices {
            match part.rows(i as usize..i as usize + 1)? {
                Rows::Bytes(bytes) => inputs.extend(self.normalisation.apply(&bytes, h * w)),
                Rows::Floats(values) => inputs.extend_from_slice(&values),
            }
        }
        Ok(inputs)
    }
}
