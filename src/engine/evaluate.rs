//! Loss and accuracy of the weights over a set of samples.

use super::{Engine, EngineError, Samples};
use crate::device::{as_f32, as_u32};
use crate::kernels::params::{Lane, Lanes};
use crate::kernels::sums;
use crate::recording::chunks::pieces;
use crate::recording::{Recording, Span};

/// Samples whose losses are added up on the device; the sums of these slices are added in f64 on the host. Fixed, so that a result
/// doesn't depend on how the set was cut into chunks.
const SLICE: u32 = 256;

/// One class of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassResult {
    /// Samples of this class.
    pub samples: u32,
    /// Of them, classified rightly.
    pub correct: u32,
}

/// Loss and accuracy over a set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Mean cross-entropy.
    pub loss: f64,
    /// By class.
    pub classes: Vec<ClassResult>,
}

impl Evaluation {
    /// Samples of all classes.
    pub fn samples(&self) -> u32 {
        self.classes.iter().map(|c| c.samples).sum()
    }

    /// Share classified rightly, 0..1; 0 for an empty set.
    pub fn accuracy(&self) -> f64 {
        let correct: u32 = self.classes.iter().map(|c| c.correct).sum();
        f64::from(correct) / f64::from(self.samples().max(1))
    }
}

impl Engine {
    /// Evaluates the weights on all samples of a set.
    pub fn evaluate(&mut self, samples: &Samples) -> Result<Evaluation, EngineError> {
        self.scratch.begin();
        let rows = samples.len() as u32;
        let classes = self.graph.classes as u32;
        let budget = self.row_budget(samples.features(), false);
        let slices: Vec<Lane> =
            pieces(&[rows], SLICE).iter().map(|p| Lane { rows: p.rows, out_row: p.first, ..Lane::default() }).collect();
        let device = self.device.as_mut();
        let losses = self.scratch.need(device, "losses", u64::from(rows) * 4)?;
        let correct = self.scratch.need(device, "correct", u64::from(rows) * 4)?;
        let counts = self.scratch.need(device, "class counts", u64::from(classes) * 8)?;
        let table = self.scratch.need(device, "slices", (slices.len() * size_of::<Lane>()) as u64)?;
        let totals = self.scratch.need(device, "slice sums", (slices.len() * 4) as u64)?;
        let mut recording = Recording::new();
        recording.clear(counts);
        for group in pieces(&[rows], budget.batch_rows) {
            let indices: Vec<u32> = (group.first..group.first + group.rows).collect();
            let batch = self.gathered(samples, &indices)?;
            let lanes = pieces(&[group.rows], budget.lane_rows.min(SLICE))
                .iter()
                .map(|p| Lane { x_row: p.first, rows: p.rows, out_row: group.first + p.first, ..Lane::default() })
                .collect();
            self.record_losses(&mut recording, batch, lanes, &self.how(None, false), losses, correct)?;
            let rows = sums::ClassCountParams { rows: group.rows, label_row: 0, correct_row: group.first };
            sums::record_class_count(&mut recording, &rows, batch.labels, correct, counts);
            self.submit(&std::mem::take(&mut recording))?;
        }
        recording.upload(table.buffer, 0, &slices);
        sums::record_lane_sum(&mut recording, &Lanes::new(table, &slices), losses, totals);
        recording.read_back(totals);
        recording.read_back(Span::of(counts.buffer, counts.bytes));
        let read = self.submit(&recording)?;
        let sum: f64 = read.first().map(|b| as_f32(b).into_iter().map(f64::from).sum()).unwrap_or_default();
        let classes = read
            .get(1)
            .map(|b| as_u32(b).chunks_exact(2).map(|c| ClassResult { samples: c[0] + c[1], correct: c[1] }).collect())
            .unwrap_or_default();
        Ok(Evaluation { loss: sum / f64::from(rows.max(1)), classes })
    }
}
