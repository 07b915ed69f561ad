//! Which rate, step and number of probes the rows speak for.

use super::report::{Hessian, Row, Suggestion};
use super::request::Point;
use crate::config::{ZoConfig, ZoRate};
use crate::fed::zo::Rates;
use crate::model::Graph;

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

/// The rate of `zo.lr = "auto"` in a round of so many different seeds.
pub fn auto_rate(zo: &ZoConfig, graph: &Graph, seeds: usize) -> f64 {
    let plain = ZoConfig { lr: ZoRate::Auto, rate_guard: false, ..zo.clone() };
    Rates::new(&plain, graph).of(0, seeds)
}

/// What `rows` suggest for a config, whose own row is the point `own`; `clients` probe in a round.
pub fn suggest(rows: &[Row], own: Point, zo: &ZoConfig, graph: &Graph, clients: usize) -> Suggestion {
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
    let all = probes as usize * if zo.shared_seeds { 1 } else { clients };
    let seeds = if zo.seed_pool > 0 { all.min(zo.seed_pool as usize) } else { all };
    let lr = auto_rate(zo, graph, seeds);
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
    use crate::config::Config;
    use crate::model::ModelSpec;

    fn mlp() -> Graph {
        let table = serde_json::json!({"kind": "mlp", "input": 8, "hidden": [6], "classes": 4});
        ModelSpec::from_json(&table).unwrap().graph().unwrap()
    }

    fn zo(sets: &[&str]) -> ZoConfig {
        let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
        Config::load(None, &sets).unwrap().zo
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
        let (mut zo, mlp) = (zo(&["zo.tau=0.5", "zo.rate_guard=true", "zo.lr_decay=0.5"]), mlp());
        let expected = |seeds: f64| 0.02 * seeds / (0.25 * (8.0f64 * 6.0 + 6.0 + 24.0 + 4.0).sqrt());
        assert!((auto_rate(&zo, &mlp, 12) - expected(12.0)).abs() < 1e-15);
        let own = Point::of(&zo);
        let lr = |zo: &ZoConfig| suggest(&[], own, zo, &mlp, 4).lr;
        assert!((lr(&zo) - expected(12.0)).abs() < 1e-15);
        zo.seed_pool = 5;
        assert!((lr(&zo) - expected(5.0)).abs() < 1e-15);
        (zo.seed_pool, zo.shared_seeds) = (0, true);
        assert!((lr(&zo) - expected(3.0)).abs() < 1e-15);
    }

    #[test]
    fn a_level_cosine_and_the_least_error_are_suggested() {
        let (zo, mlp) = (zo(&["zo.tau=0.5", "zo.epsilon=1e-3", "zo.probes=4"]), mlp());
        let own = Point::of(&zo);
        // Cosines of sqrt(S / (S + V)) with V = 16: from 16 to 64 the exponent is 0.17, from 4 to 16 0.33.
        let cosine = |s: u32| (f64::from(s) / f64::from(s + 16)).sqrt();
        let mut rows: Vec<Row> = [4, 64, 1, 16].iter().map(|&s| row(s, 1e-3, cosine(s), 1e-2)).collect();
        rows.push(row(4, 1e-2, 0.9, 2e-2));
        rows.push(row(4, 1e-4, 0.9, 3e-3));
        rows.push(Row { tau: 0.75, ..row(4, 1e-5, 0.9, 1e-9) });
        let suggestion = suggest(&rows, own, &zo, &mlp, 3);
        assert_eq!((suggestion.probes, suggestion.epsilon, suggestion.more_probes), (16, 1e-4, false));
        assert_eq!(suggestion.lr, auto_rate(&zo, &mlp, 48));
        rows.retain(|row| row.probes <= 16);
        let suggestion = suggest(&rows, own, &zo, &mlp, 3);
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
