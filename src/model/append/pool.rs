//! Poolings.

use super::At;
use crate::model::ModelError;
use crate::model::build::{Builder, window};
use crate::model::graph::Shape;
use crate::model::layer::{AvgPool, GlobalAvgPool, Layer, MaxPool};

/// Maxima of squares; an odd last row or column is dropped.
pub(super) fn max(builder: &mut Builder, at: At<'_>, kernel: usize, stride: usize) -> Result<MaxPool, ModelError> {
    let (input, output) = squares(builder, at, kernel, stride)?;
    Ok(MaxPool { input, output, kernel, stride })
}

/// Means of squares, likewise.
pub(super) fn mean(builder: &mut Builder, at: At<'_>, kernel: usize, stride: usize) -> Result<AvgPool, ModelError> {
    let (input, output) = squares(builder, at, kernel, stride)?;
    Ok(AvgPool { input, output, kernel, stride })
}

/// The mean of each channel.
pub(super) fn global(builder: &mut Builder) -> Layer {
    let input = builder.shape;
    builder.shape = Shape::features(input.c);
    Layer::GlobalAvgPool(GlobalAvgPool { input })
}

/// The shapes before and after.
fn squares(builder: &mut Builder, at: At<'_>, kernel: usize, stride: usize) -> Result<(Shape, Shape), ModelError> {
    let input = builder.shape;
    let side = |n: usize| window(n, kernel, stride, 0);
    let (Some(h), Some(w)) = (side(input.h), side(input.w)) else {
        return Err(at.error(format!("a window of {kernel} does not fit its input {input}")));
    };
    builder.shape = Shape { c: input.c, h, w };
    Ok((input, builder.shape))
}
