//! Maximum over squares.

use serde_json::Value;

use crate::kernels::pool;
use crate::layers::squares::{Squares, SquaresSpec, back};
use crate::layers::{Backward, Entry, Form, Forward, Image, Kind, LaneTables, Mode, ModelError, Site};
use crate::recording::Recording;

/// Maximum over squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaxPool {
    /// The squares.
    pub squares: Squares,
}

/// `{maxpool = kernel, stride}`; an odd last row or column is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// The squares.
    pub squares: SquaresSpec,
}

impl Entry for Spec {
    type Layer = MaxPool;
    const NAME: &'static str = "maxpool";
    const FORM: Form<Self> = Form::Table {
        example: "2",
        keys: &["maxpool", "stride"],
        read: |table| Ok(Self { squares: SquaresSpec::read(table, Self::NAME)? }),
    };

    fn to_json(&self) -> Value {
        self.squares.to_json(Self::NAME)
    }

    fn append(&self, site: &mut Site<'_>) -> Result<Option<MaxPool>, ModelError> {
        Ok(Some(MaxPool { squares: self.squares.append(site)? }))
    }
}

impl Kind for MaxPool {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn images(&self) -> Option<(Image, Image)> {
        Some(self.squares.images())
    }

    fn input_len(&self) -> usize {
        self.squares.input.len()
    }

    fn output_len(&self) -> usize {
        self.squares.output.len()
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        self.squares.output.sides()
    }

    fn is_pool_of_squares(&self) -> bool {
        self.squares.kernel == 2 && self.squares.stride == 2
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        pool::record(rec, pool::Mode::Max, &self.squares.params(lanes, mode.layout), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        back(rec, pool::Mode::Max, &self.squares.params(lanes, io.how.layout), io);
    }
}
