//! Forward passes whose activations are f16 in memory: no result depends on how memory cuts the work, and probes agree with those in f32.

mod support;

use serde_json::json;
use support::{Images, graph};
use zowarmup::caps::{Layout, Precision};
use zowarmup::device::{Device, Selection, testing};
use zowarmup::engine::{Engine, ProbeClient, ProbeSettings, Sides};
use zowarmup::model::Graph;
use zowarmup::stream::Distribution;

const SAMPLES: u32 = 60;

/// A device whose matrices plain code multiplies, the CPU twins or the tests' own.
fn device(reference: bool, precision: Precision, memory_budget: Option<u64>) -> Box<dyn Device> {
    let of = if reference { Selection::of("reference") } else { testing::selection() };
    let (layout, emulated_matrices) = (Some(Layout::ChannelsLast), true);
    testing::opened(&Selection { layout, emulated_matrices, memory_budget, ..of }.with_precision(precision))
}

/// Every two values of a layer are whole eights.
fn deep() -> Graph {
    graph(json!({"kind": "mlp", "input": [2, 8, 8], "hidden": [16, 24, 8], "classes": 5}))
}

/// Blocks whose shortcuts are the same and those that a convolution makes, behind norms with running statistics.
fn resnet() -> Graph {
    graph(json!({"kind": "resnet", "input": [2, 8, 8], "depth": 10, "width": 8, "norm": "batch", "classes": 5}))
}

/// dl of each probe, the loss at each, and launches.
fn probes(device: Box<dyn Device>, graph: &Graph) -> (Vec<(f32, f32)>, u64) {
    let mut engine = Engine::new(device, graph.clone(), &graph.init_weights(5)).unwrap();
    let samples = engine.upload(&Images::new(SAMPLES as usize, 5, (2, 64)).set()).unwrap();
    let order: Vec<u32> = (0..SAMPLES).map(|i| i * 7 % SAMPLES).collect();
    let seeds = [11, 12, 1 << 40];
    let clients = [&order[..1], &order[1..24], &order[24..]].map(|indices| ProbeClient { indices, seeds: &seeds });
    let settings = ProbeSettings {
        distribution: Distribution::Rademacher,
        tau: 0.75,
        epsilon: 1e-2,
        sides: Sides::Two,
        batch_statistics: false,
    };
    engine.take_counters();
    let before = engine.fingerprint().unwrap();
    let probes = engine.probe(&samples, &clients, &settings).unwrap();
    assert_eq!(engine.fingerprint().unwrap(), before);
    (probes.iter().map(|probe| (probe.dl, probe.loss)).collect(), engine.take_counters().dispatches)
}

fn bits(values: &[(f32, f32)]) -> Vec<[u32; 2]> {
    values.iter().map(|(dl, loss)| [dl.to_bits(), loss.to_bits()]).collect()
}

#[test]
fn no_probe_depends_on_the_memory_budget() {
    // The twins take a small ResNet; its many pipelines take a software adapter too long.
    for (name, graph, reference, kib) in
        [("mlp", deep(), true, 112), ("mlp", deep(), false, 112), ("resnet", resnet(), true, 1400)]
    {
        let (whole, plenty) = probes(device(reference, Precision::F16, None), &graph);
        let (cut, more) = probes(device(reference, Precision::F16, Some(kib << 10)), &graph);
        assert!(more > plenty, "{name}: nothing was cut");
        assert_eq!(bits(&whole), bits(&cut), "{name}, the twins {reference}");
    }
}

/// A value of f16 is off by 2^-11 of itself at most, operands and activations alike: at an epsilon that moves weights a hundred times as
/// far, what a probe measures is off by a twentieth at most, and by something.
#[test]
fn probes_are_those_of_f32_but_for_what_f16_leaves() {
    for (graph, reference) in [(deep(), false), (resnet(), true)] {
        let (exact, _) = probes(device(reference, Precision::F32, None), &graph);
        let (ours, _) = probes(device(reference, Precision::F16, None), &graph);
        let square = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>();
        let error = square(&mut exact.iter().zip(&ours).map(|(a, b)| a.0 - b.0)).sqrt();
        let relative = error / square(&mut exact.iter().map(|a| a.0)).sqrt();
        assert!(relative > 1e-5 && relative < 0.05, "{relative:e}");
        for (a, b) in exact.iter().zip(&ours) {
            assert!((a.1 - b.1).abs() < 5e-3 * a.1, "{} for {}", b.1, a.1);
        }
    }
}
