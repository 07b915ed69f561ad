//! Methods by name: what each sets over a config. A preset changes what the method is, never data, model or partition (but for the
//! ceiling, whose clients are all high-resource) and keeps the number of rounds of both phases together.

use super::Config;
use super::error::ConfigError;
use super::names::list;
use crate::caps::Precision;

/// A method by name.
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// What it is, and the paper that it comes from.
    pub source: &'static str,
    changes: fn(&Config) -> Vec<Change>,
}

/// A key that a preset sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `section.key`.
    pub key: &'static str,
    /// The value as TOML.
    pub value: String,
    /// Why, in a few words.
    pub note: &'static str,
}

impl Change {
    /// As an argument of `--set`.
    pub(super) fn argument(&self) -> String {
        format!("{}={}", self.key, self.value)
    }
}

const ZOWARMUP: &str = "ZOWarmUp (Legate, Rish, Belilovsky 2025)";
const FEDAVG: &str = "FedAvg (McMahan et al. 2017)";
const FEDADAM: &str = "FedAdam (Reddi et al. 2021, algorithm 2)";
const HETEROFL: &str = "HeteroFL (Diao et al. 2020)";
const FEDKSEED: &str = "FedKSeed (Qin et al. 2024)";
const DECOMFL: &str = "DeComFL (Li et al. 2024)";
const MEZO: &str = "MeZO (Malladi et al. 2023)";
const FEDZO: &str = "FedZO (Fang et al. 2022)";
const BAFFLE: &str = "BAFFLE (Feng et al. 2023)";
const FEEDSIGN: &str = "FeedSign (Cai et al. 2025)";
const FZOO: &str = "FZOO (arXiv 2506.09034)";

/// All presets.
static PRESETS: [Preset; 13] = [
    Preset { name: "zowarmup", source: ZOWARMUP, changes: zowarmup },
    Preset { name: "high-res-only", source: ZOWARMUP, changes: high_res_only },
    Preset { name: "fedavg-all", source: FEDAVG, changes: fedavg_all },
    Preset { name: "fedadam", source: FEDADAM, changes: fedadam },
    Preset { name: "heterofl", source: HETEROFL, changes: heterofl },
    Preset { name: "fedkseed", source: FEDKSEED, changes: fedkseed_alone },
    Preset { name: "zowarmup-fedkseed", source: FEDKSEED, changes: fedkseed },
    Preset { name: "decomfl", source: DECOMFL, changes: decomfl },
    Preset { name: "mezo", source: MEZO, changes: mezo },
    Preset { name: "fedzo", source: FEDZO, changes: fedzo },
    Preset { name: "baffle", source: BAFFLE, changes: baffle },
    Preset { name: "feedsign", source: FEEDSIGN, changes: feedsign },
    Preset { name: "fzoo", source: FZOO, changes: fzoo },
];

impl Preset {
    /// All of them.
    pub fn all() -> &'static [Self] {
        &PRESETS
    }

    /// The preset of this name.
    ///
    /// # Errors
    /// [`ConfigError::Preset`], which lists the names.
    pub fn named(name: &str) -> Result<&'static Self, ConfigError> {
        PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
            let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
            let near =
                names.iter().filter(|known| strsim::osa_distance(known, name) <= 2).min_by_key(|known| known.len());
            let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
            ConfigError::Preset { name: name.to_owned(), known: list(&names) + &hint }
        })
    }

    /// What it sets over a config.
    pub fn changes(&self, base: &Config) -> Vec<Change> {
        (self.changes)(base)
    }
}

fn text(key: &'static str, value: &str, note: &'static str) -> Change {
    Change { key, value: format!("\"{value}\""), note }
}

fn value(key: &'static str, value: impl ToString, note: &'static str) -> Change {
    Change { key, value: value.to_string(), note }
}

fn total(base: &Config) -> u32 {
    base.warmup.rounds.saturating_add(base.zo.rounds)
}

fn no_warmup(base: &Config) -> Vec<Change> {
    vec![value("warmup.rounds", 0, "no warm-up"), value("zo.rounds", total(base), "as many rounds in all")]
}

fn no_zo(base: &Config) -> Vec<Change> {
    vec![value("warmup.rounds", total(base), "as many rounds in all"), value("zo.rounds", 0, "no zeroth-order phase")]
}

/// What makes a zeroth-order round the plain one, but for these keys, which the method sets itself.
fn plain_but(own: Vec<Change>) -> Vec<Change> {
    let plain = [
        value("zo.sides", 2, "two-sided differences"),
        text("zo.optimizer", "sgd", "plain steps"),
        text("zo.normalise", "none", "the rate as it is"),
        value("zo.local_steps", 1, "one step a round"),
        value("zo.local_lr", "0.0", "no steps of a client's own"),
        value("zo.batch", 0, "all of a client's data"),
        value("zo.seed_pool", 0, "every seed is new"),
        value("zo.shared_seeds", false, "each client tries seeds of its own"),
        text("zo.uplink", "f32", "numbers go up whole"),
        text("zo.participants", "all", "every client probes"),
    ];
    let others = plain.into_iter().filter(|change| own.iter().all(|own| own.key != change.key));
    let mut all: Vec<Change> = others.collect();
    all.extend(own);
    all
}

fn zowarmup(base: &Config) -> Vec<Change> {
    let epsilon = match base.device.precision {
        Precision::F16 => value("zo.epsilon", "1e-3", "the paper's 1e-4 is too small for device.precision = \"f16\""),
        _ => value("zo.epsilon", "1e-4", "the paper's"),
    };
    let mut all = vec![text("warmup.algorithm", "fedavg", "the mean of the high-resource clients' weights")];
    all.extend(plain_but(vec![
        value("zo.probes", 3, "the paper's S"),
        value("zo.tau", 0.75, "the paper's"),
        epsilon,
        text("zo.distribution", "rademacher", "the paper's"),
    ]));
    all
}

fn high_res_only(base: &Config) -> Vec<Change> {
    no_zo(base)
}

fn fedavg_all(base: &Config) -> Vec<Change> {
    let mut all = no_zo(base);
    all.push(text("warmup.algorithm", "fedavg", "the mean of the clients' weights"));
    all.push(value("split.high_share", "1.0", "every client can run backprop: the ceiling"));
    all
}

fn fedadam(_: &Config) -> Vec<Change> {
    let mut all = vec![
        text("warmup.algorithm", "fedadam", "Adam on the clients' mean step"),
        value("warmup.server_lr", 0.01, "a rate of Adam's"),
        value("warmup.server_beta1", 0.9, "the paper's"),
        value("warmup.server_beta2", 0.999, "ZOWarmUp's"),
        value("warmup.server_epsilon", "1e-3", "the paper's"),
        value("warmup.server_bias_correction", false, "as in algorithm 2"),
    ];
    all.extend(plain_but(vec![
        text("zo.optimizer", "adam", "Adam on the estimate"),
        value("zo.lr", 0.01, "as in the warm-up"),
        value("zo.beta1", 0.9, "as in the warm-up"),
        value("zo.beta2", 0.999, "as in the warm-up"),
        value("zo.optimizer_epsilon", "1e-3", "as in the warm-up"),
        value("zo.bias_correction", false, "as in the warm-up"),
    ]));
    all
}

fn heterofl(base: &Config) -> Vec<Change> {
    let mut all = no_zo(base);
    all.push(text("warmup.algorithm", "heterofl", "low-resource clients train a narrower model"));
    all.push(value("heterofl.low_width", 0.5, "half of each width"));
    all
}

/// The local steps stay as the config has them: the paper takes many, and its rate goes with their number.
fn fedkseed(_: &Config) -> Vec<Change> {
    let mut all = plain_but(vec![
        value("zo.seed_pool", 4096, "seeds come from a pool of this many"),
        text("zo.distribution", "gaussian", "the paper's"),
    ]);
    let steps = ["zo.local_steps", "zo.local_lr", "zo.batch"];
    all.retain(|change| !steps.contains(&change.key));
    all
}

fn fedkseed_alone(base: &Config) -> Vec<Change> {
    [no_warmup(base), fedkseed(base)].concat()
}

fn decomfl(base: &Config) -> Vec<Change> {
    let own = vec![
        text("zo.distribution", "gaussian", "the paper's"),
        value("zo.shared_seeds", true, "the server draws one set of seeds a round"),
    ];
    [no_warmup(base), plain_but(own)].concat()
}

fn mezo(base: &Config) -> Vec<Change> {
    let own = vec![
        text("zo.distribution", "gaussian", "the paper's"),
        value("zo.participation", 1.0 / f64::from(base.split.clients.max(1)), "one of the clients a round"),
    ];
    [no_warmup(base), plain_but(own)].concat()
}

fn fedzo(base: &Config) -> Vec<Change> {
    let own = vec![
        text("zo.distribution", "sphere", "directions on the unit sphere"),
        value("zo.sides", 1, "one-sided differences"),
        value("zo.local_steps", 5, "the paper's"),
        text("zo.uplink", "weights", "the paper's clients send whole models"),
    ];
    [no_warmup(base), plain_but(own)].concat()
}

fn baffle(base: &Config) -> Vec<Change> {
    let own = vec![
        text("zo.distribution", "gaussian", "the paper's"),
        value("zo.sides", 1, "one-sided differences"),
        value("zo.probes", 20, "S = 20"),
    ];
    [no_warmup(base), plain_but(own)].concat()
}

fn feedsign(_: &Config) -> Vec<Change> {
    plain_but(vec![
        value("zo.shared_seeds", true, "a majority needs one seed"),
        text("zo.uplink", "sign", "one bit up"),
    ])
}

fn fzoo(base: &Config) -> Vec<Change> {
    let mut own = vec![
        text("zo.distribution", "rademacher", "the paper's"),
        value("zo.sides", 1, "one-sided differences beside one plain loss a step"),
        text("zo.normalise", "deviation", "the rate is divided by that of the losses"),
    ];
    if base.zo.probes < 2 {
        own.push(value("zo.probes", 8, "the paper's: one loss has no deviation"));
    }
    plain_but(own)
}
