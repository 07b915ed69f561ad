//! What a probe gives on either side, and what it costs.

mod support;

use serde_json::json;
use support::{Images, device, graph};
use zowarmup::engine::{Engine, ProbeClient, ProbeResult, ProbeSettings, Samples, Sides};
use zowarmup::model::Graph;
use zowarmup::stream::Distribution;

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
