//! Dropout in local steps of training. Other passes run graphs without it ([`Graph::without_dropout`](crate::model::Graph)).

use serde_json::{Value, json};

use crate::kernels::dropout::{self, Params};
use crate::layers::passes::{copy, count};
use crate::layers::{Backward, Entry, Form, Forward, Images, Kind, LaneTables, Mode, ModelError, Site};
use crate::recording::{Recording, Span};

/// In local steps of training each value 0 with probability p, else divided by 1 - p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Values.
    pub len: usize,
    /// Its number among the model's dropouts: each draws masks of its own.
    pub number: usize,
    /// From 0 up to, but not, 1.
    pub p: f64,
}

/// `{dropout = p}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// From 0 up to, but not, 1.
    pub p: f64,
}

impl Entry for Spec {
    type Layer = Dropout;
    const NAME: &'static str = "dropout";
    const FORM: Form<Self> = Form::Table {
        example: "0.5",
        keys: &["dropout"],
        read: |table| Ok(Self { p: table.required(Self::NAME, probability)? }),
    };

    fn to_json(&self) -> Value {
        json!({"dropout": self.p})
    }

    /// One more, with masks of its own.
    fn append(&self, site: &mut Site<'_>) -> Result<Option<Dropout>, ModelError> {
        let number = *site.dropouts;
        *site.dropouts += 1;
        Ok(Some(Dropout { len: site.shape.len(), number, p: self.p }))
    }
}

fn probability(value: &Value) -> Result<f64, String> {
    let p = value.as_f64().filter(|p| (0.0..1.0).contains(p));
    p.ok_or_else(|| format!("expected a number from 0 up to, but not, 1, found {value}"))
}

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
        Spec::NAME
    }

    /// Masks are defined channel after channel.
    fn images(&self) -> Images {
        Images::flat(self.len, self.len)
    }

    fn output_shape(&self, input: &[usize]) -> Vec<usize> {
        input.to_vec()
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
