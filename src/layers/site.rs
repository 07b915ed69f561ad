//! The place of a graph where an entry of a model table becomes a layer.

use super::error::ModelError;
use super::kind::Kind;
use super::shape::Shape;
use super::tensors::{Init, Tensors};

/// Where an entry stands.
pub struct Site<'a> {
    /// The prefix of its tensors.
    pub name: &'a str,
    /// What it is called in messages.
    pub place: &'a str,
    /// What it reads, and then what it gives.
    pub shape: &'a mut Shape,
    /// The layer before, where what follows may become part of it.
    pub before: Option<&'a mut dyn Kind>,
    /// Whether what follows may become part of the entry's layer, or of the one before.
    pub open: &'a mut bool,
    /// The model's tensors so far.
    pub tensors: &'a mut Tensors,
    /// Dropouts so far.
    pub dropouts: &'a mut usize,
}

impl Site<'_> {
    /// What is wrong with the entry.
    pub fn error(&self, message: String) -> ModelError {
        ModelError::Shape { layer: self.place.to_owned(), message }
    }

    /// The tensors of a product whose weight has this shape, outputs first: weight, and bias where it has one. A ReLU may become part of it.
    ///
    /// # Errors
    /// More values than a model can have.
    pub fn product(&mut self, shape: Vec<usize>, init: Init, bias: bool) -> Result<(usize, Option<usize>), ModelError> {
        let out = shape[0];
        let weight = self.tensors.learnt(self.place, self.name, "weight", shape, init)?;
        let mut of_outputs = || self.tensors.learnt(self.place, self.name, "bias", vec![out], Init::Zeros);
        let bias = bias.then(&mut of_outputs).transpose()?;
        *self.open = true;
        Ok((weight, bias))
    }

    /// The tensors of a norm, scale and shift, a value each of `shape`.
    ///
    /// # Errors
    /// More values than a model can have.
    pub fn scale_and_shift(&mut self, shape: Vec<usize>) -> Result<[usize; 2], ModelError> {
        let mut tensor = |kind, init| self.tensors.learnt(self.place, self.name, kind, shape.clone(), init);
        Ok([tensor("weight", Init::Ones)?, tensor("bias", Init::Zeros)?])
    }
}
