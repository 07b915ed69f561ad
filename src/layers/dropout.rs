//! Dropout in local steps of training. Other passes run graphs without it ([`Graph::without_dropout`](crate::model::Graph)).

use super::{Backward, Forward, Image, Kind, LaneTables, Mode, copy, count};
use crate::kernels::dropout::{self, Params};
use crate::model::Dropout;
use crate::recording::{Recording, Span};

impl Dropout {
    /// Records `to = from` through the masks of the rows, where there are any.
    fn record(&self, rec: &mut Recording, lanes: &LaneTables, masks: Option<Span>, from: Span, to: Span) {
        let values = count(lanes, self.len);
        match masks {
            Some(rows) => {
                let params = Params::new(values, self.len as u32, self.number as u32, self.p);
                dropout::record(rec, &params, rows, from, to);
            }
            None => copy(rec, values, from, to),
        }
    }
}

impl Kind for Dropout {
    fn name(&self) -> &'static str {
        "dropout"
    }

    fn input_len(&self) -> usize {
        self.len
    }

    /// Masks are defined channel after channel.
    fn images(&self) -> Option<(Image, Image)> {
        Some((Image::flat(self.len), Image::flat(self.len)))
    }

    fn draws(&self) -> bool {
        true
    }

    fn forward(&self, rec: &mut Recording, lanes: &LaneTables, mode: &Mode, io: &Forward) {
        self.record(rec, lanes, mode.masks, io.x, io.y);
    }

    /// The slope through the same masks.
    fn backward(&self, rec: &mut Recording, lanes: &LaneTables, io: &Backward) {
        if let Some(dx) = io.dx {
            self.record(rec, lanes, io.masks, io.dy, dx);
        }
    }
}
