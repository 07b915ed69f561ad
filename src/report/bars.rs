//! Charts without an axis of rounds: a bar a group, and a cell a class.

use std::fmt::Write;

use super::Report;
use super::group::GroupFigures;
use super::svg::{COLOURS, WIDTH, escape, short};
use super::tables::class_means;

const LINE: f64 = 22.0;
/// Where names end and bars begin.
const NAMES: f64 = 176.0;
/// Behind the longest bar: its number.
const NUMBERS: f64 = 56.0;
/// More lines are a wall.
const MOST: usize = 60;

/// A chart and its heading.
pub type Drawn = (&'static str, String);

/// The bars of a report; those of figures that no group has are left out.
pub fn of(report: &Report) -> Vec<Drawn> {
    let groups = report.figures();
    let megabytes = |bytes: Option<u64>| bytes.map(|b| 1e-6 * b as f64);
    let all = [
        bars("MB that a client sends over the run", &groups, |g| megabytes(g.figures.uplink_bytes)),
        bars("MB that a client gets over the run", &groups, |g| megabytes(g.figures.downlink_bytes)),
        bars("MB that a low-resource client must hold", &groups, |g| megabytes(g.figures.client_memory_bytes)),
        bars("Seconds of a run's rounds", &groups, |g| g.figures.seconds),
        classes(report),
    ];
    all.into_iter().flatten().collect()
}

fn open(title: &str, lines: usize) -> String {
    let height = LINE * lines as f64 + 8.0;
    format!(
        "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>\n",
        escape(title)
    )
}

fn name(out: &mut String, line: usize, label: &str) {
    let _ = write!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        NAMES - 8.0,
        LINE * line as f64 + 17.0,
        escape(&short(label, 25))
    );
}

/// Says how many lines were left out.
fn close(mut out: String, shown: usize, of: usize) -> String {
    if of > shown {
        let y = LINE * shown as f64 + 17.0;
        let _ = writeln!(out, "<text x=\"{NAMES}\" y=\"{y}\">and {} more</text>", of - shown);
    }
    out.push_str("</svg>");
    out
}

/// A bar a group, as long as its value on a scale from 0 on.
fn bars(title: &'static str, groups: &[GroupFigures], value: impl Fn(&GroupFigures) -> Option<f64>) -> Option<Drawn> {
    let values: Vec<(usize, &str, f64)> = groups
        .iter()
        .enumerate()
        .filter_map(|(i, group)| Some((i, group.label.as_str(), value(group).filter(|v| v.is_finite())?)))
        .collect();
    let most = values.iter().map(|(.., v)| *v).fold(0.0, f64::max);
    if values.is_empty() || most <= 0.0 {
        return None;
    }
    let shown = values.len().min(MOST);
    let mut out = open(title, shown + usize::from(values.len() > shown));
    for (line, (i, label, v)) in values.iter().take(shown).enumerate() {
        name(&mut out, line, label);
        let width = (v / most * (WIDTH - NAMES - NUMBERS)).max(1.0);
        let y = LINE * line as f64;
        let _ = writeln!(
            out,
            "<rect class=\"f{}\" x=\"{NAMES}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
            i % COLOURS,
            y + 4.0,
            LINE - 6.0,
            NAMES + width + 6.0,
            y + 17.0,
            number(*v)
        );
    }
    Some((title, close(out, shown, values.len())))
}

/// Three digits that mean something.
fn number(value: f64) -> String {
    let places = if value >= 100.0 {
        0
    } else if value >= 1.0 {
        1
    } else {
        3
    };
    format!("{value:.places$}")
}

/// A line a group, a cell a class: the more accurate, the fuller its colour.
fn classes(report: &Report) -> Option<Drawn> {
    const TITLE: &str = "Accuracy of each class at the end, %";
    let means: Vec<(&str, Vec<Option<f64>>)> = report
        .groups
        .iter()
        .map(|group| (group.label.as_str(), class_means(group)))
        .filter(|(_, m)| !m.is_empty())
        .collect();
    let count = means.iter().map(|(_, m)| m.len()).max()?;
    let shown = means.len().min(MOST);
    let mut out = open(TITLE, shown + 1 + usize::from(means.len() > shown));
    let width = (WIDTH - NAMES) / count as f64;
    let numbers = width >= 24.0;
    for (line, (label, classes)) in means.iter().take(shown).enumerate() {
        name(&mut out, line, label);
        for (class, mean) in classes.iter().enumerate() {
            let Some(mean) = mean else { continue };
            let (x, y) = (NAMES + width * class as f64, LINE * line as f64);
            let _ = write!(
                out,
                "<rect class=\"f0\" x=\"{x:.1}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" opacity=\"{:.2}\"/>",
                y + 3.0,
                (width - 1.0).max(0.5),
                LINE - 4.0,
                0.08 + 0.72 * mean
            );
            if numbers {
                let (x, y, share) = (x + width / 2.0, y + 17.0, 100.0 * mean);
                let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{share:.0}</text>");
            }
        }
        out.push('\n');
    }
    if numbers {
        for class in 0..count {
            let x = NAMES + width * (class as f64 + 0.5);
            let y = LINE * shown as f64 + 17.0;
            let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{class}</text>");
        }
    }
    Some((TITLE, close(out, shown + 1, means.len() + 1)))
}
