//! Damaged inputs of every format: a reader ends with its result or an error, never with a panic, and takes little memory
//! whatever the damaged bytes claim.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use zowarmup::config::Config;
use zowarmup::data::Dataset;
use zowarmup::device::Selection;
use zowarmup::fed::check::check;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::record::Record;
use zowarmup::fed::run;
use zowarmup::golden::Golden;
use zowarmup::ledger::Ledger;
use zowarmup::model::{Graph, ModelSpec};
use zowarmup::split::Split;
use zowarmup::weights;

/// Counts the bytes that each thread holds, and the most it held.
struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator as it came; counting touches only two plain cells.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.set(HELD.get().wrapping_add(layout.size()));
        PEAK.set(PEAK.get().max(HELD.get()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.set(HELD.get().saturating_sub(layout.size()));
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs a reader and gives the most memory it held, in bytes, and what it gave.
fn peak<T>(read: impl FnOnce() -> T) -> (usize, T) {
    let before = HELD.get();
    PEAK.set(before);
    let result = read();
    (PEAK.get() - before, result)
}

/// The most memory that a reader may take for a file of this size: some copies of it as parsed values, and its buffers.
fn bound(bytes: usize) -> usize {
    (4 << 20) + 64 * bytes
}

/// One way to damage bytes.
#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index, usize),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let index = any::<prop::sample::Index>;
    let one = prop_oneof![
        4 => (index(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        3 => (index(), prop_oneof![Just(0u8), Just(0xff), Just(b'9'), any::<u8>()]).prop_map(|(at, b)| Damage::Set(at, b)),
        1 => index().prop_map(Damage::Cut),
        1 => (index(), prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => (index(), 1usize..20).prop_map(|(at, n)| Damage::Remove(at, n)),
    ];
    prop::collection::vec(one, 1..5)
}

/// Damage anywhere, half of it at the beginning, where the headers are.
fn damaged(good: &[u8], damages: &[Damage], at_head: bool) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let place = |at: &prop::sample::Index| at.index(if at_head { bytes.len().min(64) } else { bytes.len() });
        match damage {
            Damage::Flip(at, bit) => {
                let at = place(at);
                bytes[at] ^= 1 << bit;
            }
            Damage::Set(at, byte) => {
                let at = place(at);
                bytes[at] = *byte;
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Insert(at, more) => {
                let at = place(at);
                bytes.splice(at..at, more.iter().copied());
            }
            Damage::Remove(at, n) => {
                let at = place(at);
                bytes.drain(at..(at + n).min(bytes.len()));
            }
        }
    }
    bytes
}

/// Checks a reader of bytes on many damaged copies; it must take the good ones.
fn survives<T, E: std::fmt::Display>(good: &[u8], read: impl Fn(&[u8]) -> Result<T, E>) {
    survives_within(good, bound, read);
}

/// The same with the most memory by the size of the input.
fn survives_within<T, E: std::fmt::Display>(
    good: &[u8],
    bound: impl Fn(usize) -> usize,
    read: impl Fn(&[u8]) -> Result<T, E>,
) {
    let (held, result) = peak(|| read(good));
    assert!(result.is_ok(), "the undamaged input: {}", result.err().unwrap());
    assert!(held <= bound(good.len()), "{held} bytes for an undamaged input of {}", good.len());
    let mut runner = prop::test_runner::TestRunner::new(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let checked = runner.run(&(damages(), any::<bool>()), |(damages, at_head)| {
        let bytes = damaged(good, &damages, at_head);
        let (held, message) = peak(|| read(&bytes).err().map(|e| e.to_string()));
        prop_assert!(held <= bound(bytes.len()), "{} bytes for an input of {}", held, bytes.len());
        // One line for a person, not a dump.
        if let Some(message) = message {
            prop_assert!(!message.is_empty() && message.len() < 2000, "{}", message);
        }
        Ok(())
    });
    if let Err(error) = checked {
        panic!("{error}");
    }
}

/// Checks a reader of a file called `name` in a folder that `read` is given.
fn file_survives<T, E: std::fmt::Display>(dir: &Path, name: &str, read: impl Fn(&Path) -> Result<T, E>) {
    let path = dir.join(name);
    let good = fs::read(&path).unwrap();
    survives(&good, |bytes| {
        fs::write(&path, bytes).unwrap();
        read(dir)
    });
    fs::write(&path, good).unwrap();
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn graph(table: &str) -> Graph {
    ModelSpec::from_json(&serde_json::from_str(table).unwrap()).unwrap().graph().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn configs() {
    let text = Config::default_toml_commented();
    survives(text.as_bytes(), |bytes| Config::parse(&String::from_utf8_lossy(bytes), "c.toml", Path::new("/"), &[]));
}

#[test]
fn ledgers() {
    for name in ["replay-small", "replay-binomial"] {
        let good = fs::read(golden(&format!("{name}/ledger.jsonl"))).unwrap();
        survives(&good, |bytes| Ledger::parse(Path::new("l"), bytes));
    }
}

#[test]
fn splits() {
    let config = Config::load(None, &["split.clients=5".to_owned()]).unwrap();
    let labels: Vec<u32> = (0..60).map(|i| i % 4).collect();
    let split = Split::new(&config.split, &labels, 4, 7, Some(vec![1, 2, 3])).unwrap();
    survives(split.to_json().as_bytes(), |bytes| Split::from_json(&String::from_utf8_lossy(bytes), Path::new("s")));
}

/// What a finished run has written. Whatever was changed in one of its files is found; so is a summary read by itself, as reports do, whole or
/// not at all.
#[test]
fn run_folders() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let sets = ["split.clients=3", "warmup.rounds=2", "zo.rounds=2", "eval.groups=true"].map(str::to_owned);
    let config = Config::load(None, &sets).unwrap();
    run::start(&config, Some(&run), &Selection::of("reference"), &mut Silent).unwrap();
    for name in ["summary.json", "manifest.json", "metrics.jsonl", "ledger.jsonl", "split.json"] {
        let path = run.join(name);
        let good = fs::read(&path).unwrap();
        survives(&good, |bytes| {
            fs::write(&path, bytes).unwrap();
            let found = check(&run).map_err(|e| e.to_string())?;
            assert_eq!(found.passed, bytes == good, "{name}");
            if found.passed { Ok(()) } else { Err(format!("{name} is another")) }
        });
        survives(&good, |bytes| {
            fs::write(&path, bytes).unwrap();
            Record::read(&run).map(drop)
        });
        fs::write(&path, good).unwrap();
    }
}

#[test]
fn weights_files() {
    let small = graph(r#"{"kind": "mlp", "input": 5, "hidden": [4], "classes": 3}"#);
    let norms = r#"{"kind": "resnet", "input": [1, 8, 8], "depth": 10, "width": 2, "norm": "batch", "classes": 3}"#;
    for graph in [small, graph(norms)] {
        let good = weights::encode(&graph.tensors, &graph.init_weights(1), &[("a", "b")]);
        survives(&good, |bytes| weights::decode(Path::new("w"), bytes, &graph.tensors));
    }
}

#[test]
fn golden_files() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["mlp.safetensors", "sequential-norm.safetensors", "spsa-mlp.json", "spsa-vit.json"] {
        fs::copy(golden(name), dir.path().join(name)).unwrap();
        file_survives(dir.path(), name, |dir| Golden::read(&dir.join(name)));
    }
}

#[test]
fn model_tables() {
    for table in [
        r#"{"kind": "vit", "input": [3, 8, 8], "patch": 4, "dim": 8, "depth": 2, "heads": 2, "mlp": 16, "classes": 10}"#,
        r#"{"kind": "cnn", "input": [1, 28, 28], "channels": [4, 8], "hidden": 16, "classes": 10}"#,
        r#"{"kind": "sequential", "input": [2, 9, 9], "layers": [{"conv": 4, "kernel": 3, "stride": 2, "padding": 1},
            {"groupnorm": 2}, "relu", {"maxpool": 2}, "flatten", {"linear": 5}], "classes": 5}"#,
        r#"{"kind": "resnet", "input": [1, 8, 8], "depth": 10, "width": 2, "norm": "batch", "classes": 3}"#,
    ] {
        survives(table.as_bytes(), |bytes| {
            let table = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
            ModelSpec::from_json(&table).and_then(|spec| spec.graph()).map_err(|e| e.to_string())
        });
    }
    let deep = r#"{"kind": "vit", "input": [1, 1, 1], "patch": 1, "dim": 1, "depth": 16000000, "heads": 1, "mlp": 1, "classes": 2}"#;
    let (held, message) = peak(|| ModelSpec::from_json(&serde_json::from_str(deep).unwrap()).unwrap_err().to_string());
    assert!(held < 1 << 20 && message.contains("depth"), "{held} bytes: {message}");
}

/// A data config of a folder.
fn load(name: &str, dir: &Path) -> Result<Dataset, String> {
    load_with(name, dir, &[])
}

/// The same with further keys.
fn load_with(name: &str, dir: &Path, more: &[&str]) -> Result<Dataset, String> {
    let mut sets = vec![format!("data.name={name}"), format!("data.path={}", dir.display())];
    sets.extend(more.iter().map(|&set| set.to_owned()));
    let config = Config::load(None, &sets).map_err(|e| e.to_string())?;
    Dataset::load(&config.data).map_err(|e| e.to_string())
}

#[test]
fn idx_files() {
    let dir = tempfile::tempdir().unwrap();
    let images = |n: u32| {
        let header: Vec<u8> = [0x0803, n, 6, 5].iter().flat_map(|w: &u32| w.to_be_bytes()).collect();
        [header, (0..n * 30).map(|i| i as u8).collect()].concat()
    };
    let ints = |n: u32| {
        let header: Vec<u8> = [0x0c01, n].iter().flat_map(|w: &u32| w.to_be_bytes()).collect();
        [header, (0..n).flat_map(|i| (i % 4).to_be_bytes()).collect()].concat()
    };
    for packed in [false, true] {
        let written = |bytes: Vec<u8>| if packed { gzip(&bytes) } else { bytes };
        for (name, bytes) in [
            ("train-images-idx3-ubyte", images(40)),
            ("train-labels-idx1-int", ints(40)),
            ("t10k-images-idx3-ubyte", images(8)),
            ("t10k-labels-idx1-int", ints(8)),
        ] {
            fs::write(dir.path().join(name), written(bytes)).unwrap();
        }
        for name in ["train-images-idx3-ubyte", "train-labels-idx1-int", "t10k-images-idx3-ubyte"] {
            file_survives(dir.path(), name, |dir| load("idx", dir));
        }
    }
}

#[test]
fn cifar_files() {
    for (name, lead, train, test) in
        [("cifar10", 1, "data_batch_1.bin", "test_batch.bin"), ("cifar100", 2, "train.bin", "test.bin")]
    {
        let dir = tempfile::tempdir().unwrap();
        let records: Vec<u8> = (0..3).flat_map(|i| [vec![i; lead], vec![i * 7; 3072]].concat()).collect();
        for packed in [false, true] {
            let bytes = if packed { gzip(&records) } else { records.clone() };
            fs::write(dir.path().join(train), &bytes).unwrap();
            fs::write(dir.path().join(test), &bytes).unwrap();
            file_survives(dir.path(), train, |dir| load(name, dir));
        }
    }
}

/// A file of tests/data, copied into a folder.
fn copied(dir: &Path, name: &str) -> PathBuf {
    let to = dir.join(name);
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name), &to).unwrap();
    to
}

#[test]
fn files_of_arrays() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, names) in [
        ("npz", &["bytes.npz", "floats.npz", "halves.npz"][..]),
        ("safetensors", &["bytes.safetensors", "halves.safetensors"]),
    ] {
        for name in names {
            let path = copied(dir.path(), name);
            file_survives(dir.path(), name, |_| load(kind, &path));
        }
    }
}

#[test]
fn csv_files() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["flowers.csv", "plain.csv"] {
        let path = copied(dir.path(), name);
        file_survives(dir.path(), name, |_| load("csv", &path));
    }
}

#[test]
fn leaf_files() {
    let dir = tempfile::tempdir().unwrap();
    let users = |first: u32| {
        let user = |n: u32| format!(r#""f{n:02}": {{"x": [[{n}, 0.5, -1e-3], [1, 2, {n}.25]], "y": [{}, 1]}}"#, n % 4);
        let names: Vec<String> = (first..first + 3).map(|n| format!("\"f{n:02}\"")).collect();
        let data: Vec<String> = (first..first + 3).map(user).collect();
        format!(
            r#"{{"users": [{}], "num_samples": [2, 2, 2], "hierarchies": [null], "user_data": {{{}}}}}"#,
            names.join(", "),
            data.join(", ")
        )
    };
    for (name, first) in [("a.json", 0), ("b.json", 3)] {
        fs::write(dir.path().join(name), users(first)).unwrap();
        file_survives(dir.path(), name, |dir| load_with("leaf", dir, &["split.kind=natural"]));
    }
    // Folders for training and test samples.
    for (folder, first) in [("train", 0), ("test", 1)] {
        fs::create_dir(dir.path().join(folder)).unwrap();
        fs::write(dir.path().join(folder).join("a.json"), users(first)).unwrap();
    }
    for name in ["train/a.json", "test/a.json"] {
        file_survives(dir.path(), name, |dir| load("leaf", dir));
    }
}

#[test]
#[cfg(feature = "parquet")]
fn parquet_files() {
    // As the command line does: nobody hears of panics that become a file's error. A backtrace would take memory of its own.
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !zowarmup::data::is_guarded() {
            usual(info);
        }
    }));
    let dir = tempfile::tempdir().unwrap();
    for (name, label) in [
        ("flowers.parquet", "data.client=user"),
        ("large.parquet", "data.label=y"),
        ("types-none.parquet", ""),
        ("types-snappy.parquet", ""),
        ("types-gzip.parquet", ""),
        ("types-lz4.parquet", ""),
    ] {
        let path = copied(dir.path(), name);
        let more: Vec<&str> = [label].into_iter().filter(|set| !set.is_empty()).collect();
        let good = fs::read(&path).unwrap();
        // Pages of up to a megabyte are believed, one of them at a time, and a value of a dictionary takes 32 bytes.
        survives_within(
            &good,
            |bytes| bound(bytes) + (33 << 20),
            |bytes| {
                fs::write(&path, bytes).unwrap();
                load_with("parquet", &path, &more)
            },
        );
    }
}

#[test]
fn folders_of_images() {
    let dir = tempfile::tempdir().unwrap();
    let written = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    // Five files: the last one is the test image.
    let files = ["a/0.png", "a/2.png", "b/0.webp", "b/2.png", "b/3.jpg"];
    for name in files {
        let from = if name == "b/3.jpg" { "jpeg/train/x/0.jpg".to_owned() } else { format!("images/{name}") };
        fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
        fs::copy(written.join(from), dir.path().join(name)).unwrap();
    }
    for name in files {
        let path = dir.path().join(name);
        let good = fs::read(&path).unwrap();
        // A damaged header may claim an image as large as the file could become; decoders hold it a few times.
        let bound = |bytes: usize| (16 << 20) + 16 * 8256 * bytes;
        survives_within(&good, bound, |bytes| {
            fs::write(&path, bytes).unwrap();
            load_with("images", dir.path(), &["data.size=[4,4]"])
        });
        fs::write(&path, good).unwrap();
    }
}

/// A deflated member whose archive claims as much as so many bytes can become, but holds less, in samples of any size.
#[test]
fn an_archive_takes_no_more_memory_than_its_samples() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    for shape in ["(60000, 1000)", "(1, 60000000)", "(6, 10000000)"] {
        let npy = |shape: &str| {
            let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}");
            [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text.as_bytes()].concat()
        };
        let mut x = npy(shape);
        let head = x.len();
        x.resize(head + 1000, 0);
        let count = shape[1..].split(',').next().unwrap().parse::<usize>().unwrap();
        let mut y = npy(&format!("({count},)"));
        y.resize(y.len() + count, 0);
        let claimed = head as u32 + 60_000_000;
        fs::write(&path, zip(&[("x.npy", &x, Some(claimed)), ("y.npy", &y, None)])).unwrap();
        let (held, message) = peak(|| load("npz", &path).unwrap_err());
        assert!(held < 4 << 20, "{shape}: {held} bytes: {message}");
    }
}

/// A zip archive of members stored, or deflated with another size than they have.
fn zip(members: &[(&str, &[u8], Option<u32>)]) -> Vec<u8> {
    let (mut bytes, mut table) = (Vec::new(), Vec::new());
    for (name, content, claimed) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut packed = content.to_vec();
        if claimed.is_some() {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::none());
            std::io::Write::write_all(&mut encoder, content).unwrap();
            // Enough bytes behind the stream's end for the claim to be possible.
            packed = encoder.finish().unwrap();
            packed.resize(64 << 10, 0);
        }
        let (method, at) = (if claimed.is_some() { 8u16 } else { 0 }, bytes.len() as u32);
        let (packed_size, size) = (packed.len() as u32, claimed.unwrap_or(content.len() as u32));
        let common: Vec<u8> = [
            &[0, 0][..],
            &method.to_le_bytes(),
            &[0; 4],
            &crc.sum().to_le_bytes(),
            &packed_size.to_le_bytes(),
            &size.to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        bytes.extend([b"PK\x03\x04\x14\0", &common[..], name.as_bytes(), &packed].concat());
        table.extend([b"PK\x01\x02\x14\0\x14\0", &common[..], &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let (length, start) = ((table.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    let count = (members.len() as u16).to_le_bytes();
    [&bytes[..], &table, b"PK\x05\x06\0\0\0\0", &count, &count, &length, &start, &[0, 0]].concat()
}

/// Two megabytes of gzip that hold two gigabytes of zeros: an image file whose header claims more than there can be, one that claims
/// what is there but has other labels, and one of which a limit keeps little.
#[test]
fn a_small_gzip_file_takes_no_more_memory_than_its_samples() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, head: &[u32], zeros: usize| {
        let header: Vec<u8> = head.iter().flat_map(|w| w.to_be_bytes()).collect();
        let out = fs::File::create(dir.path().join(name)).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &header).unwrap();
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), zeros as u64), &mut encoder).unwrap();
        encoder.finish().unwrap();
    };
    let (train, labels) = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte");
    file("t10k-images-idx3-ubyte", &[0x0803, 1, 1024, 1024], 1 << 20);
    file("t10k-labels-idx1-ubyte", &[0x0801, 1], 1);
    file(labels, &[0x0801, 128], 128);
    // 128 MiB, and its header claims 4 GiB.
    file(train, &[0x0803, 4096, 1024, 1024], 128 << 20);
    let (held, result) = peak(|| load("idx", dir.path()).unwrap_err());
    assert!(held < 8 << 20 && result.contains("which can't hold more than"), "{held}: {result}");
    // What it holds is what it claims, but there are other labels.
    file(train, &[0x0803, 128, 1024, 1024], 128 << 20);
    file(labels, &[0x0801, 127], 127);
    let (held, result) = peak(|| load("idx", dir.path()).unwrap_err());
    assert!(held < 8 << 20 && result.contains("127 samples, expected 128"), "{held}: {result}");
    // Two samples of a class that has all of them.
    file(labels, &[0x0801, 128], 128);
    let sets =
        ["data.name=idx".to_owned(), format!("data.path={}", dir.path().display()), "data.train_limit=2".to_owned()];
    let config = Config::load(None, &sets).unwrap();
    let (held, data) = peak(|| Dataset::load(&config.data).unwrap());
    assert_eq!((data.train.len(), data.classes), (2, 1));
    assert!(held < 12 << 20, "{held}");
}
