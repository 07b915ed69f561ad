//! Files made here, whole and damaged.

use super::*;

const RECORD: usize = 1 + PIXELS;

fn read(path: &Path) -> Result<(Part, Part), DataError> {
    CIFAR10.read(path, Limits::NONE)
}

fn records(labels: &[u8]) -> Vec<u8> {
    labels
        .iter()
        .flat_map(|&label| std::iter::once(label).chain((0..PIXELS).map(move |i| label.wrapping_add(i as u8))))
        .collect()
}

fn folder(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    dir
}

#[test]
fn batches_are_read_in_order_of_their_number() {
    let files = [
        ("data_batch_10.bin", records(&[5])),
        ("data_batch_2.bin", records(&[3, 4])),
        ("test_batch.bin", records(&[9])),
    ];
    let dir = folder(&files);
    let (train, test) = read(dir.path()).unwrap();
    assert_eq!(train.labels, [3, 4, 5]);
    assert_eq!(test.labels, [9]);
    assert_eq!(train.image(1)[..3], [4, 5, 6]);
    let inner: Vec<_> = files.iter().map(|(n, b)| (format!("cifar-10-batches-bin/{n}"), b.clone())).collect();
    let dir = folder(&inner.iter().map(|(n, b)| (n.as_str(), b.clone())).collect::<Vec<_>>());
    assert_eq!(read(dir.path()).unwrap().0.labels, [3, 4, 5]);
}

#[test]
fn limits_keep_the_first_of_each_class() {
    let dir = folder(&[("data_batch_1.bin", records(&[3, 4, 3, 3, 4])), ("test_batch.bin", records(&[9, 9]))]);
    let (train, test) = CIFAR10.read(dir.path(), Limits::first([2, 1])).unwrap();
    assert_eq!((train.labels.as_slice(), test.labels.as_slice()), (&[3, 4, 3, 4][..], &[9][..]));
    assert_eq!(train.pixels().len(), 4 * PIXELS);
    assert_eq!(train.image(3)[..2], [4, 5]);
}

#[test]
fn hundred_classes_have_a_coarse_and_a_fine_label() {
    let record = |coarse: u8, fine: u8| [&[coarse, fine][..], &[fine; PIXELS]].concat();
    let train = [record(19, 99), record(0, 0), record(4, 72)].concat();
    let dir = folder(&[("cifar-100-binary/train.bin", train.clone()), ("cifar-100-binary/test.bin", record(1, 7))]);
    let (fine, test) = cifar100(LabelChoice::Fine).read(dir.path(), Limits::NONE).unwrap();
    assert_eq!((fine.labels.as_slice(), test.labels.as_slice()), (&[99, 0, 72][..], &[7][..]));
    let (coarse, _) = cifar100(LabelChoice::Coarse).read(dir.path(), Limits::NONE).unwrap();
    assert_eq!((coarse.labels.as_slice(), coarse.image(2)[0]), (&[19, 0, 4][..], 72));
    let dir = folder(&[("train.bin", [&train[..], &record(20, 5)].concat()), ("test.bin", record(1, 100))]);
    let message = |labels| cifar100(labels).read(dir.path(), Limits::NONE).err().unwrap().to_string();
    assert!(message(LabelChoice::Coarse).ends_with("train.bin: record 3 (byte 9222): label 20, expected 0 to 19"));
    assert!(message(LabelChoice::Fine).ends_with("test.bin: record 0 (byte 1): label 100, expected 0 to 99"));
    let dir = folder(&[("train.bin", train[..3075].to_vec())]);
    let message = cifar100(LabelChoice::Fine).read(dir.path(), Limits::NONE).err().unwrap().to_string();
    assert!(message.ends_with("expected a multiple of 3074 (records of two labels and 3072 pixels), at least one"));
}

#[test]
fn bad_files_are_named() {
    let message = |files: &[(&str, Vec<u8>)]| {
        let dir = folder(files);
        let text = read(dir.path()).err().unwrap().to_string();
        text.replace(&dir.path().display().to_string(), "DIR")
    };
    let good = records(&[1, 2]);
    assert_eq!(message(&[]), "DIR: no CIFAR-10 training batch found; tried data_batch_1.bin, data_batch_2.bin, ...");
    assert_eq!(
        message(&[("data_batch_1.bin", good.clone())]),
        "DIR: no CIFAR-10 test batch found; tried test_batch.bin"
    );
    let size = "expected a multiple of 3073 (records of a label and 3072 pixels), at least one";
    assert_eq!(good.len(), 2 * RECORD);
    for (bytes, found) in [(good[..6145].to_vec(), 6145), ([&good[..], &[0]].concat(), 6147), (Vec::new(), 0)] {
        assert_eq!(
            message(&[("data_batch_1.bin", bytes)]),
            format!("DIR/data_batch_1.bin: {found} bytes found, {size}")
        );
    }
    assert_eq!(
        message(&[("data_batch_1.bin", good.clone()), ("test_batch.bin", records(&[0, 10]))]),
        "DIR/test_batch.bin: record 1 (byte 3073): label 10, expected 0 to 9"
    );
    assert_eq!(
        message(&[("data_batch_1.bin", b"<!DOCTYPE html>".to_vec())]),
        "DIR/data_batch_1.bin: expected CIFAR-10 binary files (data_batch_1.bin, ..., test_batch.bin), found a web page; \
         download it again, from the link to the raw file"
    );
    let file = folder(&[("x", good)]);
    let text = read(&file.path().join("x")).err().unwrap().to_string();
    assert!(
        text.ends_with("x: expected a folder with CIFAR-10 binary files (data_batch_1.bin, ..., test_batch.bin)"),
        "{text}"
    );
}
