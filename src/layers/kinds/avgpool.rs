//! Mean over squares.

use serde_json::Value;

use crate::kernels::pool;
use crate::layers::squares::{Squares, SquaresSpec, back};
use crate::layers::{Backward, Entry, Form, Forward, Image, Kind, LaneTables, Mode, ModelError, Site};
use crate::recording::Recording;

/// Mean over squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AvgPool {
    /// The squares.
    pub squares: Squares,
}

/// `{avgpool = kernel, stride}`; an odd last row or column is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// The squares.
    pub squares: SquaresSpec,
}

impl Entry for Spec {
    type Layer = AvgPool;
    const NAME: &'static str = "avgpool";
    const FORM: Form<Self> = Form::Table {
        example: "2",
        keys: &["avgpool", "stride"],
        read: |table| Ok(Self { squares: SquaresSpec::read(table, Self::NAME)? }),
    };

    fn to_json(&self) -> Value {
        self.squares.to_json(Self::NAME)
    }

    fn append(&self, site: &mut Site<'_>) -> Result<Option<AvgPool>, ModelError> {
        Ok(Some(AvgPool { squares: self.squares.append(site)? }))
    }
}

impl Kind for AvgPool {
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

    fn summands(&self) -> usize {
        self.squares.kernel * self.squares.kernel + 2
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        pool::record(rec, pool::Mode::Average, &self.squares.params(lanes, mode.layout), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        back(rec, pool::Mode::Average, &self.squares.params(lanes, io.how.layout), io);
    }
}
