//! The terminal's page: how far the run is, its curves, rates and health. What doesn't fit is left out, the curves last.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Wrap};

use super::facts::{self, Fact};
use crate::fed::live::Live;
use crate::fed::{Phase, RoundMetrics};

/// Lines of the figures, frame included.
const FIGURES: u16 = 11;
/// A curve in fewer lines says nothing.
const CURVE: u16 = 8;
/// Columns that two curves beside each other need.
const WIDE: u16 = 90;

/// Draws the page.
pub fn draw(frame: &mut Frame<'_>, live: &Live, problem: Option<&str>) {
    let area = frame.area();
    let figures = if area.height >= 3 + CURVE + FIGURES { FIGURES } else { 0 };
    let rows = [
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(figures),
        Constraint::Length(1),
    ];
    let [head, gauge, curves, panels, foot] = Layout::vertical(rows).areas(area);
    let title = Line::from(vec![
        Span::from(live.config.name.clone()).bold(),
        Span::from(format!("  {}", live.adapter())).dim(),
    ]);
    frame.render_widget(title, head);
    frame.render_widget(progress(live), gauge);
    if curves.width >= WIDE || curves.height < 2 * CURVE {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(curves);
        accuracy(frame, live, left);
        losses(frame, live, right);
    } else {
        let [above, below] = Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(curves);
        accuracy(frame, live, above);
        losses(frame, live, below);
    }
    if figures > 0 {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(panels);
        frame.render_widget(panel("rates", facts::rates(live)), left);
        frame.render_widget(panel("health", facts::health(live)), right);
    }
    let foot_text = match problem {
        Some(problem) => Line::from(problem.to_owned()).red(),
        None => Line::from(format!("{}   q: quit", live.dir.display())).dim(),
    };
    frame.render_widget(foot_text, foot);
}

fn progress(live: &Live) -> Gauge<'static> {
    let share = live.metrics.len() as f64 / f64::from(live.rounds().max(1));
    let gauge = Gauge::default().gauge_style(Style::new().fg(Color::Blue));
    gauge.ratio(share.clamp(0.0, 1.0)).label(facts::standing(live))
}

fn panel(title: &'static str, facts: Vec<Fact>) -> Paragraph<'static> {
    let line = |(name, figure): Fact| Line::from(vec![Span::from(format!("{name:<9}")).dim(), Span::from(figure)]);
    let lines: Vec<Line<'_>> = facts.into_iter().map(line).collect();
    Paragraph::new(lines).wrap(Wrap { trim: false }).block(Block::bordered().title(title))
}

/// A figure of each round that has it, against rounds done.
fn points(live: &Live, figure: impl Fn(&RoundMetrics) -> Option<f64>) -> Vec<(f64, f64)> {
    let point = |line: &RoundMetrics| Some((f64::from(line.round) + 1.0, figure(line).filter(|y| y.is_finite())?));
    live.metrics.iter().filter_map(point).collect()
}

fn accuracy(frame: &mut Frame<'_>, live: &Live, area: Rect) {
    let all = points(live, |line| line.test_accuracy.map(|a| 100.0 * a));
    chart(frame, live, area, "test accuracy, %", &[("", Color::Green, &all)]);
}

fn losses(frame: &mut Frame<'_>, live: &Live, area: Rect) {
    let (train, test) = (points(live, |line| line.train_loss), points(live, |line| line.test_loss));
    chart(frame, live, area, "loss", &[("training", Color::Yellow, &train), ("test", Color::Cyan, &test)]);
}

/// A curve's name, colour and points.
type Curve<'a> = (&'static str, Color, &'a [(f64, f64)]);

/// Curves, and a line where the pivot is.
fn chart(frame: &mut Frame<'_>, live: &Live, area: Rect, title: &str, curves: &[Curve<'_>]) {
    let ys = || curves.iter().flat_map(|(.., points)| points.iter().map(|(_, y)| *y));
    let (low, high) = ys().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), y| (low.min(y), high.max(y)));
    let block = Block::bordered().title(title.to_owned());
    if low > high {
        frame.render_widget(Paragraph::new("no figures yet").block(block), area);
        return;
    }
    let room = if high > low { 0.05 * (high - low) } else { 0.5 };
    let (low, high) = (low - room, high + room);
    let warmup = f64::from(live.config.warmup.rounds);
    let passed = live.metrics.last().is_some_and(|line| line.phase == Phase::Zo) && warmup > 0.0;
    let pivot = [(warmup, low), (warmup, high)];
    let mut sets = Vec::new();
    if passed {
        sets.push(
            Dataset::default().graph_type(GraphType::Line).marker(Marker::Dot).style(Color::DarkGray).data(&pivot),
        );
    }
    for (name, colour, points) in curves {
        let set = Dataset::default().graph_type(GraphType::Line).marker(Marker::Braille).style(*colour).data(points);
        sets.push(if name.is_empty() { set } else { set.name(*name) });
    }
    let last = live.metrics.last().map_or(1.0, |line| f64::from(line.round) + 1.0).max(2.0);
    let x = Axis::default().bounds([1.0, last]).labels(["1".to_owned(), format!("{last:.0} rounds")]);
    let y = Axis::default().bounds([low, high]).labels([label(low), label((low + high) / 2.0), label(high)]);
    frame.render_widget(
        Chart::new(sets).block(block).x_axis(x.style(Color::DarkGray)).y_axis(y.style(Color::DarkGray)),
        area,
    );
}

fn label(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => format!("{value:.1e}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
