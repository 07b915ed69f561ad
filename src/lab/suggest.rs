//! Which rate, step and number of probes the rows speak for.

use super::report::{Hessian, Row, Suggestion};
use super::request::Point;
use crate::model::{Graph, Layer};

/// The exponent of the cosine's growth with S below which more probes no longer pay. Far from the true gradient it is 1/2.
const LEVEL: f64 = 0.25;
/// Rounding no longer matters for a figure whose error is within this factor of the least.
const SETTLED: f64 = 1.1;

/// Whether two rows agree in all but S, or in all but the step.
fn beside(row: &Row, own: Point, step: bool) -> bool {
    let s = own.setting;
    let same = (row.tau, row.distribution, row.sides) == (s.tau, s.distribution.name(), s.sides);
    same && if step { row.probes == own.probes } else { row.epsilon == s.epsilon }
}

/// The rate of `zo.lr = "auto"`: `c n / (tau^2 sqrt d)`, n being the distinct seeds of a round.
pub fn auto_rate(graph: &Graph, tau: f64, seeds: u64) -> f64 {
    let curved = graph.nodes.iter().any(|n| matches!(n.layer, Layer::Conv(_) | Layer::Attention(_)));
    let c = if curved { 0.003 } else { 0.02 };
    c * seeds as f64 / (tau * tau * (graph.param_count() as f64).sqrt())
}

/// What `rows` suggest beside the point `own`. `seeds`: how many different ones a round of so many probes a client has.
pub fn suggest(rows: &[Row], own: Point, graph: &Graph, seeds: impl Fn(u32) -> u64) -> Suggestion {
    // The step whose differences are nearest to the slope: rounding falls with it, curvature grows.
    let steps = rows.iter().filter(|row| beside(row, own, true) && row.dl_error.is_finite());
    let epsilon = steps.min_by(|a, b| a.dl_error.total_cmp(&b.dl_error)).map_or(own.setting.epsilon, |row| row.epsilon);
    let mut sizes: Vec<(u32, f64)> =
        rows.iter().filter(|row| beside(row, own, false)).map(|row| (row.probes, row.cosine)).collect();
    sizes.sort_by_key(|(probes, _)| *probes);
    let growth =
        |pair: &[(u32, f64)]| (pair[1].1 / pair[0].1).ln() / (f64::from(pair[1].0) / f64::from(pair[0].0)).ln();
    let level = sizes.windows(2).find(|pair| growth(pair) < LEVEL).map(|pair| pair[0].0);
    let probes = level.or_else(|| sizes.last().map(|(probes, _)| *probes)).unwrap_or(own.probes);
    let lr = auto_rate(graph, own.setting.tau, seeds(probes));
    Suggestion { lr, epsilon, probes, more_probes: level.is_none() }
}

/// Of the same trace measured with several steps, that of the smallest one whose error is near the least: larger ones bend the loss more
/// than the trace says, smaller ones round more.
pub fn best_trace(mut all: Vec<Hessian>) -> Option<Hessian> {
    all.retain(|h| h.error.is_finite());
    let least = all.iter().map(|h| h.error).min_by(f64::total_cmp)?;
    all.into_iter().filter(|h| h.error <= SETTLED * least).min_by(|a, b| a.epsilon.total_cmp(&b.epsilon))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::Setting;
    use crate::model::ModelSpec;
    use crate::stream::Distribution;

    fn graph(table: &serde_json::Value) -> Graph {
        ModelSpec::from_json(table).unwrap().graph().unwrap()
    }

    fn row(probes: u32, epsilon: f64, cosine: f64, dl_error: f64) -> Row {
        Row {
            probes,
            epsilon,
            tau: 0.5,
            distribution: "rademacher",
            precision: "f32",
            sides: 2,
            cosine,
            bias: 0.0,
            bias_error: 0.0,
            variance: 0.0,
            expected_variance: 0.0,
            dl_zero: 0.0,
            dl_noise: 0.0,
            dl_error,
            dropped: 0,
        }
    }

    #[test]
    fn rates_are_the_contracts() {
        let mlp = graph(&serde_json::json!({"kind": "mlp", "input": 8, "hidden": [6], "classes": 4}));
        let expected = 0.02 * 12.0 / (0.25 * (8.0f64 * 6.0 + 6.0 + 24.0 + 4.0).sqrt());
        assert!((auto_rate(&mlp, 0.5, 12) - expected).abs() < 1e-15);
        let cnn = graph(&serde_json::json!(
            {"kind": "cnn", "input": [1, 8, 8], "channels": [2], "hidden": 4, "classes": 3}
        ));
        assert!((auto_rate(&cnn, 1.0, 1) * (cnn.param_count() as f64).sqrt() - 0.003).abs() < 1e-15);
    }

    #[test]
    fn a_level_cosine_and_the_least_error_are_suggested() {
        let mlp = graph(&serde_json::json!({"kind": "mlp", "input": 8, "hidden": [6], "classes": 4}));
        let setting = Setting { epsilon: 1e-3, tau: 0.5, distribution: Distribution::Rademacher, sides: 2 };
        let own = Point { probes: 4, setting };
        // Cosines of sqrt(S / (S + V)) with V = 16: from 16 to 64 the exponent is 0.17, from 4 to 16 0.33.
        let cosine = |s: u32| (f64::from(s) / f64::from(s + 16)).sqrt();
        let mut rows: Vec<Row> = [4, 64, 1, 16].iter().map(|&s| row(s, 1e-3, cosine(s), 1e-2)).collect();
        rows.push(row(4, 1e-2, 0.9, 2e-2));
        rows.push(row(4, 1e-4, 0.9, 3e-3));
        rows.push(Row { tau: 0.75, ..row(4, 1e-5, 0.9, 1e-9) });
        let suggestion = suggest(&rows, own, &mlp, |s| 3 * u64::from(s));
        assert_eq!((suggestion.probes, suggestion.epsilon, suggestion.more_probes), (16, 1e-4, false));
        assert_eq!(suggestion.lr, auto_rate(&mlp, 0.5, 48));
        rows.retain(|row| row.probes <= 16);
        let suggestion = suggest(&rows, own, &mlp, |s| 3 * u64::from(s));
        assert_eq!((suggestion.probes, suggestion.more_probes), (16, true));
    }

    #[test]
    fn the_trace_is_that_of_the_smallest_step_without_rounding() {
        let of = |epsilon, error| Hessian { trace: 1.0, error, epsilon };
        let best = best_trace(vec![of(1e-4, 90.0), of(1e-2, 1.0), of(1e-3, 1.05), of(1e-5, f64::NAN)]);
        assert_eq!(best.map(|h| h.epsilon), Some(1e-3));
        assert_eq!(best_trace(Vec::new()), None);
    }
}
