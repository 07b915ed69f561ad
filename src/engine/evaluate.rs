//! Loss and accuracy of the weights over a set of samples.

use super::counts::count;
use super::{EngineError, Samples, Session};
use crate::device::{as_f32, as_u32};
use crate::kernels::params::{Lane, Lanes};
use crate::kernels::{class_count, lane_sum};
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
    /// Mean cross-entropy; not finite where a sample's loss isn't.
    pub loss: f64,
    /// By class. Without meaning where the loss is not finite.
    pub classes: Vec<ClassResult>,
}

impl Evaluation {
    /// Samples of all classes.
    pub fn samples(&self) -> u32 {
        self.classes.iter().map(|c| c.samples).sum()
    }

    /// Whether each sample had a finite loss.
    pub fn is_finite(&self) -> bool {
        self.loss.is_finite()
    }

    /// Share classified rightly, 0..1. None for an empty set, and where the loss is not finite: outputs that are no numbers have no
    /// largest one.
    pub fn accuracy(&self) -> Option<f64> {
        let correct: u32 = self.classes.iter().map(|c| c.correct).sum();
        let samples = self.samples();
        (samples > 0 && self.is_finite()).then(|| f64::from(correct) / f64::from(samples))
    }
}

impl Session<'_> {
    /// Evaluates the weights on all samples of a set.
    pub fn evaluate(&mut self, samples: &Samples) -> Result<Evaluation, EngineError> {
        self.space.begin();
        let rows = count(samples.len(), "samples of a set", "")?;
        let classes = self.program.graph.classes as u32;
        let count_bytes = self.space.bindable("class counts", u64::from(classes) * 8)?;
        let counts = self.space.need("class counts", count_bytes)?;
        let mut recording = Recording::new();
        recording.clear(counts);
        // Losses and hits of so many samples lie on the device at once: whole slices, a lane each.
        let most = (self.space.working_memory() / 16 / 8).min(self.space.binding() / 4).min(u64::from(65_535 * SLICE));
        let most = (most as u32 / SLICE).max(1) * SLICE;
        let mut sum = 0f64;
        for part in pieces(&[rows], most) {
            sum = self
                .evaluate_part(&mut recording, samples, part.first, part.rows, counts)?
                .iter()
                .fold(sum, |s, l| s + l);
        }
        recording.read_back(Span::of(counts.buffer, counts.bytes));
        let read = self.space.submit(&recording)?;
        let classes = read.first().map(|bytes| as_u32(bytes)).unwrap_or_default();
        let of_pair = |c: &[u32]| ClassResult { samples: c[0] + c[1], correct: c[1] };
        let classes = classes.chunks_exact(2).map(of_pair).collect();
        Ok(Evaluation { loss: sum / f64::from(rows.max(1)), classes })
    }

    /// Evaluates `rows` samples from `first` on, adds up their hits in `counts`, and returns the losses of their slices.
    fn evaluate_part(
        &mut self,
        recording: &mut Recording,
        samples: &Samples,
        first: u32,
        rows: u32,
        counts: Span,
    ) -> Result<Vec<f64>, EngineError> {
        let budget = self.row_budget(samples.features(), false);
        let slices: Vec<Lane> =
            pieces(&[rows], SLICE).iter().map(|p| Lane { rows: p.rows, out_row: p.first, ..Lane::default() }).collect();
        let losses = self.space.need("losses", u64::from(rows) * 4)?;
        let correct = self.space.need("correct", u64::from(rows) * 4)?;
        let table = self.space.need("slices", (slices.len() * size_of::<Lane>()) as u64)?;
        let totals = self.space.need("slice sums", (slices.len() * 4) as u64)?;
        for group in self.space.recorded_of(pieces(&[rows], budget.batch_rows), |group| u64::from(group.rows)) {
            let from = first + group.first;
            let indices: Vec<u32> = (from..from + group.rows).collect();
            let batch = self.gathered(samples, &indices)?;
            let lanes = pieces(&[group.rows], budget.lane_rows.min(SLICE))
                .iter()
                .map(|p| Lane { x_row: p.first, rows: p.rows, out_row: group.first + p.first, ..Lane::default() })
                .collect();
            self.record_losses(recording, &batch, lanes, &self.mode(None, false), losses, correct)?;
            let rows = class_count::Params { rows: group.rows, label_row: 0, correct_row: group.first };
            class_count::record(recording, &rows, batch.labels, correct, counts);
            self.space.submit(&std::mem::take(recording))?;
        }
        recording.upload(table.buffer, 0, &slices);
        lane_sum::record(recording, &Lanes::new(table, &slices), losses, totals);
        recording.read_back(totals);
        let read = self.space.submit(&std::mem::take(recording))?;
        Ok(read.first().map(|b| as_f32(b).into_iter().map(f64::from).collect()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_evaluation_without_numbers_has_no_accuracy() {
        let classes = vec![ClassResult { samples: 3, correct: 3 }, ClassResult { samples: 1, correct: 0 }];
        let of = |loss| Evaluation { loss, classes: classes.clone() };
        assert_eq!(of(0.5).accuracy(), Some(0.75));
        assert_eq!((of(f64::NAN).accuracy(), of(f64::INFINITY).accuracy()), (None, None));
        assert_eq!(Evaluation { loss: 0.0, classes: Vec::new() }.accuracy(), None);
    }
}
