//! Every known key, and the nearest one to a misspelt key.

use super::elsewhere;
use super::error::ConfigError;
use super::names::{DEFAULT_MODEL, ModelKind};
use super::source::{Source, join};
use toml::{Table, Value};

/// Keys outside every section.
pub(super) const ROOT: &[&str] = &["name", "seed"];

/// Sections and their keys; those of `model` depend on its kind ([`model_keys`]).
pub(super) const SECTIONS: &[(&str, &[&str])] = &[
    (
        "data",
        &[
            "name",
            "path",
            "train_limit",
            "test_limit",
            "validation",
            "labels",
            "label",
            "client",
            "shape",
            "size",
            "normalisation",
            "mean",
            "std",
            "augment",
        ],
    ),
    ("split", &["kind", "file", "clients", "alpha", "high_share", "size_alpha", "dropout"]),
    ("model", &["kind", "weights"]),
    (
        "warmup",
        &[
            "rounds",
            "algorithm",
            "local_epochs",
            "batch",
            "client_lr",
            "client_lr_decay",
            "momentum",
            "weight_decay",
            "clip_norm",
            "proximal_mu",
            "server_lr",
            "server_momentum",
            "server_beta1",
            "server_beta2",
            "server_epsilon",
            "server_bias_correction",
            "participation",
        ],
    ),
    ("heterofl", &["low_width"]),
    (
        "zo",
        &[
            "rounds",
            "probes",
            "tau",
            "epsilon",
            "distribution",
            "sides",
            "lr",
            "lr_decay",
            "rate_guard",
            "normalise",
            "local_steps",
            "local_lr",
            "batch",
            "seed_pool",
            "shared_seeds",
            "uplink",
            "participants",
            "participation",
            "optimizer",
            "momentum",
            "beta1",
            "beta2",
            "optimizer_epsilon",
            "bias_correction",
            "nu",
            "norm_statistics",
        ],
    ),
    ("eval", &["every", "groups", "average"]),
    ("device", &["select", "memory_budget", "precision", "tune"]),
    ("seeds", &["split", "weights", "sampling", "shuffle", "probes"]),
];

/// Keys of a model table of this kind, beside `kind` and `weights`.
pub(super) fn model_keys(kind: ModelKind) -> &'static [&'static str] {
    match kind {
        ModelKind::Mlp => &["input", "hidden", "classes"],
        ModelKind::Cnn => &["input", "channels", "hidden", "classes"],
        ModelKind::ResNet => &["input", "depth", "width", "norm", "groups", "classes"],
        ModelKind::Vit => &["input", "patch", "dim", "depth", "heads", "mlp", "classes"],
        ModelKind::Sequential => &["input", "layers", "classes"],
    }
}

/// Refuses the first key of `table` that is not known. Sections that are no tables are left to the readers.
pub(super) fn check(table: &Table, source: &Source) -> Result<(), ConfigError> {
    for (key, value) in table {
        if ROOT.contains(&key.as_str()) {
            continue;
        }
        let Some((section, known)) = SECTIONS.iter().find(|(name, _)| name == key) else {
            return Err(unknown(source, "", key, &[]));
        };
        let Value::Table(entries) = value else {
            continue;
        };
        let extra = if *section == "model" { extra_model_keys(entries) } else { Some(&[][..]) };
        // An unknown model kind is reported as such, not as unknown keys.
        let Some(extra) = extra else { continue };
        for entry in entries.keys() {
            if !known.contains(&entry.as_str()) && !extra.contains(&entry.as_str()) {
                return Err(unknown(source, section, entry, extra));
            }
        }
    }
    Ok(())
}

fn extra_model_keys(entries: &Table) -> Option<&'static [&'static str]> {
    match entries.get("kind") {
        None => Some(model_keys(DEFAULT_MODEL)),
        Some(Value::String(kind)) => kind.parse().ok().map(model_keys),
        Some(_) => None,
    }
}

fn unknown(source: &Source, section: &str, key: &str, extra: &[&'static str]) -> ConfigError {
    let full = join(section, key);
    let hint = match elsewhere::keys(section, key) {
        Some(keys) => format!("it is called {} here", elsewhere::list(&keys)),
        None => format!("the nearest known key is `{}`", nearest(section, key, extra)),
    };
    ConfigError::UnknownKey { origin: source.origin(&full), hint, key: full }
}

/// The known key nearest to `section.key`: the same name in another place, else the least edit distance among the section's
/// keys (at the top level: sections and root keys).
fn nearest(section: &str, key: &str, extra: &[&'static str]) -> String {
    let elsewhere = || SECTIONS.iter().find(|(_, keys)| keys.contains(&key)).map(|(name, _)| join(name, key));
    let root = || ROOT.contains(&key).then(|| key.to_owned());
    if let Some(same) = elsewhere().or_else(root) {
        return same;
    }
    let own: Vec<&str> = match SECTIONS.iter().find(|(name, _)| *name == section) {
        Some((_, keys)) => keys.iter().chain(extra).copied().collect(),
        None => SECTIONS.iter().map(|(name, _)| *name).chain(ROOT.iter().copied()).collect(),
    };
    let best = own.into_iter().min_by_key(|known| strsim::osa_distance(known, key)).unwrap_or_default();
    join(section, best)
}
