//! Whole data sets: digits, and real CIFAR-10 and Fashion-MNIST files where there are any.

use super::*;
use crate::config::{Config, DataConfig};
use std::path::PathBuf;

/// A data config from `--set` arguments, one a line.
pub(crate) fn config(overrides: &str) -> DataConfig {
    let overrides: Vec<String> = overrides.lines().map(str::to_owned).collect();
    Config::load(None, &overrides).unwrap().data
}

/// A folder of real data, or `None` with the reason printed.
fn real(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ZOWARMUP_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")), PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: {} is not there (ZOWARMUP_DATA names the folder of data sets)", path.display());
    None
}

#[test]
fn digits_are_split_by_position() {
    let set = Dataset::load(&config("")).unwrap();
    assert_eq!((set.shape, set.classes), ([1, 8, 8], 10));
    assert_eq!((set.train.len(), set.test.len()), (1438, 359));
    let indices = set.test_indices.unwrap();
    assert_eq!(&indices[..3], [4, 9, 14]);
    let all = digits::read().unwrap();
    assert_eq!(set.test.image(1), all.image(9));
    assert_eq!(set.train.image(4), all.image(5));
    assert_eq!(set.normalisation.value(16, 0), 1.0);
    assert_eq!(set.normalisation.value(4, 0), 0.25);
}

#[test]
fn limits_keep_the_first_of_each_class() {
    let full = Dataset::load(&config("")).unwrap();
    let set = Dataset::load(&config("data.train_limit=7\ndata.test_limit=2")).unwrap();
    assert_eq!(set.train.histogram(10), [7; 10]);
    assert_eq!(set.test.histogram(10), [2; 10]);
    let indices = set.test_indices.unwrap();
    let all = digits::read().unwrap();
    for (i, &original) in indices.iter().enumerate() {
        assert_eq!(original % 5, 4);
        assert_eq!(set.test.image(i), all.image(original as usize));
    }
    for class in 0..10 {
        let of =
            |s: &Part| (0..s.len()).filter(|&i| s.labels[i] == class).map(|i| s.image(i).to_vec()).collect::<Vec<_>>();
        assert_eq!(of(&set.train), of(&full.train)[..7]);
    }
    let generous = Dataset::load(&config("data.train_limit=100000")).unwrap();
    assert_eq!(generous.train, full.train);
}

#[test]
fn real_cifar10() {
    let Some(path) = real("cifar10-small") else {
        return;
    };
    let set =
        Dataset::load(&config(&format!("data.name=cifar10\ndata.path={}\ndata.test_limit=5", path.display()))).unwrap();
    assert_eq!((set.shape, set.classes), ([3, 32, 32], 10));
    assert_eq!(set.train.histogram(10), [200; 10]);
    assert_eq!(set.test.histogram(10), [5; 10]);
    assert_eq!(set.normalisation.std, [0.2470, 0.2435, 0.2616]);
    assert_eq!(set.test_indices, None);
}

#[test]
fn real_fashion_mnist() {
    let Some(path) = real("fashion-mnist") else {
        return;
    };
    let set =
        Dataset::load(&config(&format!("data.name=idx\ndata.path={}\ndata.train_limit=30", path.display()))).unwrap();
    assert_eq!((set.shape, set.classes), ([1, 28, 28], 10));
    assert_eq!(set.train.histogram(10), [30; 10]);
    assert_eq!(set.test.histogram(10), [1000; 10]);
    // The set's first labels, and the mean that its usual normalisation claims.
    assert_eq!(&set.train.labels[..5], [9, 0, 0, 3, 0]);
    assert_eq!((set.normalisation.mean[0], set.normalisation.std[0]), (0.2860, 0.3530));
    let mean = set.test.pixels().iter().map(|&p| f64::from(p)).sum::<f64>() / set.test.pixels().len() as f64 / 255.0;
    assert!((mean - 0.286).abs() < 0.005, "{mean}");
}

/// A file of tests/data.
pub(crate) fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data", name].iter().collect()
}
