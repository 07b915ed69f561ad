//! Forward and backward passes and probes against PyTorch's f64 results, on the tests' device in every flavour and subgroup size, and on
//! the CPU twins.

#[path = "support/flavours.rs"]
mod flavour_support;
#[path = "support/shared.rs"]
mod shared;

use flavour_support::{everything, flavours, ran, subgroups};
use shared::Shared;
use zowarmup::caps::{Layout, OperandSource, Tier};
use zowarmup::device::{Device, ReferenceDevice, Selection, testing};
use zowarmup::engine::{Engine, Gradients, ProbeSettings, Sides, Workspace};
use zowarmup::golden::{Golden, Mode, PassGolden, SpsaGolden};
use zowarmup::kernels::way::Way;
use zowarmup::tune::Ways;

fn path(file: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file)
}

fn relative(ours: &[f32], golden: &[f32]) -> f64 {
    assert_eq!(ours.len(), golden.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let mut difference = ours.iter().zip(golden).map(|(a, b)| f64::from(*a) - f64::from(*b));
    norm(&mut difference) / norm(&mut golden.iter().map(|b| f64::from(*b))).max(1e-30)
}

fn pass(file: &str) -> PassGolden {
    match Golden::read(&path(file)).unwrap() {
        Golden::Pass(golden) => *golden,
        _ => panic!("{file} is no forward and backward pass"),
    }
}

/// How much of the files a device runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Share {
    /// What subgroups of other sizes than the device's own run: convolutions of each kind of window, a norm, what a software adapter compiles
    /// soonest. The kernels' own tests have the rest in these sizes.
    Least,
    /// What other flavours than the device's own run.
    Part,
    /// All.
    Whole,
}
use Share::{Least, Part, Whole};

impl Share {
    fn whole_if(whole: bool, else_share: Self) -> Self {
        if whole { Whole } else { else_share }
    }
}

/// Files, and the least share that has them.
const PASSES: [(&str, Share); 9] = [
    ("mlp", Least),
    ("cnn-1x28x28", Whole),
    ("cnn-3x32x32", Part),
    ("sequential", Whole),
    ("sequential-norm", Least),
    ("resnet-group", Whole),
    ("resnet-batch-train", Whole),
    ("resnet-batch-eval", Whole),
    ("vit", Whole),
];

/// The model of a file on a device; with a way, everything that it computes goes that way, channels last.
fn engine(device: Box<dyn Device>, golden: &PassGolden, way: Option<Way>) -> Engine {
    let mut space = Workspace::new(device).unwrap();
    space.set_ways(way.map(|way| Ways::uniform(&golden.graph, Layout::ChannelsLast, way)));
    Engine::on(space, golden.graph.clone(), &golden.weights).unwrap()
}

fn forward_and_backward(shared: &Shared, share: Share, way: Option<Way>) {
    for (file, _) in PASSES.into_iter().filter(|(_, least)| share >= *least) {
        let golden = pass(&format!("{file}.safetensors"));
        let batch_statistics = golden.mode == Mode::Train;
        let device = shared.boxed();
        let name = device.info().name.clone();
        let mut engine = engine(device, &golden, way);
        let before = engine.fingerprint().unwrap();
        let outputs = engine.outputs(&golden.x, &golden.y, batch_statistics).unwrap();
        let error = relative(&outputs.logits, &golden.logits);
        assert!(error <= 1e-4, "{file} logits on {name}: {error}");
        let error = relative(&[outputs.loss], &[golden.loss]);
        assert!(error <= 1e-4, "{file} loss on {name}: {error}");
        let Gradients { loss, gradients, statistics } =
            engine.gradients(&golden.x, &golden.y, batch_statistics).unwrap();
        assert!(relative(&[loss], &[golden.loss]) <= 1e-4, "{file} loss of the backward pass on {name}");
        for tensor in golden.graph.params() {
            let range = tensor.offset..tensor.offset + tensor.len;
            let error = relative(&gradients[range.clone()], &golden.grads[range]);
            assert!(error <= 1e-3, "{file} gradient of {} on {name}: {error}", tensor.name);
        }
        let first = golden.graph.param_count();
        for tensor in golden.graph.buffers().iter().filter(|_| batch_statistics) {
            let range = tensor.offset - first..tensor.offset - first + tensor.len;
            let error = relative(&statistics[range.clone()], &golden.out_buffers[range]);
            assert!(error <= 1e-4, "{file} {} on {name}: {error}", tensor.name);
        }
        assert_eq!(engine.fingerprint().unwrap(), before, "{file} on {name}: a pass changed the weights");
    }
}

/// Probes, which leave the weights alone.
fn probes(shared: &Shared, share: Share, way: Option<Way>) {
    for (spsa, file, least) in [
        ("spsa-mlp.json", "mlp.safetensors", Least),
        ("spsa-cnn.json", "cnn-1x28x28.safetensors", Part),
        ("spsa-resnet.json", "resnet-group.safetensors", Whole),
        ("spsa-resnet-batch.json", "resnet-batch-train.safetensors", Whole),
        ("spsa-vit.json", "vit.safetensors", Whole),
    ] {
        if share < least {
            continue;
        }
        let Golden::Spsa(SpsaGolden { golden, mode, seed, tau, cases, .. }) = Golden::read(&path(spsa)).unwrap() else {
            panic!("{spsa}");
        };
        let pass = pass(golden.file_name().unwrap().to_str().unwrap());
        assert!(path(file).exists());
        let device = shared.boxed();
        let name = device.info().name.clone();
        let mut engine = engine(device, &pass, way);
        let before = engine.fingerprint().unwrap();
        for case in &cases {
            let batch_statistics = mode == Mode::Train;
            let (distribution, epsilon) = (case.distribution, case.epsilon);
            let settings = ProbeSettings { distribution, tau, epsilon, sides: Sides::Two, batch_statistics };
            let (plus, minus, dl) = engine.probe_given(&pass.x, &pass.y, seed, &settings).unwrap();
            let error = (f64::from(dl) - case.dl).abs();
            let what = format!("{spsa} {} {} on {name}", case.distribution, case.epsilon);
            assert!(error <= case.tolerance(), "{what}: {dl} for {}", case.dl);
            assert!((f64::from(plus) - case.loss_plus).abs() <= 1e-4 * case.loss_plus, "{what}: L+");
            assert!((f64::from(minus) - case.loss_minus).abs() <= 1e-4 * case.loss_minus, "{what}: L-");
        }
        assert_eq!(engine.fingerprint().unwrap(), before, "{spsa} on {name}: a probe changed the weights");
    }
}

fn agree(device: Box<dyn Device>, share: Share) {
    let shared = Shared::new(device);
    forward_and_backward(&shared, share, None);
    probes(&shared, share, None);
}

fn agree_with_golden_files(tier: Tier, operands: OperandSource) {
    if let Some(selection) = testing::flavour(tier, operands) {
        let own = testing::device().info().clone();
        let own = (own.tier, own.operands) == (tier, operands);
        agree(testing::opened(&selection), Share::whole_if(everything() || own, Part));
    }
}

flavours!(agree_with_golden_files);

#[test]
fn the_twins_agree_with_golden_files() {
    agree(Box::new(ReferenceDevice::new(None)), Whole);
}

#[test]
fn channels_last_agrees_with_golden_files() {
    let selection = Selection { layout: Some(Layout::ChannelsLast), ..testing::selection() };
    agree(testing::opened(&selection), Share::whole_if(everything(), Part));
}

#[test]
fn the_twins_with_channels_last_agree_with_golden_files() {
    agree(Box::new(ReferenceDevice::new(None).laid_out(Layout::ChannelsLast)), Whole);
}

/// Tiles in workgroup memory, with as exact products as shuffles.
#[test]
fn products_by_tiles_agree_with_golden_files() {
    let core = Selection { tier: Some(Tier::Core), operands: Some(OperandSource::Buffer), ..testing::selection() };
    let all = if everything() { vec![testing::selection(), core] } else { vec![core] };
    for selection in all {
        let shared = Shared::new(testing::opened(&selection));
        let way = "block 32x32x16 4x4".parse().unwrap();
        let share = Share::whole_if(everything(), Part);
        forward_and_backward(&shared, share, Some(way));
        probes(&shared, share, Some(way));
    }
}

const WITH_SUBGROUPS: &str = "golden_files_with_subgroups";

#[test]
#[ignore = "started by subgroups_of_*"]
fn golden_files_with_subgroups() {
    let selection = Selection { tier: Some(Tier::Subgroup), ..testing::selection() };
    let device = testing::opened(&selection);
    let size = device.info().subgroup_size;
    agree(device, Share::whole_if(everything(), Least));
    println!("{}", ran(WITH_SUBGROUPS, size));
}

subgroups!(WITH_SUBGROUPS);
