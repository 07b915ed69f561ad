//! What several sections of a config decide together.

use super::Config;
use super::error::ConfigError;
use super::names::{NormStatistics, SplitKind, WarmupAlgorithm, ZoParticipants};
use super::ranges::share_of;
use super::source::Source;
use super::zo::MOST_PAIRS;
use std::path::Path;

/// The first thing that doesn't go together.
pub(super) fn check(config: &Config, source: &Source) -> Result<(), ConfigError> {
    check_natural(config, source)?;
    // The clients of a file, and those that the data name, are known once these are read.
    if !matches!(config.split.kind, SplitKind::File | SplitKind::Natural) {
        check_clients(config, source)?;
        check_pairs(config, source)?;
    }
    check_heterofl(config, source)?;
    check_statistics(config, source)
}

impl Config {
    /// The config with the clients that a file of a partition, or the data, have: their number, and the share of the high-resource ones
    /// where another number of them is than the config's share gives.
    ///
    /// # Errors
    /// Phases that these clients can't carry out, named after the file.
    pub fn with_clients(mut self, file: &Path, clients: u32, high: u32) -> Result<Self, ConfigError> {
        self.split.clients = clients;
        if self.split.high_clients() != high {
            self.split.high_share = f64::from(high) / f64::from(clients.max(1));
        }
        let source = Source::of(&file.display().to_string(), "");
        check_clients(&self, &source)?;
        check_pairs(&self, &source)?;
        Ok(self)
    }
}

/// Clients that the data name need data that name them.
fn check_natural(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let data = &config.data;
    if config.split.kind != SplitKind::Natural {
        return Ok(());
    }
    if !data.name.names_clients() {
        let expected = "a kind that deals samples: only npz, safetensors, csv, parquet and leaf name the clients of theirs \
                        (with split.kind = \"file\" a file names them)";
        return Err(source.value_error("split.kind", "\"natural\"", expected));
    }
    if data.name.is_table() && data.client.is_empty() {
        let expected = "the column that names each sample's client, where split.kind is \"natural\"";
        return Err(source.value_error("data.client", "\"\"", expected));
    }
    Ok(())
}

fn check_clients(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let (clients, high) = (config.split.clients, config.split.high_clients());
    let refuse = |expected: String| Err(source.value_error("split.high_share", config.split.high_share, expected));
    if config.warmup.rounds > 0 && high == 0 {
        return refuse("more than 0 where warmup.rounds is not 0: the warm-up needs a high-resource client".to_owned());
    }
    if config.zo.rounds == 0 {
        return Ok(());
    }
    let participants = config.zo.participants;
    let needs_low = participants == ZoParticipants::Low || participants.is_mixed();
    let needs_high = participants == ZoParticipants::High || participants.is_mixed();
    if needs_low && high == clients {
        return refuse(format!(
            "a share that leaves a low-resource client of {clients}, where zo.participants is \"{participants}\""
        ));
    }
    if needs_high && high == 0 {
        return refuse(format!("more than 0 where zo.participants is \"{participants}\""));
    }
    Ok(())
}

fn check_heterofl(config: &Config, source: &Source) -> Result<(), ConfigError> {
    if config.warmup.algorithm == WarmupAlgorithm::HeteroFl && config.zo.rounds > 0 {
        let expected = "0 where warmup.algorithm is \"heterofl\": it has no zeroth-order phase";
        return Err(source.value_error("zo.rounds", config.zo.rounds, expected));
    }
    Ok(())
}

fn check_statistics(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let statistics = config.zo.norm_statistics;
    if statistics != NormStatistics::Frozen && !config.model.has_batch_norm() {
        let expected = "\"frozen\" where model.norm is not \"batch\" (of a sequential, no layer is \"batchnorm\"): other norms have no statistics to exchange";
        return Err(source.value_error("zo.norm_statistics", format!("\"{}\"", statistics.name()), expected));
    }
    Ok(())
}

/// What a zeroth-order round makes of its counts together.
fn check_pairs(config: &Config, source: &Source) -> Result<(), ConfigError> {
    let (zo, clients, high) = (&config.zo, config.split.clients, config.split.high_clients());
    let eligible = match zo.participants {
        ZoParticipants::All => clients,
        ZoParticipants::High => high,
        ZoParticipants::Low | ZoParticipants::HighFirstOrder | ZoParticipants::HighGradient => clients - high,
    };
    let active = u64::from(share_of(zo.participation, eligible));
    let pairs = active * u64::from(zo.local_steps) * u64::from(zo.probes);
    if pairs <= MOST_PAIRS {
        return Ok(());
    }
    // The larger of the two is what asks for too much.
    let (key, value, others) = if zo.probes > zo.local_steps {
        ("zo.probes", zo.probes, (zo.local_steps, "local steps"))
    } else {
        ("zo.local_steps", zo.local_steps, (zo.probes, "probes"))
    };
    let most = (MOST_PAIRS / (active * u64::from(others.0))).max(1);
    let (count, name) = others;
    let expected = format!(
        "at most {most} with {active} clients and {count} {name} in a round, which can have {MOST_PAIRS} probes in all"
    );
    Err(source.value_error(key, value, expected))
}
