//! Mean of each channel.

use crate::caps::Layout;
use crate::kernels::pool::{self, Params};
use crate::kernels::pool_grad;
use crate::layers::passes::dims;
use crate::layers::{Backward, Entry, Form, Forward, Images, Kind, LaneTables, Mode, ModelError, Shape, Site};
use crate::recording::Recording;

/// Mean of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GlobalAvgPool {
    /// Before; after it is `[c, 1, 1]`.
    pub input: Shape,
}

impl GlobalAvgPool {
    /// All pixels of each channel, over all rows of a chunk.
    fn params(&self, lanes: &LaneTables, layout: Layout) -> Params {
        let ([c, h, w], rows) = (dims(self.input), lanes.samples.rows);
        Params::global((rows * u64::from(c)) as u32, h, w).laid_out(layout, c)
    }
}

/// `"globalavgpool"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec;

impl Entry for Spec {
    type Layer = GlobalAvgPool;
    const NAME: &'static str = "globalavgpool";
    const FORM: Form<Self> = Form::Name(Self);

    fn append(&self, site: &mut Site<'_>) -> Result<Option<GlobalAvgPool>, ModelError> {
        let input = *site.shape;
        *site.shape = Shape::features(input.c);
        Ok(Some(GlobalAvgPool { input }))
    }
}

impl Kind for GlobalAvgPool {
    fn name(&self) -> &'static str {
        Spec::NAME
    }

    fn images(&self) -> Images {
        Images::Of(self.input, Shape::features(self.input.c))
    }

    fn summands(&self) -> usize {
        self.input.spatial() + 2
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        pool::record(rec, pool::Mode::Average, &self.params(lanes, mode.layout), io.x, io.y);
    }

    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            pool_grad::record(rec, pool::Mode::Average, &self.params(lanes, io.how.layout), io.x, io.dy, dx);
        }
    }
}
