//! Functions of single values: one pair of kernels.

use super::{Backward, Forward, Kind, LaneTables, Mode, count};
use crate::kernels::activation;
use crate::kernels::activation_grad;
use crate::model::{Gelu, Relu, Tanh};
use crate::recording::Recording;

impl Kind for Relu {
    fn name(&self) -> &'static str {
        "relu"
    }

    fn input_len(&self) -> usize {
        self.len
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        activation::record(rec, activation::Kind::Relu, count(lanes, self.len), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            activation_grad::record(rec, activation::Kind::Relu, count(lanes, self.len), io.y, io.dy, dx);
        }
    }
}

impl Kind for Gelu {
    fn name(&self) -> &'static str {
        "gelu"
    }

    fn input_len(&self) -> usize {
        self.len
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        activation::record(rec, activation::Kind::Gelu, count(lanes, self.len), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            activation_grad::record(rec, activation::Kind::Gelu, count(lanes, self.len), io.x, io.dy, dx);
        }
    }

    fn is_gelu(&self) -> bool {
        true
    }
}

impl Kind for Tanh {
    fn name(&self) -> &'static str {
        "tanh"
    }

    fn input_len(&self) -> usize {
        self.len
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, _mode: &Mode, io: &Forward) {
        activation::record(rec, activation::Kind::Tanh, count(lanes, self.len), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            activation_grad::record(rec, activation::Kind::Tanh, count(lanes, self.len), io.y, io.dy, dx);
        }
    }
}
