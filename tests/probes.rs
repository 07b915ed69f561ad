//! What a probe gives on either side, and what it costs.

mod support;

use serde_json::json;
use support::{Images, device, graph};
use zowarmup::engine::{Engine, ProbeClient, ProbeResult, ProbeSettings, Samples, Sides};
use zowarmup::model::Graph;
use zowarmup::stream::{self, Distribution};

const TWO: ProbeSettings = ProbeSettings {
    distribution: Distribution::Rademacher,
    tau: 0.75,
    epsilon: 1e-2,
    sides: Sides::Two,
    batch_statistics: false,
};

fn cnn() -> Graph {
    graph(json!({"kind": "cnn", "input": [2, 8, 8], "channels": [4, 6], "hidden": 12, "classes": 5}))
}

fn mlp() -> Graph {
    graph(json!({"kind": "mlp", "input": [2, 8, 8], "hidden": [24], "classes": 5}))
}

fn engine(reference: bool, graph: &Graph) -> (Engine, Samples) {
    let mut engine = Engine::new(device(reference, None), graph.clone(), &graph.init_weights(5)).unwrap();
    let samples = engine.upload(&Images::new(50, 5, (2, 64)).set()).unwrap();
    (engine, samples)
}

/// A one-sided probe is the plus side of a two-sided one against the loss of the weights as they are.
#[test]
fn one_side_is_compared_with_the_plain_loss() {
    let indices: Vec<u32> = (0..50).collect();
    let clients = [&indices[..1], &indices[1..38], &indices[38..]]
        .map(|indices| ProbeClient { indices, seeds: &[3, 4, 1 << 40] });
    for (reference, graph) in [(true, mlp()), (true, cnn()), (false, mlp()), (false, cnn())] {
        let (mut engine, samples) = engine(reference, &graph);
        let mut probe = |settings: ProbeSettings| engine.probe(&samples, &clients, &settings).unwrap();
        let two = probe(TWO);
        // Without a step both sides are the plain loss.
        let plain = probe(ProbeSettings { epsilon: 0.0, ..TWO });
        let one = probe(ProbeSettings { sides: Sides::One, ..TWO });
        assert!(plain.iter().all(|p| p.dl == 0.0));
        for ((one, two), plain) in one.iter().zip(&two).zip(&plain) {
            let plus = two.loss + two.dl / 2.0;
            // Four means of at most 37 losses below 4, each of them to some 6 roundings of a tree and a division.
            let tolerance = 4.0 * 7.0 * 4.0 * f32::EPSILON / 2.0;
            assert!(plain.loss < 4.0 && (plus - plain.loss - one.dl).abs() < tolerance, "{one:?} {two:?} {plain:?}");
            assert!(((plus + plain.loss) / 2.0 - one.loss).abs() < tolerance, "{one:?} {two:?} {plain:?}");
            assert!(one.dl.abs() > 100.0 * tolerance, "{one:?}");
        }
        let given = |p: &ProbeResult| (p.dl, p.loss);
        assert_ne!(one.iter().map(given).collect::<Vec<_>>(), two.iter().map(given).collect::<Vec<_>>());
    }
}

#[test]
fn the_plain_loss_is_evaluated_once_a_client() {
    for (sides, probes, evaluations) in
        [(Sides::Two, 3, 6), (Sides::One, 3, 4), (Sides::One, 1, 2), (Sides::One, 0, 0), (Sides::Two, 0, 0)]
    {
        assert_eq!(sides.evaluations(probes), evaluations, "{sides:?} {probes}");
    }
}

/// The device's factors are those of the elements summed in f64, and a direction's lanes have them.
#[test]
fn the_sphere_is_the_gaussian_at_its_factor() {
    let indices: Vec<u32> = (0..20).collect();
    for (reference, graph) in [(true, mlp()), (false, cnn())] {
        let (mut engine, samples) = engine(reference, &graph);
        let (d, seeds) = (graph.param_count(), [3, 4, 1 << 40]);
        let factors = engine.sphere_factors(&seeds).unwrap();
        for (&seed, factor) in seeds.iter().zip(&factors) {
            let mut e = vec![0.0f32; d];
            stream::fill(Distribution::Gaussian, seed, 0, &mut e);
            let squares: f64 = e.iter().map(|&e| f64::from(e).powi(2)).sum();
            // Half the error of a sum of squares: of elements within 1e-5 (1 + |e|), and 41 roundings.
            let error = factor / (d as f64 / squares).sqrt() - 1.0;
            assert!(error.abs() < 1.8e-5 + 41.0 * 2f64.powi(-25), "{error}");
            assert!((factor - 1.0).abs() > 1e-4, "{factor}");
        }
        let mut probe = |settings: ProbeSettings, seeds: &[u64]| {
            engine.probe(&samples, &[ProbeClient { indices: &indices, seeds }], &settings).unwrap()
        };
        for sides in [Sides::One, Sides::Two] {
            let sphere = probe(ProbeSettings { distribution: Distribution::Sphere, sides, ..TWO }, &seeds);
            for ((&seed, factor), sphere) in seeds.iter().zip(&factors).zip(&sphere) {
                let epsilon = TWO.epsilon * factor;
                let gaussian = ProbeSettings { distribution: Distribution::Gaussian, epsilon, sides, ..TWO };
                let gaussian = probe(gaussian, &[seed])[0];
                // The coefficient's factors are multiplied in another order: its f32 may be the neighbour.
                let moved = (gaussian.dl - sphere.dl).abs();
                assert!(moved <= 1e-5 * gaussian.dl.abs() + 4e-6, "{gaussian:?} {sphere:?}");
            }
            // Without them the differences are others.
            let without = probe(ProbeSettings { distribution: Distribution::Gaussian, sides, ..TWO }, &seeds);
            assert!(without.iter().zip(&sphere).any(|(a, b)| (a.dl - b.dl).abs() > 4e-5), "{without:?} {sphere:?}");
        }
    }
}
