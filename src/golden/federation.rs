//! Golden federations: whole tiny runs of another program, a folder each (tests/golden/methods/README.md).

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::GoldenError;
use super::samples::samples;
use crate::config::Config;
use crate::files::{self, Limit};
use crate::ledger::{Ledger, parse_hex64};
use crate::model::{Graph, ModelSpec};
use crate::weights::{self, TensorFile};

/// The file that makes a folder one of these.
pub const CASE: &str = "case.json";
/// No description of a case is larger.
const LIMIT: Limit = Limit { bytes: 1 << 20, what: "a description of a federation" };

/// A federation and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct FederationGolden {
    /// Its folder.
    pub dir: PathBuf,
    /// The model.
    pub spec: ModelSpec,
    /// Its graph.
    pub graph: Graph,
    /// What the case sets, and defaults.
    pub config: Config,
    /// Samples as the model gets them, `[N, ...]`.
    pub x: Vec<f32>,
    /// Their classes.
    pub y: Vec<u32>,
    /// What each client holds.
    pub clients: Vec<Client>,
    /// The rounds, in order.
    pub rounds: Vec<CaseRound>,
    /// How far another program may be off.
    pub tolerances: Tolerances,
    /// Weights before the first round, where that is in a warm-up before a ledger.
    pub init: Option<Vec<f32>>,
    /// Weights before the first round; with both phases the pivot.
    pub base: Vec<f32>,
    /// Weights after the last round.
    pub last: Vec<f32>,
    /// The zeroth-order rounds.
    pub ledger: Option<Ledger>,
}

/// A client.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its samples.
    pub indices: Vec<u32>,
    /// It can afford backprop.
    pub high: bool,
}

/// A round.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRound {
    /// Absolute.
    pub round: u32,
    /// `warmup` or `zo`.
    pub phase: CasePhase,
    /// Clients that take part, ascending.
    pub participants: Vec<u32>,
}

/// The phase of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CasePhase {
    /// First order.
    Warmup,
    /// Zeroth order.
    Zo,
}

/// How far another program may be off; what a case doesn't name has no part in it.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerances {
    /// Relative L2 distance of the weights after the ledger alone; 0: every bit.
    pub rule: Option<f64>,
    /// Relative L2 distance of a round's differences.
    pub dl: Option<f64>,
    /// Relative distance of a round's rate.
    pub lr: Option<f64>,
    /// Relative L2 distance of the change of the weights over the run.
    pub change: f64,
}

#[derive(Deserialize)]
struct Raw {
    model: Value,
    config: Value,
    clients: Vec<Client>,
    run_seed: String,
    rounds: Vec<CaseRound>,
    tolerances: Tolerances,
}

impl FederationGolden {
    /// Reads a case's folder.
    ///
    /// # Errors
    /// A file that is missing, malformed or not the model's; a config that this version refuses.
    pub fn read(dir: &Path) -> Result<Self, GoldenError> {
        let path = dir.join(CASE);
        let field = |message: String| GoldenError::Field { path: path.clone(), message };
        let model = |source| GoldenError::Model { path: path.clone(), source };
        let raw: Raw = serde_json::from_slice(&files::read(&path, LIMIT)?).map_err(|e| field(e.to_string()))?;
        let run_seed = parse_hex64(&raw.run_seed)
            .ok_or_else(|| field(format!("run_seed: expected 16 hex digits, found `{}`", raw.run_seed)))?;
        let spec = ModelSpec::from_json(&raw.model).map_err(model)?;
        let graph = spec.graph().map_err(model)?;
        let config = config_of(&raw, run_seed).map_err(&field)?;
        let data = dir.join("data.safetensors");
        let bytes = weights::read_bytes(&data, &graph.tensors)?;
        let (x, y) = samples(&TensorFile::parse(&data, &bytes)?, &graph)?;
        let of = |name: &str| Ok::<_, GoldenError>(weights::load(&dir.join(name), &graph.tensors)?.values);
        let there = |name: &str| dir.join(name).exists();
        let (n, count) = (y.len() as u32, raw.clients.len() as u32);
        if let Some(index) = raw.clients.iter().flat_map(|c| &c.indices).find(|&&index| index >= n) {
            return Err(field(format!("clients: expected indices below {n}, found {index}")));
        }
        for round in &raw.rounds {
            if !round.participants.is_sorted() || round.participants.iter().any(|&c| c >= count) {
                let (round, found) = (round.round, &round.participants);
                return Err(field(format!(
                    "rounds: expected ascending clients below {count} in round {round}, found {found:?}"
                )));
            }
        }
        let ledger = there("ledger.jsonl").then(|| Ledger::read(&dir.join("ledger.jsonl"))).transpose();
        Ok(Self {
            init: there("init.safetensors").then(|| of("init.safetensors")).transpose()?,
            base: of("base.safetensors")?,
            last: of("final.safetensors")?,
            ledger: ledger.map_err(|e| field(e.to_string()))?,
            dir: dir.to_owned(),
            spec,
            graph,
            config,
            x,
            y,
            clients: raw.clients,
            rounds: raw.rounds,
            tolerances: raw.tolerances,
        })
    }
}

/// A case's settings as a config: those that it names, with its clients and its model.
fn config_of(raw: &Raw, run_seed: u64) -> Result<Config, String> {
    let table = |value: &Value| toml::Table::try_from(value).map_err(|e| format!("config: {e}"));
    let mut root = table(&raw.config)?;
    let (clients, high) = (raw.clients.len(), raw.clients.iter().filter(|c| c.high).count());
    let section = |pairs: Vec<(&str, toml::Value)>| {
        toml::Value::Table(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let own = [
        ("data", section(vec![("name", "digits".into())])),
        (
            "split",
            section(vec![
                ("clients", (clients as i64).into()),
                ("high_share", (high as f64 / clients.max(1) as f64).into()),
            ]),
        ),
        ("model", toml::Value::Table(table(&raw.model)?)),
        ("seeds", section(vec![("probes", format!("{run_seed:016x}").into())])),
    ];
    root.extend(own.map(|(name, value)| (name.to_owned(), value)));
    Config::parse(&root.to_string(), CASE, Path::new(""), &[]).map_err(|e| e.to_string())
}
