//! Maximum and mean over squares, and the mean of each channel: one pair of kernels.

use super::{Backward, Forward, Image, Kind, LaneTables, Mode, dims};
use crate::caps::Layout;
use crate::kernels::pool::{self, Params};
use crate::kernels::pool_grad;
use crate::model::{AvgPool, GlobalAvgPool, MaxPool, Shape};
use crate::recording::Recording;

/// Squares over all rows of a chunk.
fn squares(lanes: &LaneTables, layout: Layout, input: Shape, kernel: usize, stride: usize) -> Params {
    let ([c, h, w], rows) = (dims(input), lanes.samples.rows);
    Params::square((rows * u64::from(c)) as u32, h, w, kernel as u32, stride as u32).laid_out(layout, c)
}

/// All pixels of each channel, over all rows of a chunk.
fn whole(lanes: &LaneTables, layout: Layout, input: Shape) -> Params {
    let ([c, h, w], rows) = (dims(input), lanes.samples.rows);
    Params::global((rows * u64::from(c)) as u32, h, w).laid_out(layout, c)
}

fn back(rec: &mut Recording, mode: pool::Mode, params: &Params, io: &Backward) {
    if let Some(dx) = io.dx {
        pool_grad::record(rec, mode, params, io.x, io.dy, dx);
    }
}

impl Kind for MaxPool {
    fn name(&self) -> &'static str {
        "maxpool"
    }

    fn images(&self) -> Option<(Image, Image)> {
        Some((self.input.into(), self.output.into()))
    }

    fn input_len(&self) -> usize {
        self.input.len()
    }

    fn output_len(&self) -> usize {
        self.output.len()
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        self.output.sides()
    }

    fn is_pool_of_squares(&self) -> bool {
        self.kernel == 2 && self.stride == 2
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        let params = squares(lanes, mode.layout, self.input, self.kernel, self.stride);
        pool::record(rec, pool::Mode::Max, &params, io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        back(rec, pool::Mode::Max, &squares(lanes, io.how.layout, self.input, self.kernel, self.stride), io);
    }
}

impl Kind for AvgPool {
    fn name(&self) -> &'static str {
        "avgpool"
    }

    fn images(&self) -> Option<(Image, Image)> {
        Some((self.input.into(), self.output.into()))
    }

    fn input_len(&self) -> usize {
        self.input.len()
    }

    fn output_len(&self) -> usize {
        self.output.len()
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        self.output.sides()
    }

    fn summands(&self) -> usize {
        self.kernel * self.kernel + 2
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        let params = squares(lanes, mode.layout, self.input, self.kernel, self.stride);
        pool::record(rec, pool::Mode::Average, &params, io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        back(rec, pool::Mode::Average, &squares(lanes, io.how.layout, self.input, self.kernel, self.stride), io);
    }
}

impl Kind for GlobalAvgPool {
    fn name(&self) -> &'static str {
        "globalavgpool"
    }

    fn images(&self) -> Option<(Image, Image)> {
        Some((self.input.into(), Image::flat(self.input.c)))
    }

    fn input_len(&self) -> usize {
        self.input.len()
    }

    fn output_len(&self) -> usize {
        self.input.c
    }

    fn output_shape(&self, _input: &[usize]) -> Vec<usize> {
        vec![self.input.c]
    }

    fn summands(&self) -> usize {
        self.input.spatial() + 2
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        pool::record(rec, pool::Mode::Average, &whole(lanes, mode.layout, self.input), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        back(rec, pool::Mode::Average, &whole(lanes, io.how.layout, self.input), io);
    }
}
