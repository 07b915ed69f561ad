//! The names of a run's files.

use crate::files::Limit;

/// The largest log or table of a run: ten million probes.
pub(in crate::fed) const LOG_LIMIT: Limit = Limit { bytes: 1 << 30, what: "a file of a run" };
pub(super) const LOCK: &str = ".lock";
/// Written first but for the manifest; with it the folder is a run's.
pub const CONFIG: &str = "config.toml";
/// Written first, before [`CONFIG`].
pub const MANIFEST: &str = "manifest.json";
/// A line a round.
pub const METRICS: &str = "metrics.jsonl";
/// Written last but for the manifest's digests.
pub const SUMMARY: &str = "summary.json";
/// Who holds which samples.
pub const SPLIT: &str = "split.json";
/// The zeroth-order phase.
pub const LEDGER: &str = "ledger.jsonl";
/// Weights before the first round.
pub const INIT: &str = "init.safetensors";
/// The ledger's base.
pub const PIVOT: &str = "pivot.safetensors";
/// Weights after the last round.
pub const FINAL: &str = "final.safetensors";
/// The running mean of the weights after the last round, where there is one.
pub const AVERAGED: &str = "averaged.safetensors";
/// With which way each product is computed, where they don't all go by shuffles.
pub const WAYS: &str = "ways.json";
/// The files that lie in the folder itself.
pub(super) const FILES: [&str; 11] =
    [WAYS, CONFIG, MANIFEST, METRICS, SUMMARY, SPLIT, INIT, PIVOT, FINAL, AVERAGED, LEDGER];

/// Those in the checkpoint that have one name.
pub(super) const CHECKPOINT_FILES: [&str; 2] = ["state.json", "rounds.jsonl"];

/// The folder of the checkpoint.
pub(in crate::fed) const CHECKPOINT: &str = "checkpoint";

/// A line of digests a round.
pub(in crate::fed) const ROUNDS: &str = "checkpoint/rounds.jsonl";
