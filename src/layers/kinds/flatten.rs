//! An image seen as a feature vector: no layer, as the memory is the same.

use std::convert::Infallible;

use crate::layers::{Entry, Form, ModelError, Shape, Site};

/// `"flatten"`: `[c, h, w]` to a feature vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec;

impl Entry for Spec {
    type Layer = Infallible;
    const NAME: &'static str = "flatten";
    const FORM: Form<Self> = Form::Name(Self);

    /// What follows may still become part of the layer before.
    fn append(&self, site: &mut Site<'_>) -> Result<Option<Infallible>, ModelError> {
        *site.shape = Shape::features(site.shape.len());
        *site.open = site.before.is_some();
        Ok(None)
    }
}
