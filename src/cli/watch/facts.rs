//! A run's figures as lines of text.

use std::time::Duration;

use super::super::duration;
use super::super::output::{bytes, percent};
use super::status;
use crate::fed::live::Live;
use crate::fed::{Phase, RoundMetrics, Status};

/// A name and its figure.
pub type Fact = (&'static str, String);

fn number(value: Option<f64>, text: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

/// `running, zo, 40/330, 1m20s left`.
pub fn standing(live: &Live) -> String {
    let phase = live.metrics.last().map(|line| match line.phase {
        Phase::Warmup => "warm-up".to_owned(),
        Phase::Zo => "zo".to_owned(),
    });
    let count = format!("round {}/{}", live.metrics.len(), live.rounds());
    let left = live.left().map(|left| format!("{} left", duration::text(left)));
    // A long silence may be a long round.
    let silent = live.age.filter(|age| live.ended.is_none() && *age >= Duration::from_secs(60));
    let silent = silent.map(|age| format!("nothing written for {}", duration::text(age)));
    let gone = live.abandoned.then(|| "`zowarmup resume` goes on".to_owned());
    let parts = [Some(status(live).to_owned()), phase, Some(count), left, silent, gone];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What the run reaches and how fast it goes.
pub fn rates(live: &Live) -> Vec<Fact> {
    let (summary, line) = (live.summary(), live.metrics.last());
    let seconds = |line: &RoundMetrics| format!("{:.3} s, {:.3} s of compiling", line.seconds, line.compile_seconds);
    let last = match live.ended {
        None => "accuracy",
        Some(Status::Interrupted) => "so far",
        Some(Status::Done | Status::Diverged) => "final",
    };
    vec![
        ("pivot", percent(summary.pivot_accuracy)),
        (last, percent(summary.final_accuracy)),
        ("best", percent(summary.best_accuracy)),
        ("loss", number(line.and_then(|line| line.train_loss), |l| format!("{l:.4} in training"))),
        ("", number(summary.final_loss, |l| format!("{l:.4} in the last test"))),
        ("rate", number(live.lr, |lr| format!("{lr:.3e} (zeroth order)"))),
        ("round", line.map_or_else(|| "-".to_owned(), seconds)),
        ("time", duration::text(Duration::try_from_secs_f64(summary.seconds).unwrap_or_default())),
        ("sent", format!("{} up, {} down", bytes(summary.uplink_bytes), bytes(summary.downlink_bytes))),
    ]
}

/// Whether the numbers that the run lives on are sound.
pub fn health(live: &Live) -> Vec<Fact> {
    let line = live.metrics.last();
    let zo = line.filter(|line| line.phase == Phase::Zo);
    let sum = |count: fn(&RoundMetrics) -> u64| live.metrics.iter().map(count).sum::<u64>();
    let clients = line.map_or_else(|| "-".to_owned(), |line| format!("{} in the last round", line.clients));
    let mut facts = vec![
        ("clients", clients),
        ("missing", format!("{} so far", sum(|line| u64::from(line.dropouts)))),
        ("dl rms", number(zo.and_then(|line| line.dl_rms), |rms| format!("{rms:.3e}"))),
        ("dl zero", percent(zo.and_then(|line| line.dl_zero))),
        (
            "dropped",
            format!("{} of {} probes", sum(|l| l.dropped.unwrap_or(0).into()), sum(|l| l.probes.unwrap_or(0).into())),
        ),
    ];
    let warnings = live.summary().warnings;
    facts.push(("warnings", warnings.len().to_string()));
    facts.extend(warnings.into_iter().map(|text| ("", text)));
    facts
}

/// All of it, for what is no terminal.
pub fn text(live: &Live) -> String {
    let mut out = format!("{}: {}\n", live.config.name, standing(live));
    let (adapter, folder) = (live.adapter(), live.dir.display().to_string());
    let facts = rates(live).into_iter().chain(health(live)).chain([("adapter", adapter), ("folder", folder)]);
    facts.for_each(|(name, figure)| out.push_str(&format!("  {name:<8} {figure}\n")));
    out
}
