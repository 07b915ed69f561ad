//! Partitions that the data have by themselves: each sample is of a client that its set, or a text file, names.

use super::partition::histogram;
use super::{Split, SplitError};
use crate::config::SplitConfig;
use crate::data::{Clients, Dataset, Names};
use crate::rng::host;
use std::path::Path;

impl Split {
    /// The samples of each client, of a set whose samples name them.
    ///
    /// # Errors
    /// A set that names none; another number of clients than the config gives.
    pub(super) fn natural(config: &SplitConfig, data: &Dataset, seed: u64) -> Result<Self, SplitError> {
        let clients = data.clients.as_ref().ok_or_else(|| SplitError::Nameless { name: data.name.clone() })?;
        let found = clients.names.len() as u32;
        if config.clients != 0 && config.clients != found {
            return Err(SplitError::Clients { clients: config.clients, found });
        }
        Ok(Self::by_client(config, data, clients, seed))
    }

    /// The samples of each client, of a text file with the name of each sample's client in a line.
    ///
    /// # Errors
    /// An empty line; another number of lines than the data have training samples.
    pub(super) fn of_names(
        config: &SplitConfig,
        path: &Path,
        text: &str,
        data: &Dataset,
        seed: u64,
    ) -> Result<Self, SplitError> {
        let (mut names, mut of_train) = (Names::default(), Vec::new());
        for (line, name) in (1..).zip(text.trim_start_matches('\u{feff}').lines().map(str::trim)) {
            if name.is_empty() {
                let message = "empty, expected the name of a client".to_owned();
                return Err(SplitError::Syntax { path: path.to_owned(), line, column: 1, message });
            }
            of_train.push(names.number(name));
        }
        if of_train.len() != data.train.len() {
            return Err(SplitError::Field {
                path: path.to_owned(),
                field: "the number of lines".to_owned(),
                found: of_train.len().to_string(),
                expected: format!("{}, one for each training sample as loaded, in file order", data.train.len()),
            });
        }
        Ok(Self::by_client(config, data, &Clients::of(names, &of_train), seed))
    }

    /// `config.high_share` of the clients, drawn by the seed, have high resources, as in every kind.
    fn by_client(config: &SplitConfig, data: &Dataset, clients: &Clients, seed: u64) -> Self {
        let count = clients.names.len();
        let mut lists = vec![Vec::new(); count];
        for (&client, sample) in clients.of_train.iter().zip(0..) {
            lists[client as usize].push(sample);
        }
        let of_these = SplitConfig { clients: count as u32, ..config.clone() };
        let mut high = vec![false; count];
        for client in host::choose(&mut host::pcg(seed, "split/high"), count as u32, of_these.high_clients()) {
            high[client as usize] = true;
        }
        Self {
            classes: data.classes,
            histograms: lists.iter().map(|list| histogram(list, &data.train.labels, data.classes)).collect(),
            leftover: Vec::new(),
            clients: lists,
            high,
            test: data.test_indices.clone(),
        }
    }
}
