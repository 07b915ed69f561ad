//! What poolings share.

use serde_json::{Value, json};

use super::error::ModelError;
use super::passes::{Backward, LaneTables, dims};
use super::shape::{Image, Shape, window};
use super::site::Site;
use super::table::{Table, size};
use crate::caps::Layout;
use crate::kernels::pool::{self, Params};
use crate::kernels::pool_grad;
use crate::recording::Recording;

/// The squares of a pooling, as a model table has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SquaresSpec {
    /// Side of the square.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
}

impl SquaresSpec {
    /// Of an entry called `name`.
    pub(super) fn read(table: &Table<'_>, name: &str) -> Result<Self, ModelError> {
        let kernel = table.required(name, size)?;
        Ok(Self { kernel, stride: table.optional("stride", size)?.unwrap_or(kernel) })
    }

    /// As such an entry.
    pub(super) fn to_json(self, name: &str) -> Value {
        json!({name: self.kernel, "stride": self.stride})
    }

    /// Those of what lies at the site; an odd last row or column is dropped.
    pub(super) fn append(self, site: &mut Site<'_>) -> Result<Squares, ModelError> {
        let (input, Self { kernel, stride }) = (*site.shape, self);
        let side = |n: usize| window(n, kernel, stride, 0);
        let (Some(h), Some(w)) = (side(input.h), side(input.w)) else {
            return Err(site.error(format!("a window of {kernel} does not fit its input {input}")));
        };
        let output = Shape { c: input.c, h, w };
        *site.shape = output;
        Ok(Squares { input, output, kernel, stride })
    }
}

/// The squares of a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Squares {
    /// Before.
    pub input: Shape,
    /// After.
    pub output: Shape,
    /// Side of the square.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
}

impl Squares {
    /// Both images.
    pub(super) fn images(&self) -> (Image, Image) {
        (self.input.into(), self.output.into())
    }

    /// Over all rows of a chunk.
    pub(super) fn params(&self, lanes: &LaneTables, layout: Layout) -> Params {
        let ([c, h, w], rows) = (dims(self.input), lanes.samples.rows);
        Params::square((rows * u64::from(c)) as u32, h, w, self.kernel as u32, self.stride as u32).laid_out(layout, c)
    }
}

/// Records the slope of a pooling's input, where it is wanted.
pub(super) fn back(rec: &mut Recording, mode: pool::Mode, params: &Params, io: &Backward) {
    if let Some(dx) = io.dx {
        pool_grad::record(rec, mode, params, io.x, io.dy, dx);
    }
}
