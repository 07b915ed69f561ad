//! The partition that a config asks for.

use std::path::Path;

use super::partition::histogram;
use super::{Split, SplitError, dirichlet, file, kinds};
use crate::config::{SplitConfig, SplitKind};
use crate::data::Dataset;
use crate::rng::host;

impl Split {
    /// The partition of a data set that a config asks for: dealt, read from a file, or that of the data themselves.
    ///
    /// # Errors
    /// As [`Split::new`]; a set that names no clients, or others than the config or the file.
    pub fn of(config: &SplitConfig, data: &Dataset, seed: u64) -> Result<Self, SplitError> {
        match (config.kind, &config.file) {
            (SplitKind::Natural, _) => Self::natural(config, data, seed),
            (SplitKind::File, Some(path)) => {
                let text = file::text(path)?;
                if text.trim_start().starts_with('{') {
                    Self::as_recorded(config, path, &text, data)
                } else {
                    Self::of_names(config, path, &text, data, seed)
                }
            }
            _ => Self::new(config, &data.train.labels, data.classes, seed, data.test_indices.clone()),
        }
    }

    /// The partition of a `split.json`.
    fn as_recorded(config: &SplitConfig, path: &Path, text: &str, data: &Dataset) -> Result<Self, SplitError> {
        let test = data.test_indices.clone();
        let mut split = Self::from_json(text, path)?.of_samples(path, &data.train.labels, data.classes, test)?;
        if config.high_share == 1.0 {
            // A method that has every client train, whatever the file says.
            split.high.fill(true);
        }
        Ok(split)
    }

    /// Deals samples with these labels (each less than `classes`) to clients. `test` is carried along for the record.
    ///
    /// # Errors
    /// Fewer samples than clients (`shards`: than twice the clients).
    pub fn new(
        config: &SplitConfig,
        labels: &[u32],
        classes: u32,
        seed: u64,
        test: Option<Vec<u32>>,
    ) -> Result<Self, SplitError> {
        let (samples, clients) = (labels.len() as u32, config.clients);
        let needed =
            if config.kind == SplitKind::Shards { kinds::SHARDS * u64::from(clients) } else { u64::from(clients) };
        if needed > u64::from(samples) {
            return Err(SplitError::TooFewSamples { clients, samples, needed, kind: config.kind });
        }
        let mut lists = match config.kind {
            SplitKind::Dirichlet => {
                dirichlet::by_class(labels, classes, &kinds::sizes(config, samples, seed), config.alpha, seed)
            }
            SplitKind::Iid | SplitKind::File | SplitKind::Natural => {
                kinds::iid(samples, &kinds::sizes(config, samples, seed), seed)
            }
            SplitKind::Shards => kinds::shards(labels, clients, seed),
        };
        let mut used = vec![false; labels.len()];
        for list in &mut lists {
            list.sort_unstable();
            list.iter().for_each(|&i| used[i as usize] = true);
        }
        let mut high = vec![false; clients as usize];
        for client in host::choose(&mut host::pcg(seed, "split/high"), clients, config.high_clients()) {
            high[client as usize] = true;
        }
        Ok(Self {
            classes,
            histograms: lists.iter().map(|list| histogram(list, labels, classes)).collect(),
            leftover: (0..samples).filter(|&i| !used[i as usize]).collect(),
            clients: lists,
            high,
            test,
        })
    }

    /// This partition, once it is found to be one of samples with these labels; lists become ascending.
    fn of_samples(
        mut self,
        path: &Path,
        labels: &[u32],
        classes: u32,
        test: Option<Vec<u32>>,
    ) -> Result<Self, SplitError> {
        let field = |field: String, found: String, expected: String| SplitError::Field {
            path: path.to_owned(),
            field,
            found,
            expected,
        };
        let held = self.clients.iter().map(Vec::len).sum::<usize>() + self.leftover.len();
        if held != labels.len() {
            let expected = format!("{} as the data have training samples", labels.len());
            return Err(field("the number of indices".to_owned(), held.to_string(), expected));
        }
        if self.classes != classes {
            return Err(field("classes".to_owned(), self.classes.to_string(), format!("{classes} as the data have")));
        }
        if self.test != test {
            let text = |test: &Option<Vec<u32>>| test.as_ref().map_or("none".to_owned(), |t| format!("{}", t.len()));
            let (found, expected) = (text(&self.test), text(&test));
            let expected = format!("{expected}, those of the data");
            return Err(field("test".to_owned(), format!("{found} indices"), expected));
        }
        for (i, list) in self.clients.iter_mut().enumerate() {
            list.sort_unstable();
            let counts = histogram(list, labels, classes);
            if counts != self.histograms[i] {
                let expected = format!("{counts:?} by the data's labels");
                return Err(field(format!("clients[{i}].histogram"), format!("{:?}", self.histograms[i]), expected));
            }
        }
        self.leftover.sort_unstable();
        if self.clients.is_empty() {
            return Err(field("clients".to_owned(), "empty".to_owned(), "at least one client".to_owned()));
        }
        Ok(self)
    }
}
