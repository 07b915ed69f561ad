//! Which tables a report shows.

use std::collections::BTreeSet;

use super::Report;
use super::group::{Group, GroupFigures};
use crate::fed::record::Record;
use crate::fed::sweep::{Spread, mean_text, megabytes, spread_text};
use crate::fed::{RoundMetrics, Status, Summary};

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its heading.
    pub title: &'static str,
    /// What its figures are.
    pub note: &'static str,
    /// Names of the columns; the first is a row's name.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

/// The tables of a report; those of figures that no run has are left out.
pub fn of(report: &Report) -> Vec<Table> {
    let groups = &report.groups;
    let all = [results(groups), settings(groups), clients(groups), classes(groups), health(groups), runs(groups)];
    all.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn table(title: &'static str, note: &'static str, head: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { title, note, head: head.iter().map(|&name| name.to_owned()).collect(), rows }
}

fn or_dash<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

fn percent(spread: Option<Spread>) -> String {
    spread_text(spread, 100.0, 1)
}

fn results(groups: &[Group]) -> Table {
    let all: Vec<GroupFigures> = groups.iter().map(Group::figures).collect();
    let validation = all.iter().any(|g| g.figures.validation.is_some());
    let paper = all.iter().any(|g| g.paper.is_some());
    let row = |(group, g): (&Group, &GroupFigures)| {
        let f = &g.figures;
        let diverged = if g.diverged > 0 { format!(", {} diverged", g.diverged) } else { String::new() };
        let seconds = |value: Option<f64>| or_dash(value, |s| format!("{s:.1}"));
        let mut row = vec![g.label.clone(), format!("{}{diverged}", g.runs), percent(f.pivot), percent(f.last)];
        row.extend(paper.then(|| or_dash(g.paper.clone(), |text| text)));
        row.push(percent(f.gain));
        row.extend(validation.then(|| percent(f.validation)));
        row.push(mean_text(group.of_summary(|s| s.final_loss), 1.0, 4));
        row.extend([f.uplink_bytes, f.downlink_bytes, f.client_memory_bytes].map(megabytes));
        row.extend([f.seconds, g.compile_seconds].map(seconds));
        row
    };
    let mut head = vec!["setting", "runs", "pivot % (sd)", "final % (sd)"];
    head.extend(paper.then_some("paper"));
    head.push("gain (sd)");
    head.extend(validation.then_some("validation %"));
    head.extend(["final loss", "MB up", "MB down", "client memory MB", "time s", "compiling s"]);
    table(
        "Results",
        "Means over the runs that are done, sample deviations in brackets. Final is the last round's test accuracy: nothing was picked by it. \
         Bytes are those of a client over the run, in the mean; memory is what a low-resource client must hold to take part, by the paper's formulas; \
         time is wall time of a run's rounds on the device, the compiling of kernels apart. The paper's values are of its own model and data.",
        &head,
        groups.iter().zip(&all).map(row).collect(),
    )
}

/// The keys in which groups differ.
fn settings(groups: &[Group]) -> Table {
    let keys: BTreeSet<&String> = groups.iter().flat_map(|group| group.settings.keys()).collect();
    let differs =
        |key: &&&String| groups.iter().any(|group| group.settings.get(**key) != groups[0].settings.get(**key));
    let keys: Vec<&String> = keys.iter().filter(differs).copied().collect();
    let value = |group: &Group, key: &String| or_dash(group.settings.get(key), String::clone);
    let row = |group: &Group| {
        let values = keys.iter().map(|key| value(group, key));
        [group.label.clone()].into_iter().chain(values).collect()
    };
    let head: Vec<&str> = ["setting"].into_iter().chain(keys.iter().map(|key| key.as_str())).collect();
    let rows = if keys.is_empty() { Vec::new() } else { groups.iter().map(row).collect() };
    table("Settings", "The config keys that are not the same for all.", &head, rows)
}

fn clients(groups: &[Group]) -> Table {
    type Figure = fn(&Summary) -> Option<f64>;
    let figures: [Figure; 6] = [
        |s| s.pivot_low_accuracy,
        |s| s.final_low_accuracy,
        |s| s.pivot_high_accuracy,
        |s| s.final_high_accuracy,
        |s| s.pivot_worst_tenth_accuracy,
        |s| s.final_worst_tenth_accuracy,
    ];
    let there = |group: &&Group| figures.iter().any(|figure| group.of_summary(figure).is_some());
    let row = |group: &Group| {
        let spread = |(i, figure): (usize, &Figure)| {
            let pivot = i % 2 == 0;
            percent(group.spread(|run| figure(&run.summary).filter(|_| !pivot || run.has_pivot())))
        };
        [group.label.clone()].into_iter().chain(figures.iter().enumerate().map(spread)).collect()
    };
    table(
        "Groups of clients",
        "Accuracy in % on the mix of labels that the clients hold, at the pivot and at the end.",
        &[
            "setting",
            "low, pivot",
            "low, final",
            "high, pivot",
            "high, final",
            "worst tenth, pivot",
            "worst tenth, final",
        ],
        groups.iter().filter(there).map(row).collect(),
    )
}

/// The last evaluation's accuracy of each class, 0..1, in the mean over a group's runs.
pub fn class_means(group: &Group) -> Vec<Option<f64>> {
    let of = |run: &Record| run.metrics.iter().rev().find_map(|line| line.class_accuracy.clone());
    let runs: Vec<Vec<Option<f64>>> = group.done().filter_map(of).collect();
    let mean = |class: usize| {
        let values: Vec<f64> = runs.iter().filter_map(|run| *run.get(class)?).collect();
        Spread::of(&values).map(|spread| spread.mean)
    };
    (0..runs.iter().map(Vec::len).max().unwrap_or(0)).map(mean).collect()
}

fn classes(groups: &[Group]) -> Table {
    let means: Vec<Vec<Option<f64>>> = groups.iter().map(class_means).collect();
    let count = means.iter().map(Vec::len).max().unwrap_or(0);
    let share = |class: Option<&Option<f64>>| or_dash(class.copied().flatten(), |mean| format!("{:.1}", 100.0 * mean));
    let row = |(group, means): (&Group, &Vec<Option<f64>>)| {
        [group.label.clone()].into_iter().chain((0..count).map(|class| share(means.get(class)))).collect()
    };
    let names: Vec<String> = (0..count).map(|class| class.to_string()).collect();
    let head: Vec<&str> = ["setting"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let rows = groups.iter().zip(&means).filter(|(_, means)| !means.is_empty()).map(row).collect();
    table("Classes", "Test accuracy of each class in %, of the last evaluation.", &head, rows)
}

/// What the loss differences look like.
fn health(groups: &[Group]) -> Table {
    let row = |group: &Group| -> Option<Vec<String>> {
        let lines = || group.done().flat_map(|run| &run.metrics);
        let mean = |figure: fn(&RoundMetrics) -> Option<f64>| {
            Spread::of(&lines().filter_map(figure).collect::<Vec<f64>>()).map(|spread| spread.mean)
        };
        let (rms, zero) = (mean(|m| m.dl_rms)?, mean(|m| m.dl_zero));
        let sum = |figure: fn(&RoundMetrics) -> Option<u32>| lines().filter_map(figure).map(u64::from).sum::<u64>();
        let (probes, dropped) = (sum(|m| m.probes), sum(|m| m.dropped));
        let zero = or_dash(zero, |share| format!("{:.2}", 100.0 * share));
        Some(vec![group.label.clone(), probes.to_string(), format!("{rms:.2e}"), zero, dropped.to_string()])
    };
    table(
        "Loss differences",
        "Of the zeroth-order rounds: probes of all runs, the mean over rounds of the root mean square of dl and of the share that is exactly 0, \
         probes whose dl was not finite.",
        &["setting", "probes", "dl rms", "dl zero %", "dropped"],
        groups.iter().filter_map(row).collect(),
    )
}

fn runs(groups: &[Group]) -> Table {
    let row = |run: &Record| {
        let s = &run.summary;
        let status = match s.status {
            Status::Done => "done",
            Status::Diverged => "diverged",
            Status::Interrupted => "so far",
        };
        let share = |value: Option<f64>| or_dash(value, |v| format!("{:.1}", 100.0 * v));
        vec![
            run.dir.display().to_string(),
            run.config.seed.to_string(),
            status.to_owned(),
            s.rounds.to_string(),
            share(s.pivot_accuracy.filter(|_| run.has_pivot())),
            share(s.final_accuracy),
            s.adapter.clone(),
            s.warnings.join("; "),
        ]
    };
    table(
        "Runs",
        "",
        &["folder", "seed", "status", "rounds", "pivot %", "final %", "adapter", "warnings"],
        groups.iter().flat_map(|group| &group.runs).map(row).collect(),
    )
}
