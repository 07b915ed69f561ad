//! What is read in pages is what is held, bit for bit; and what no page can be read of.

use crate::data::tests::{config, file};
use crate::data::{Dataset, Part};
use std::fs;
use std::path::Path;

/// All values of a part as they lie in memory, read some at a time.
fn raw(part: &Part, bytes: usize) -> Vec<u8> {
    part.blocks(bytes).flat_map(|block| block.unwrap().raw().to_vec()).collect()
}

/// Loads a set both ways and compares them. Returns the one in pages.
fn both(name: &str, path: &Path, more: &str) -> Dataset {
    let config = config(&format!("data.name={name}\ndata.path={}{more}", path.display()));
    let held = Dataset::load(&config).unwrap();
    let pages = Dataset::load_within(&config, 0).unwrap();
    assert!(held.train.held().is_some() && held.test.held().is_some());
    assert!(pages.train.held().is_none() && pages.test.held().is_none(), "{name} {}", path.display());
    assert_eq!((&held.normalisation, &held.test_indices), (&pages.normalisation, &pages.test_indices));
    assert_eq!(held.moments().unwrap(), pages.moments().unwrap());
    for (a, b) in [(&held.train, &pages.train), (&held.test, &pages.test)] {
        assert_eq!((&a.labels, a.area(), a.is_float()), (&b.labels, b.area(), b.is_float()));
        for bytes in [1, 3 * a.row_bytes(), 1 << 20] {
            assert!(raw(a, bytes) == raw(b, bytes), "{name} {}", path.display());
        }
        let last = a.len() as u32 - 1;
        let some = [last, 0, last / 2, 0];
        assert!(a.picked(&some).unwrap().raw() == b.picked(&some).unwrap().raw());
        assert!(a.picked(&some).unwrap().raw() == raw(&a.select(&some), 1));
        assert_eq!(held.inputs(a, &[last, 0]).unwrap(), pages.inputs(b, &[last, 0]).unwrap());
    }
    pages
}

#[test]
fn arrays_images_and_records_are_the_same_in_pages() {
    for limits in ["", "\ndata.train_limit=2\ndata.test_limit=1"] {
        both("npz", &file("floats.npz"), limits);
        both("npz", &file("halves.npz"), limits);
        both("safetensors", &file("halves.safetensors"), limits);
        both("safetensors", &file("bytes.safetensors"), limits);
        both("images", &file("images"), limits);
        both("images", &file("jpeg"), limits);
    }
    both("npz", &file("floats.npz"), "\ndata.mean=[1.0,2.0]\ndata.std=[0.5,3.0]");
    both("images", &file("images"), "\ndata.size=[3,4]");
}

#[test]
fn plain_idx_and_cifar_files_are_the_same_in_pages() {
    let dir = tempfile::tempdir().unwrap();
    let part = |name: &str, count: u8| {
        let images =
            [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 3][..], &vec![7; 6 * usize::from(count)]].concat();
        let images: Vec<u8> =
            images.iter().zip(0..).map(|(&b, i)| if i < 16 { b } else { b.wrapping_mul(i) }).collect();
        let labels = [&[0, 0, 8, 1, 0, 0, 0, count][..], &(0..count).map(|i| i % 3).collect::<Vec<_>>()].concat();
        fs::write(dir.path().join(format!("{name}-images-idx3-ubyte")), images).unwrap();
        fs::write(dir.path().join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
    };
    part("train", 20);
    part("t10k", 7);
    both("idx", dir.path(), "");
    both("idx", dir.path(), "\ndata.train_limit=3\ndata.test_limit=1");

    let dir = tempfile::tempdir().unwrap();
    let records = |first: u8, count: u8| -> Vec<u8> {
        let record = |i: u8| std::iter::once(i % 10).chain((0..3072u16).map(move |j| (j as u8).wrapping_mul(i)));
        (first..first + count).flat_map(record).collect()
    };
    for (name, first, count) in [("data_batch_1", 0, 4), ("data_batch_2", 40, 9), ("test_batch", 90, 5)] {
        fs::write(dir.path().join(format!("{name}.bin")), records(first, count)).unwrap();
    }
    both("cifar10", dir.path(), "");
    // Records of both batches, with gaps between them.
    let set = both("cifar10", dir.path(), "\ndata.train_limit=1\ndata.test_limit=1");
    assert_eq!(set.train.labels, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn packed_files_are_held_whatever_they_take() {
    let path = file("bytes.npz");
    let set = Dataset::load_within(&config(&format!("data.name=npz\ndata.path={}", path.display())), 0).unwrap();
    assert!(set.train.held().is_some());
}

#[test]
fn a_file_that_changes_or_goes_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.safetensors");
    fs::copy(file("bytes.safetensors"), &path).unwrap();
    let config = config(&format!("data.name=safetensors\ndata.path={}", path.display()));
    let set = Dataset::load_within(&config, 0).unwrap();
    assert!(set.train.rows(0..1).is_ok());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
    let message = set.train.rows(0..1).unwrap_err().to_string();
    let expected = format!("{}: it has changed while it was in use; start again once it is whole", path.display());
    assert_eq!(message, expected);
    // Cut off: nothing stands where the last sample was.
    fs::write(&path, &bytes[..100]).unwrap();
    let message = set.train.rows(0..11).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");

    let images = dir.path().join("images");
    for class in ["a", "b"] {
        fs::create_dir_all(images.join(class)).unwrap();
    }
    for name in ["a/0.png", "a/1.png", "a/2.png", "b/3.png", "b/4.png"] {
        fs::copy(file("images/a/0.png"), images.join(name)).unwrap();
    }
    let config = self::config(&format!("data.name=images\ndata.path={}", images.display()));
    let set = Dataset::load_within(&config, 0).unwrap();
    fs::write(images.join("a/2.png"), b"no image").unwrap();
    let message = set.train.rows(0..4).unwrap_err().to_string();
    assert!(message.contains("a/2.png: not a whole PNG, JPEG or WebP image"), "{message}");
}
