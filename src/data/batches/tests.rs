//! Batches that Python wrote (tests/data/generate.py), and batches that are wrong.

use super::*;
use crate::data::Dataset;
use crate::data::tests::{config, file};

fn load(name: &str, folder: &Path, held: u64, more: &str) -> Dataset {
    let config = config(&format!("data.name={name}\ndata.path={}{more}", folder.display()));
    Dataset::load_within(&config, held).unwrap()
}

fn raw(part: &Part) -> Vec<u8> {
    part.blocks(100).flat_map(|block| block.unwrap().raw().to_vec()).collect()
}

/// Samples `first` to `first + n` of the generator, `values` bytes each.
fn expected(first: usize, n: usize, values: usize) -> Vec<u8> {
    (first..first + n).flat_map(|i| (0..values).map(move |j| ((7 * i + 13 * j) % 256) as u8)).collect()
}

#[test]
fn imagenet32_is_read_of_pickles_and_archives() {
    for folder in ["imagenet32", "imagenet32-npz"] {
        let held = load("imagenet32", &file(folder), u64::MAX, "");
        assert_eq!((held.shape, held.classes, held.test_indices.as_ref()), ([3, 8, 8], 1000, None));
        // Batches in order of their number, labels from 1.
        let label = |i: u32| 97 * i % 1000;
        assert_eq!(held.train.labels, (0..41).map(label).collect::<Vec<_>>());
        assert_eq!(held.test.labels, (50..54).map(label).collect::<Vec<_>>());
        assert_eq!(raw(&held.train), expected(0, 41, 192), "{folder}");
        assert_eq!(raw(&held.test), expected(50, 4, 192));
        let pages = load("imagenet32", &file(folder), 100, "");
        assert!(pages.train.held().is_none() && pages.test.held().is_none());
        assert_eq!((raw(&pages.train), &pages.normalisation), (raw(&held.train), &held.normalisation));
        let limited = load("imagenet32", &file(folder), u64::MAX, "\ndata.train_limit=1");
        assert_eq!(limited.train.len(), 41);
    }
}

#[test]
fn cifars_python_version_is_cifar() {
    let held = load("cifar10", &file("cifar-py"), u64::MAX, "");
    assert_eq!((held.shape, held.classes, held.train.labels.as_slice()), ([3, 32, 32], 10, &[0, 1, 2][..]));
    assert_eq!(held.normalisation.std, [0.2470, 0.2435, 0.2616]);
    assert_eq!((raw(&held.train), raw(&held.test)), (expected(0, 3, 3072), expected(50, 2, 3072)));
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("cifar-10-batches-py");
    std::fs::create_dir(&inner).unwrap();
    for name in ["data_batch_1", "data_batch_2", "test_batch"] {
        std::fs::copy(file(&format!("cifar-py/{name}")), inner.join(name)).unwrap();
    }
    let pages = load("cifar10", dir.path(), 100, "");
    assert!(pages.train.held().is_none());
    assert_eq!(raw(&pages.train), raw(&held.train));
    // Binary files go first.
    let record = |label: u8| [&[label][..], &[9; 3072]].concat();
    for (name, label) in [("data_batch_1.bin", 4), ("test_batch.bin", 5)] {
        std::fs::write(dir.path().join(name), record(label)).unwrap();
    }
    let binary = load("cifar10", dir.path(), u64::MAX, "");
    assert_eq!((binary.train.labels, binary.test.labels), (vec![4], vec![5]));
}

#[test]
fn wrong_batches_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let message = || {
        let config = config(&format!("data.name=imagenet32\ndata.path={}", dir.path().display()));
        let text = Dataset::load(&config).unwrap_err().to_string();
        text.replace(&dir.path().display().to_string(), "DIR")
    };
    let tried = "tried train_data_batch_1, train_data_batch_1.npz, ...";
    assert!(message().starts_with(&format!("DIR: no training batch of ImageNet32 found; {tried}; ")), "{}", message());
    let copy = |from: &str, to: &str| std::fs::copy(file(from), dir.path().join(to)).unwrap();
    copy("imagenet32/train_data_batch_1", "train_data_batch_1");
    assert!(message().starts_with("DIR/val_data: cannot read: "), "{}", message());
    copy("cifar-py/test_batch", "val_data");
    assert_eq!(message(), "DIR/val_data: array `labels`: label 0 of sample 0, expected 1 to 1000");
    copy("floats.npz", "val_data");
    assert_eq!(message(), "DIR/val_data: arrays x, y; expected data and labels");
    copy("bytes.safetensors", "val_data");
    assert!(message().starts_with("DIR/val_data: expected ImageNet32's files"), "{}", message());
    let good = std::fs::read(file("imagenet32/val_data")).unwrap();
    std::fs::write(dir.path().join("val_data"), &good[..good.len() - 40]).unwrap();
    assert!(message().starts_with("DIR/val_data: not a whole pickle of arrays: "), "{}", message());
}
