//! Dropouts.

use crate::model::build::Builder;
use crate::model::layer::{Dropout, Layer};

/// One more, with masks of its own.
pub(super) fn append(builder: &mut Builder, p: f64) -> Layer {
    let layer = Dropout { len: builder.shape.len(), number: builder.dropouts, p };
    builder.dropouts += 1;
    Layer::Dropout(layer)
}
