//! A chart as SVG. Colours are classes of the style sheet ([`STYLE`]), which follow the page's light or dark.

use std::fmt::Write;

use super::charts::Chart;
use super::curve::Point;

/// Of a chart, in its own units: about as wide as a phone, so that its text is as large there as the page's notes.
pub const WIDTH: f64 = 440.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const PLOT: f64 = 230.0;
/// Below the plot: ticks and the axis's name.
const BELOW: f64 = 44.0;
const LEGEND_LINE: f64 = 18.0;
const LEGEND_LEFT: f64 = 8.0;
/// Letters of a name in the legend: as many as a column has room for in a wide face (7 units a letter).
const NAME: usize = 26;
/// More names than these are a list that nobody reads.
const MOST_NAMES: usize = 20;
/// Colours; further series have them again, dashed.
pub const COLOURS: usize = 8;

/// The style of charts: part of the page, and put into a chart that is saved.
pub const STYLE: &str = "\
svg.chart{font:13px system-ui,sans-serif;background:#fff;--t:#444;--g:#ddd;--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b0508c;--c4:#b07d00;\
--c5:#3a8fc4;--c6:#7a5bb5;--c7:#70752a}
@media(prefers-color-scheme:dark){svg.chart{background:#15181c;--t:#bbb;--g:#333;--c0:#58b0ea;--c1:#ff8c42;--c2:#3fc79a;--c3:#e28cc0;--c4:#e9b84a;\
--c5:#8ccbf5;--c6:#b79cf0;--c7:#c3c96a}}
svg.chart text{fill:var(--t)}svg.chart .n{font-size:11.5px}svg.chart .g{fill:none;stroke:var(--g)}svg.chart .v{fill:none;stroke:var(--t);stroke-dasharray:2 3}
svg.chart .l{fill:none;stroke-width:1.8}svg.chart .b{opacity:.16}svg.chart .d{stroke-dasharray:6 3}
";

/// The rules of the colours.
pub fn colours() -> String {
    (0..COLOURS).fold(String::new(), |mut out, c| {
        let _ = write!(out, "svg.chart .s{c}{{stroke:var(--c{c})}}svg.chart .f{c}{{fill:var(--c{c})}}");
        out
    }) + "\n"
}

/// An axis: a range of values.
#[derive(Clone, Copy, Debug)]
struct Axis {
    log: bool,
    low: f64,
    high: f64,
}

impl Axis {
    fn of(log: bool, values: impl Iterator<Item = f64>) -> Self {
        let finite = values.filter(|v| v.is_finite() && (!log || *v > 0.0));
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (1.0, 2.0) } else { (low, high) };
        // A single value has a range around it.
        match high > low {
            true => Self { log, low, high },
            false if log => Self { log, low: low / 2.0, high: high * 2.0 },
            false => Self { log, low: low - 0.5, high: high + 0.5 },
        }
    }

    /// From 0 at the low end to 1 at the high one.
    fn place(self, value: f64) -> f64 {
        let of = |v: f64| if self.log { v.max(f64::MIN_POSITIVE).ln() } else { v };
        ((of(value) - of(self.low)) / (of(self.high) - of(self.low))).clamp(0.0, 1.0)
    }

    fn ticks(self) -> Vec<f64> {
        let inside = |v: &f64| (self.low * (1.0 - 1e-9)..=self.high * (1.0 + 1e-9)).contains(v) || *v == 0.0;
        if self.log {
            let decades = (self.high / self.low).log10();
            let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
            let every = (decades / 6.0).ceil().max(1.0) as usize;
            let all = (first..=last).step_by(every).flat_map(|e| steps.iter().map(move |s| s * 10f64.powi(e)));
            let ticks: Vec<f64> = all.filter(inside).collect();
            // Less than one step of a decade: as if it were linear.
            if ticks.len() >= 2 {
                return ticks;
            }
        }
        let raw = (self.high - self.low) / 5.0;
        let power = 10f64.powf(raw.log10().floor());
        let step = power * [1.0, 2.0, 5.0, 10.0].into_iter().find(|s| s * power >= raw).unwrap_or(10.0);
        let first = (self.low / step).ceil() as i64;
        let all = (0..12).map(|i| (first + i) as f64 * step);
        all.filter(|v| *v >= self.low - 1e-9 * step && *v <= self.high + 1e-9 * step).collect()
    }
}

/// A number as short as it can be said.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e5).contains(&size) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'));
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The chart.
pub fn of(chart: &Chart) -> String {
    let points = || chart.series.iter().flat_map(|(.., points)| points);
    let x = Axis::of(chart.log_x, points().map(|p| p.x));
    let mut reach: Vec<f64> = points().map(|p| p.y).collect();
    reach.extend(points().flat_map(|p| [p.y - p.deviation, p.y + p.deviation]).filter(|y| !chart.log_y || *y > 0.0));
    let y = Axis::of(chart.log_y, reach.into_iter());
    let at_x = |v: f64| LEFT + x.place(v) * (WIDTH - LEFT - RIGHT);
    let at_y = |v: f64| TOP + (1.0 - y.place(v)) * PLOT;
    let names = chart.series.len().min(MOST_NAMES);
    let lines = names.div_ceil(2) + usize::from(chart.series.len() > names);
    let height = TOP + PLOT + BELOW + LEGEND_LINE * lines as f64;
    let (bottom, end) = (TOP + PLOT, WIDTH - RIGHT);
    let mut out = format!(
        "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>\n",
        escape(chart.title)
    );
    for v in y.ticks() {
        let (h, text) = (at_y(v), number(v));
        let _ = write!(
            out,
            "<path class=\"g\" d=\"M{LEFT} {h:.1}H{end}\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 6.0,
            h + 4.0
        );
    }
    for v in x.ticks() {
        let (h, text) = (at_x(v), number(v));
        let _ = write!(
            out,
            "<path class=\"g\" d=\"M{h:.1} {bottom}v4\"/><text x=\"{h:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
            bottom + 18.0
        );
    }
    let _ = writeln!(
        out,
        "<path class=\"g\" d=\"M{LEFT} {TOP}V{bottom}H{end}\"/><text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        (LEFT + end) / 2.0,
        bottom + 36.0,
        escape(chart.x)
    );
    let mut pivots: Vec<f64> = points().filter(|p| p.pivot).map(|p| p.x).collect();
    pivots.sort_by(f64::total_cmp);
    pivots.dedup();
    if let [pivot] = pivots[..] {
        let h = at_x(pivot);
        let _ = writeln!(
            out,
            "<path class=\"v\" d=\"M{h:.1} {TOP}V{bottom}\"/><text x=\"{:.1}\" y=\"{}\">pivot</text>",
            h + 4.0,
            TOP + 12.0
        );
    }
    for (label, number, points) in &chart.series {
        let (colour, dash) = (number % COLOURS, if (number / COLOURS) % 2 == 1 { " d" } else { "" });
        let place = |p: &Point, y: f64| (at_x(p.x), at_y(y));
        if points.iter().any(|p| p.deviation > 0.0) {
            let upper = points.iter().map(|p| place(p, p.y + p.deviation));
            let lower = points.iter().rev().map(|p| place(p, p.y - p.deviation));
            let _ = writeln!(out, "<path class=\"b f{colour}\" d=\"{}Z\"/>", path(upper.chain(lower)));
        }
        let _ = writeln!(
            out,
            "<path class=\"l s{colour}{dash}\" d=\"{}\"><title>{}</title></path>",
            path(points.iter().map(|p| place(p, p.y))),
            escape(label)
        );
        for p in points.iter().filter(|p| p.pivot || points.len() == 1) {
            let (h, v) = place(p, p.y);
            let _ = writeln!(out, "<circle class=\"f{colour}\" cx=\"{h:.1}\" cy=\"{v:.1}\" r=\"4\"/>");
        }
    }
    for (i, (label, number, _)) in chart.series.iter().take(names).enumerate() {
        let (colour, dash) = (number % COLOURS, if (number / COLOURS) % 2 == 1 { " d" } else { "" });
        let (h, v) = (
            LEGEND_LEFT + (WIDTH - LEGEND_LEFT) / 2.0 * (i % 2) as f64,
            bottom + BELOW + LEGEND_LINE * (i / 2) as f64 + 8.0,
        );
        let _ = writeln!(
            out,
            "<path class=\"l s{colour}{dash}\" d=\"M{h} {v}h22\"/><text class=\"n\" x=\"{}\" y=\"{}\">{}</text>",
            h + 28.0,
            v + 4.0,
            escape(&short(label, NAME))
        );
    }
    if chart.series.len() > names {
        let v = bottom + BELOW + LEGEND_LINE * names.div_ceil(2) as f64 + 12.0;
        let _ = writeln!(
            out,
            "<text class=\"n\" x=\"{LEGEND_LEFT}\" y=\"{v}\">and {} more</text>",
            chart.series.len() - names
        );
    }
    out.push_str("</svg>");
    out
}

/// A name of at most so many letters.
pub fn short(label: &str, most: usize) -> String {
    if label.chars().count() > most { label.chars().take(most - 1).chain(['…']).collect() } else { label.to_owned() }
}

/// A line through places.
fn path(places: impl Iterator<Item = (f64, f64)>) -> String {
    places.enumerate().fold(String::new(), |mut out, (i, (x, y))| {
        let _ = write!(out, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
        out
    })
}

/// A text within HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        let ticks = |log, low, high| Axis { log, low, high }.ticks();
        assert_eq!(ticks(false, 12.0, 93.0), [20.0, 40.0, 60.0, 80.0]);
        assert_eq!(ticks(false, 0.0, 330.0), [0.0, 100.0, 200.0, 300.0]);
        assert_eq!(ticks(true, 0.9, 120.0), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        assert_eq!(ticks(true, 2.1, 2.6).len(), 6);
        assert!(ticks(true, 1e-12, 1e3).len() <= 8);
        assert_eq!([0.5, 100.0, 0.00012, 0.0, 2e6].map(number), ["0.5", "100", "1.2e-4", "0", "2e6"]);
        assert_eq!(number(3.0 * 1e-4 + 5e-4), "8e-4", "whatever the last bit is");
    }

    #[test]
    fn axes_place_their_ends_at_the_ends() {
        let axis = Axis::of(true, [0.1, 10.0, -1.0, f64::NAN].into_iter());
        assert_eq!((axis.place(0.1), axis.place(10.0)), (0.0, 1.0));
        assert!((axis.place(1.0) - 0.5).abs() < 1e-12);
        let one = Axis::of(false, [3.0].into_iter());
        assert_eq!(one.place(3.0), 0.5);
    }
}
