//! Properties of HeteroFL's rounds, on the CPU twins. That they are what the method says, its golden federations show (`methods`).

mod support;

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Images, Narrow as NarrowBindings, bits, device};
use zowarmup::device::Device;
use zowarmup::engine::{ClientStep, Engine, HeteroClient, Moves, TrainClient};
use zowarmup::kernels::gather::Move;
use zowarmup::model::{Graph, ModelSpec, Narrow};

/// A model of 5 classes on images of 2 x 9 x 9, and a share of it.
fn share(share: f64, table: Value) -> (Graph, Narrow) {
    let spec = ModelSpec::from_json(&table).unwrap();
    (spec.graph().unwrap(), spec.narrow(share).unwrap())
}

/// Many layers of equal size, so that windows of a binding that holds the largest cut the sub-network's vector, too.
fn chain() -> (Graph, Narrow) {
    let hidden = [12, 40, 40, 40, 40, 40, 40, 40];
    share(0.7, json!({"kind": "mlp", "input": [2, 9, 9], "hidden": hidden, "classes": 5}))
}

fn cnn() -> (Graph, Narrow) {
    share(0.5, json!({"kind": "cnn", "input": [2, 9, 9], "channels": [5, 7], "hidden": 30, "classes": 5}))
}

fn resnet() -> (Graph, Narrow) {
    share(0.5, json!({"kind": "resnet", "input": [2, 9, 9], "depth": 10, "width": 3, "norm": "batch", "classes": 5}))
}

/// A client of the samples `indices`, in two batches, that holds these classes.
fn client(indices: std::ops::Range<u32>, classes: &[u32], narrow: bool) -> HeteroClient {
    let all: Vec<u32> = indices.collect();
    let batches = all.chunks(all.len().div_ceil(2)).map(<[u32]>::to_vec).collect();
    HeteroClient { work: TrainClient { batches, share: 0.0 }, classes: classes.to_vec(), narrow }
}

const LR: f32 = 0.1;
const ALL: [u32; 5] = [0, 1, 2, 3, 4];

/// The weights after a round of these clients, and those before it.
fn round(device: Box<dyn Device>, model: &(Graph, Narrow), clients: Vec<HeteroClient>) -> [Vec<f32>; 2] {
    stepped(device, model, clients, &ClientStep::plain(LR))
}

/// As [`round`], with steps of another kind.
fn stepped(
    device: Box<dyn Device>,
    (graph, narrow): &(Graph, Narrow),
    clients: Vec<HeteroClient>,
    step: &ClientStep<'_>,
) -> [Vec<f32>; 2] {
    let before = graph.init_weights(3);
    let mut engine = Engine::new(device, graph.clone(), &before).unwrap();
    let images = Images::new(60, 5, (2, 81));
    let samples = engine.upload(&images.set()).unwrap();
    let loss = engine.train_hetero(narrow, &samples, clients, step).unwrap();
    assert!(loss.is_finite() && loss > 0.0);
    [engine.weights().unwrap(), before]
}

/// High and low clients, one of unequal size, each of them with all classes.
fn mixed() -> Vec<HeteroClient> {
    let client = |(range, narrow)| client(range, &ALL, narrow);
    [(0..10, true), (10..20, false), (20..27, true), (27..37, false), (37..47, true)].map(client).into()
}

#[test]
fn no_bit_depends_on_how_a_round_is_cut() {
    // Clients one by one and their rows in parts; vectors in windows, of the model alone and of both.
    for (name, model, budget, binding, cut) in [
        ("cnn", cnn(), 128, 36 * 256, [false, false]),
        ("resnet", resnet(), 768, 84 * 256, [true, false]),
        ("chain", chain(), 448, 32 * 256, [true, true]),
    ] {
        let lengths = [model.0.state_len(), model.1.graph.state_len()];
        assert_eq!(lengths.map(|len| 4 * len as u64 > binding), cut, "{name}: {lengths:?}");
        let options =
            ClientStep { momentum: 0.5, weight_decay: 0.1, proximal_mu: 0.2, clip_norm: 1.0, ..ClientStep::plain(LR) };
        let round = |device| stepped(device, &model, mixed(), &options);
        let [whole, _] = round(device(true, None));
        for budget in [4 * budget, budget] {
            let [cut, _] = round(device(true, Some(budget << 10)));
            assert_eq!(bits(&cut), bits(&whole), "{name} in {budget} KiB");
        }
        let [cut, _] = round(NarrowBindings::boxed(device(true, None), binding));
        assert_eq!(bits(&cut), bits(&whole), "{name} with bindings of {binding} bytes");
    }
}

#[test]
fn clients_of_the_whole_model_are_averaged_as_by_fedavg() {
    // Halves are exact: the mean of two is the same as their sum times a half.
    let (graph, narrow) = cnn();
    let clients = || vec![client(0..10, &ALL, false), client(10..20, &ALL, false)];
    let [ours, before] = round(device(true, None), &(graph.clone(), narrow), clients());
    let mut engine = Engine::new(device(true, None), graph, &before).unwrap();
    let samples = engine.upload(&Images::new(60, 5, (2, 81)).set()).unwrap();
    let work: Vec<_> = clients().into_iter().map(|c| TrainClient { share: 0.5, ..c.work }).collect();
    engine.train_average(&samples, &work, &ClientStep::plain(LR), 1.0).unwrap();
    assert_eq!(bits(&engine.weights().unwrap()), bits(&ours));
}

#[test]
fn images_are_moved_by_their_clients_place_in_the_round() {
    let (pad, asked) = (2u8, RefCell::new(BTreeSet::new()));
    // Batches are halves of a client's samples; a crop from the middle is the image itself.
    let sizes: Vec<Vec<usize>> = mixed().iter().map(|c| c.work.batches.iter().map(Vec::len).collect()).collect();
    let moves = |client: usize, batch: usize| {
        asked.borrow_mut().insert((client, batch));
        let middle = Move { dx: pad, dy: pad, flip: false };
        Moves { width: 9, pad: u32::from(pad), rows: vec![middle; sizes[client][batch]] }
    };
    let step = ClientStep { moves: Some(&moves), ..ClientStep::plain(LR) };
    let [moved, _] = stepped(device(true, None), &cnn(), mixed(), &step);
    let [still, _] = round(device(true, None), &cnn(), mixed());
    assert_eq!(bits(&moved), bits(&still));
    assert_eq!(asked.into_inner(), (0..5).flat_map(|client| [(client, 0), (client, 1)]).collect());
}

#[test]
fn what_no_client_has_stays() {
    let model = cnn();
    let (graph, narrow) = &model;
    let images = Images::new(60, 5, (2, 81));
    let labels = images.set().labels.to_vec();
    // Clients of the sub-network alone, without any sample of class 4.
    let of: Vec<u32> = (0..60).filter(|&i| labels[i as usize] != 4).collect();
    let lacking = |batch: &[u32]| HeteroClient {
        work: TrainClient { batches: vec![batch.to_vec()], share: 0.0 },
        classes: vec![0, 1, 2, 3],
        narrow: true,
    };
    let [after, before] = round(device(true, None), &model, of.chunks(20).map(lacking).collect());
    let classifier = graph.classifier().unwrap();
    let (bias, row) = (classifier.bias.unwrap(), classifier.row);
    let lost = |i: usize| i == bias.end - 1 || (classifier.weight.end - row..classifier.weight.end).contains(&i);
    let mut changed = 0;
    for i in 0..graph.param_count() {
        let trained = narrow.indices.binary_search(&(i as u32)).is_ok() && !lost(i);
        assert!(trained || after[i].to_bits() == before[i].to_bits(), "weight {i}");
        changed += u32::from(trained && after[i] != before[i]);
    }
    // All that is trained moves, but for units that never fire.
    assert!(changed as usize > narrow.indices.len() / 2, "{changed} of {}", narrow.indices.len());
}

#[test]
fn running_statistics_stay() {
    let model = resnet();
    let [after, before] = round(device(true, None), &model, mixed());
    let d = model.0.param_count();
    assert_eq!(bits(&after[d..]), bits(&before[d..]));
    assert!(after[..d].iter().zip(&before[..d]).filter(|(a, b)| a != b).count() > d / 2);
}
