//! The end of a run: its last files, and whether all of them are still what was written.

use std::collections::BTreeMap;

use super::super::cost::client_memory;
use super::super::error::FedError;
use super::super::folder::checkpoint::Checkpoint;
use super::super::folder::manifest::AdapterRecord;
use super::super::folder::{
    AVERAGED, CONFIG, FINAL, FolderError, INIT, LEDGER, Lines, METRICS, PIVOT, SPLIT, SUMMARY, WAYS,
};
use super::super::metrics::{Status, Summary};
use super::super::progress::Ending;
use super::super::zo;
use super::running::{End, Run};
use crate::files::sha256_hex;
use crate::ledger::{Dense, Ledger};
use crate::split::Split;
use crate::{version, weights};

/// Digests of the last weights' files.
#[derive(Default)]
struct LastWeights {
    /// Of the last weights.
    sha256: String,
    /// Of their running mean, where there is one.
    averaged: Option<String>,
}

impl Run<'_> {
    pub(super) fn finish(&mut self, end: End) -> Result<Summary, FedError> {
        if let End::Diverged(why) = &end {
            self.observer.warn(why);
        }
        let status = match end {
            End::Done => Status::Done,
            End::Diverged(_) => Status::Diverged,
            End::Interrupted => Status::Interrupted,
        };
        let last = if status == Status::Interrupted { LastWeights::default() } else { self.last_weights(status)? };
        self.closing_warnings(status);
        let summary = self.summary(status)?;
        if status == Status::Interrupted {
            self.folder.write_summary(&summary)?;
        } else {
            // The summary comes after all that it sums up, and the run has ended once the manifest names it.
            let mut files = self.whole_files(&last)?;
            files.insert(SUMMARY.to_owned(), sha256_hex(&self.folder.write_summary(&summary)?));
            self.manifest.files = files;
            self.manifest.earlier_config = None;
            self.manifest.write(self.folder.dir())?;
        }
        self.observer.end(&summary);
        Ok(summary)
    }

    fn closing_warnings(&mut self, status: Status) {
        let accuracy = |figures: Option<super::super::figures::Figures>| figures.and_then(|f| f.accuracy);
        let (pivot, last) = (accuracy(self.progress.pivot), accuracy(self.progress.last));
        let zo = self.experiment.config.zo.rounds > 0;
        if status == Status::Done
            && zo
            && self.progress.watch.close(pivot, last)
            && let Some(text) = self.progress.watch.list().last()
        {
            self.observer.warn(&format!("warning: {text}"));
        }
    }

    fn summary(&mut self, status: Status) -> Result<Summary, FedError> {
        let info = self.engine.device().info().clone();
        let fingerprint = self.engine.fingerprint()?;
        Ok(self.progress.summary(Ending {
            dir: self.folder.dir().display().to_string(),
            name: self.experiment.config.name.clone(),
            commit: version::commit().to_owned(),
            status,
            adapter: AdapterRecord::of(&info, 0),
            client_memory_bytes: Some(client_memory(&self.experiment).to_take_part(&self.experiment.config)),
            params: self.experiment.graph.param_count() as u64,
            fingerprint: format!("{:016x}", fingerprint.value),
            precision: self.experiment.precision(),
            dl_error: self.pivot_error(),
        }))
    }

    /// Writes the last weights of a run that has ended, and its pivot where there is none yet.
    fn last_weights(&mut self, status: Status) -> Result<LastWeights, FedError> {
        let tensors = self.experiment.graph.tensors.clone();
        if status == Status::Diverged && self.progress.next < self.experiment.config.warmup.rounds {
            // Diverged in the warm-up: the last checkpoint holds the last finite weights. They stand for the pivot, too.
            let finite = match Checkpoint::load(&self.folder)? {
                None => weights::encode(&tensors, &self.experiment.initial, &[]),
                Some(checkpoint) => checkpoint.weights(&self.folder)?,
            };
            self.engine.set_weights(&weights::decode(&self.folder.path(FINAL), &finite, &tensors)?.values)?;
            self.folder.write(PIVOT, &finite)?;
            self.folder.write(FINAL, &finite)?;
            self.folder.remove(AVERAGED)?;
            return Ok(LastWeights { sha256: sha256_hex(&finite), averaged: None });
        }
        if self.progress.pivot.is_none() {
            self.pivot()?;
        }
        let averaged = if status == Status::Done && self.zo.has_average() {
            let average = weights::encode(&tensors, &self.engine.average()?, &[]);
            self.folder.write(AVERAGED, &average)?;
            Some(sha256_hex(&average))
        } else {
            self.folder.remove(AVERAGED)?;
            None
        };
        let last = weights::encode(&tensors, &self.engine.weights()?, &[]);
        self.folder.write(FINAL, &last)?;
        Ok(LastWeights { sha256: sha256_hex(&last), averaged })
    }

    /// The digest of each file, all of them there and as they were written.
    fn whole_files(&self, last: &LastWeights) -> Result<BTreeMap<String, String>, FedError> {
        let pivot = self.manifest.pivot.as_ref().map_or(&last.sha256, |pivot| &pivot.sha256);
        let mut files = BTreeMap::new();
        let ways = self.manifest.ways_sha256.as_ref().filter(|digest| !digest.is_empty());
        let digests = [(INIT, &self.manifest.init_sha256), (PIVOT, pivot), (FINAL, &last.sha256)];
        let others = [(AVERAGED, last.averaged.as_ref()), (WAYS, ways)];
        let others = others.into_iter().filter_map(|(name, digest)| Some((name, digest?)));
        for (name, expected) in digests.into_iter().chain(others) {
            let found = sha256_hex(&self.still_there(name)?);
            if found != *expected {
                return Err(self.lost(name, "changed"));
            }
            files.insert(name.to_owned(), found);
        }
        // Paths and devices may be changed in it while the run is on.
        files.insert(CONFIG.to_owned(), sha256_hex(&self.still_there(CONFIG)?));
        let split = self.still_there(SPLIT)?;
        let read = Split::from_json(&String::from_utf8_lossy(&split), &self.folder.path(SPLIT));
        if read.ok().as_ref() != Some(&self.experiment.split) {
            return Err(self.lost(SPLIT, "changed"));
        }
        files.insert(SPLIT.to_owned(), sha256_hex(&split));
        let metrics = self.still_there(METRICS)?;
        if !self.log.is_whole(&Lines::of(&metrics), 0, |round| Some(&round.metrics)) {
            return Err(self.lost(METRICS, "changed"));
        }
        files.insert(METRICS.to_owned(), sha256_hex(&metrics));
        if let Some(pivot) = &self.manifest.pivot {
            let ledger = self.still_there(LEDGER)?;
            let parsed = Ledger::parse(&self.folder.path(LEDGER), &ledger).ok();
            let (header, rounds) = parsed.map(|ledger| (ledger.header, ledger.rounds)).unzip();
            let mut lines = Lines::of(&ledger);
            lines.complete.drain(..1.min(lines.complete.len()));
            let warmup = self.experiment.config.warmup.rounds as usize;
            let whole = self.log.is_whole(&lines, warmup, |round| round.ledger.as_deref());
            if header != Some(zo::header(&self.experiment, &pivot.sha256, pivot.dl_error)) || !whole {
                return Err(self.lost(LEDGER, "changed"));
            }
            files.insert(LEDGER.to_owned(), sha256_hex(&ledger));
            for Dense { file, sha256 } in rounds.into_iter().flatten().filter_map(|round| round.dense) {
                if sha256_hex(&self.still_there(&file)?) != sha256 {
                    return Err(self.lost(&file, "changed"));
                }
                files.insert(file, sha256);
            }
        }
        Ok(files)
    }

    fn still_there(&self, name: &str) -> Result<Vec<u8>, FedError> {
        self.folder.read(name)?.ok_or_else(|| self.lost(name, "vanished"))
    }

    fn lost(&self, name: &str, how: &'static str) -> FedError {
        FolderError::Lost { path: self.folder.path(name), how }.into()
    }
}
