//! Poolings: maximum or mean over squares.

use serde_json::{Value, json};

use crate::caps::Layout;
use crate::kernels::pool::{self, Params};
use crate::kernels::pool_grad;
use crate::layers::passes::dims;
use crate::layers::shape::window;
use crate::layers::table::{Table, size};
use crate::layers::{Backward, Entry, Form, Forward, Images, Kind, LaneTables, Mode, ModelError, Shape, Site};
use crate::recording::Recording;

/// Maximum or mean over squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pool {
    /// What a square becomes.
    pub mode: pool::Mode,
    /// Before.
    pub input: Shape,
    /// After.
    pub output: Shape,
    /// Side of the square.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
}

/// The squares of an entry; an odd last row or column is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Squares {
    /// Side of the square.
    pub kernel: usize,
    /// Step.
    pub stride: usize,
}

/// `{maxpool = kernel, stride}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxSpec(pub Squares);

/// `{avgpool = kernel, stride}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgSpec(pub Squares);

impl Squares {
    fn read(table: &Table<'_>, name: &str) -> Result<Self, ModelError> {
        let kernel = table.required(name, size)?;
        Ok(Self { kernel, stride: table.optional("stride", size)?.unwrap_or(kernel) })
    }

    fn to_json(self, name: &str) -> Value {
        json!({name: self.kernel, "stride": self.stride})
    }

    fn append(self, mode: pool::Mode, site: &mut Site<'_>) -> Result<Option<Pool>, ModelError> {
        let (input, Self { kernel, stride }) = (*site.shape, self);
        let side = |n: usize| window(n, kernel, stride, 0);
        let (Some(h), Some(w)) = (side(input.h), side(input.w)) else {
            return Err(site.error(format!("a window of {kernel} does not fit its input {input}")));
        };
        let output = Shape { c: input.c, h, w };
        *site.shape = output;
        Ok(Some(Pool { mode, input, output, kernel, stride }))
    }
}

impl Entry for MaxSpec {
    type Layer = Pool;
    const NAME: &'static str = "maxpool";
    const FORM: Form<Self> = Form::Table {
        example: "2",
        keys: &["maxpool", "stride"],
        read: |table| Squares::read(table, Self::NAME).map(Self),
    };

    fn to_json(&self) -> Value {
        self.0.to_json(Self::NAME)
    }

    fn append(&self, site: &mut Site<'_>) -> Result<Option<Pool>, ModelError> {
        self.0.append(pool::Mode::Max, site)
    }
}

impl Entry for AvgSpec {
    type Layer = Pool;
    const NAME: &'static str = "avgpool";
    const FORM: Form<Self> = Form::Table {
        example: "2",
        keys: &["avgpool", "stride"],
        read: |table| Squares::read(table, Self::NAME).map(Self),
    };

    fn to_json(&self) -> Value {
        self.0.to_json(Self::NAME)
    }

    fn append(&self, site: &mut Site<'_>) -> Result<Option<Pool>, ModelError> {
        self.0.append(pool::Mode::Average, site)
    }
}

impl Pool {
    /// Over all rows of a chunk.
    fn params(&self, lanes: &LaneTables, layout: Layout) -> Params {
        let ([c, h, w], rows) = (dims(self.input), lanes.samples.rows);
        Params::square((rows * u64::from(c)) as u32, h, w, self.kernel as u32, self.stride as u32).laid_out(layout, c)
    }
}

impl Kind for Pool {
    fn name(&self) -> &'static str {
        match self.mode {
            pool::Mode::Max => MaxSpec::NAME,
            pool::Mode::Average => AvgSpec::NAME,
        }
    }

    fn images(&self) -> Images {
        Images::Of(self.input, self.output)
    }

    fn summands(&self) -> usize {
        match self.mode {
            pool::Mode::Max => 1,
            pool::Mode::Average => self.kernel * self.kernel + 2,
        }
    }

    fn is_pool_of_squares(&self) -> bool {
        (self.mode, self.kernel, self.stride) == (pool::Mode::Max, 2, 2)
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        pool::record(rec, self.mode, &self.params(lanes, mode.layout), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            pool_grad::record(rec, self.mode, &self.params(lanes, io.how.layout), io.x, io.dy, dx);
        }
    }
}
