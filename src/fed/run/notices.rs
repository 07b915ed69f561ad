//! What a run says of itself: the log, its warnings, and whether its precision will do.

use super::super::error::FedError;
use super::super::experiment::Experiment;
use super::super::zo::{self, Verdict};
use super::running::Run;
use crate::caps::Precision;

impl Run<'_> {
    /// What the run is made of, for the log.
    pub(super) fn describe(&self) {
        let Experiment { config, data, split, graph, .. } = &self.experiment;
        let (train, test) = (data.train.labels.len(), data.test.labels.len());
        let ([c, h, w], classes) = (data.shape, data.classes);
        tracing::info!(
            "data: {}, {train} training and {test} test samples of {c}x{h}x{w}, {classes} classes",
            data.name
        );
        let sizes = || split.clients.iter().map(Vec::len);
        let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
        let (clients, high, left) = (split.clients.len(), split.high_clients().len(), split.leftover.len());
        tracing::info!(
            "clients: {clients}, {high} with high resources, of {least} to {most} samples, {left} samples left over"
        );
        let (params, tensors) = (graph.param_count(), graph.tensors.len());
        tracing::info!(
            "model: {}, {params} weights in {tensors} tensors, {} layers",
            config.model.kind,
            graph.nodes.len()
        );
        let info = self.engine.device().info();
        let held = self.engine.device().peak_bytes();
        tracing::info!(
            "device: {} ({}, {}, {}), {held} bytes held before the first round",
            info.name,
            info.backend,
            info.driver,
            info.tier.name()
        );
    }

    /// Warnings that follow from what the run was made with, not from its rounds.
    pub(super) fn standing_warnings(&mut self) {
        let mut list: Vec<String> = self.manifest.normalisation.guessed.iter().cloned().collect();
        if let [first, others @ ..] = &self.manifest.adapters[..] {
            list.extend(others.iter().map(|other| {
                let (first, round) = (first.text(), other.from_round);
                format!(
                    "the run began on {first} and went on on {} from round {round}: its bits are those of neither alone",
                    other.text()
                )
            }));
        }
        let precision = self.experiment.config.device.precision;
        if precision != Precision::F32 && self.engine.is_f32() {
            let why = if self.experiment.precision() == Precision::F32 {
                "one launch, of f32, computes the whole forward pass of this model".to_owned()
            } else {
                let name = &self.engine.device().info().name;
                format!("{name} has no cooperative matrices that can be relied on for a product of this model")
            };
            list.push(format!("device.precision = \"{}\": {why}; products are f32", precision.name()));
        }
        list.into_iter().for_each(|text| self.warn(text));
    }

    /// Tells what the error of loss differences at the pivot means, where products aren't f32.
    ///
    /// # Errors
    /// An error with which no zeroth-order round should begin.
    pub(super) fn precision_verdict(&mut self, error: Option<f64>) -> Result<(), FedError> {
        let Some(error) = error else { return Ok(()) };
        let config = &self.experiment.config;
        match zo::precision_verdict(error, config.zo.epsilon, config.device.precision) {
            Verdict::Fine => Ok(()),
            Verdict::Told(text) => {
                self.warn(text);
                Ok(())
            }
            Verdict::TooMuch(text) => {
                let dir = self.folder.dir().display();
                Err(FedError::Refused(format!("{text} (`zowarmup fork {dir} --set KEY=VALUE` goes on from the pivot)")))
            }
        }
    }

    /// That error, once there is a pivot.
    pub(super) fn pivot_error(&self) -> Option<f64> {
        self.manifest.pivot.as_ref().and_then(|pivot| pivot.dl_error)
    }

    /// Adds a warning and tells it, if it is new.
    pub(super) fn warn(&mut self, text: String) {
        if self.progress.watch.add(text.clone()) {
            self.observer.warn(&format!("warning: {text}"));
        }
    }
}
