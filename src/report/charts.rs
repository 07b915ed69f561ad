//! Which curves a report shows.

use super::Report;
use super::curve::{Along, Point, curve};
use crate::fed::RoundMetrics;

/// A chart: a curve a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// What is drawn.
    pub title: &'static str,
    /// Below the axis to the right.
    pub x: &'static str,
    /// Whether that axis is logarithmic.
    pub log_x: bool,
    /// Whether the other one is.
    pub log_y: bool,
    /// Each group's name, its number and its curve.
    pub series: Vec<(String, usize, Vec<Point>)>,
}

/// The charts of a report; those of figures that no run has are left out.
pub fn of(report: &Report) -> Vec<Chart> {
    let chart = |title, along, log_y, figure: fn(&RoundMetrics) -> Option<f64>| {
        let series = report.groups.iter().enumerate().map(|(i, group)| {
            let mut points = curve(group, along, figure);
            // What a logarithm can't show.
            points.retain(|p| !(log_y && p.y <= 0.0 || along == Along::UplinkMegabytes && p.x <= 0.0));
            (group.label.clone(), i, points)
        });
        let (x, log_x) = match along {
            Along::Rounds => ("rounds", false),
            Along::UplinkMegabytes => ("MB up, a client", true),
        };
        Chart { title, x, log_x, log_y, series: series.filter(|(.., points)| !points.is_empty()).collect() }
    };
    let all = [
        chart("Test accuracy, %", Along::Rounds, false, |m| m.test_accuracy.map(|a| 100.0 * a)),
        chart("Test loss", Along::Rounds, true, |m| m.test_loss),
        chart("Training loss", Along::Rounds, true, |m| m.train_loss),
        chart("Test accuracy, %, against bytes sent", Along::UplinkMegabytes, false, |m| {
            m.test_accuracy.map(|a| 100.0 * a)
        }),
        chart("Accuracy for low-resource clients, %", Along::Rounds, false, |m| m.low_accuracy.map(|a| 100.0 * a)),
        chart("Accuracy for the worst tenth of the clients, %", Along::Rounds, false, |m| {
            m.worst_tenth_accuracy.map(|a| 100.0 * a)
        }),
        chart("Validation accuracy, %", Along::Rounds, false, |m| m.validation_accuracy.map(|a| 100.0 * a)),
        chart("Seconds a round", Along::Rounds, true, |m| Some(m.seconds)),
        chart("Loss differences dl, root mean square", Along::Rounds, true, |m| m.dl_rms),
        chart("Loss differences that are exactly 0, %", Along::Rounds, false, |m| m.dl_zero.map(|a| 100.0 * a)),
    ];
    all.into_iter().filter(|chart| !chart.series.is_empty()).collect()
}
