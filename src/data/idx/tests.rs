//! Whole folders of IDX files, good and bad.

use super::*;
use proptest::prelude::*;
use std::io::Write;

const TRAIN: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels.idx1-ubyte";
const TEST: &str = "t10k-images.idx3-ubyte.gz";

/// An IDX file of this type and these dimensions.
fn file(kind: u8, dims: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, kind, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|d| d.to_be_bytes()));
    bytes.extend(data);
    bytes
}

fn images(dims: &[u32]) -> Vec<u8> {
    let data: Vec<u8> = (0..dims.iter().product()).map(|i| i as u8).collect();
    file(8, dims, &data)
}

fn labels(labels: &[u8]) -> Vec<u8> {
    file(8, &[labels.len() as u32], labels)
}

fn int_labels(labels: &[i32]) -> Vec<u8> {
    let data: Vec<u8> = labels.iter().flat_map(|l| l.to_be_bytes()).collect();
    file(0x0c, &[labels.len() as u32], &data)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn write_all(files: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| std::fs::write(dir.path().join(name), bytes).unwrap());
    dir
}

/// A good set, with some files replaced (or, empty, removed).
fn folder(changes: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let dir = write_all(&[
        (TRAIN, images(&[3, 2, 4])),
        (TRAIN_LABELS, labels(&[7, 0, 9])),
        (TEST, gzip(&images(&[2, 2, 4]))),
        ("t10k-labels-idx1-ubyte.gz", gzip(&labels(&[1, 2]))),
    ]);
    for (name, bytes) in changes {
        let path = dir.path().join(name);
        if bytes.is_empty() { std::fs::remove_file(path).unwrap() } else { std::fs::write(path, bytes).unwrap() }
    }
    dir
}

fn all(dir: &tempfile::TempDir) -> Result<Idx, DataError> {
    read(dir.path(), Limits::NONE)
}

/// The message about a good set with one file replaced.
fn message(name: &str, bytes: Vec<u8>) -> String {
    let dir = folder(&[(name, bytes)]);
    let text = all(&dir).err().unwrap().to_string();
    text.replace(&dir.path().display().to_string(), "DIR")
}

#[test]
fn plain_and_gzipped_files_under_both_names() {
    let idx = all(&folder(&[])).unwrap();
    assert_eq!((idx.shape, idx.classes), ([1, 2, 4], 10));
    assert_eq!(idx.train.labels, [7, 0, 9]);
    assert_eq!(idx.train.image(2), [16, 17, 18, 19, 20, 21, 22, 23]);
    assert_eq!(idx.test.labels, [1, 2]);
    assert_eq!(idx.test.len(), 2);
}

#[test]
fn gzip_is_told_by_content() {
    let (plain, packed) = (images(&[3, 2, 4]), gzip(&images(&[3, 2, 4])));
    for (name, bytes) in [
        (TRAIN, packed.clone()),
        (TRAIN, [&packed[..], &[0; 700]].concat()),
        // Two members, as bgzip and `cat a.gz b.gz` make them.
        (TRAIN, [gzip(&plain[..17]), gzip(&plain[17..])].concat()),
        (TEST, images(&[2, 2, 4])),
        (TRAIN_LABELS, gzip(&labels(&[7, 0, 9]))),
    ] {
        let idx = all(&folder(&[(name, bytes)])).unwrap();
        assert_eq!(idx.train.image(2), [16, 17, 18, 19, 20, 21, 22, 23], "{name}");
        assert_eq!((idx.train.labels, idx.test.labels), (vec![7, 0, 9], vec![1, 2]));
    }
    for bad in [b"<!DOCTYPE html><html><body>404</body></html>".to_vec(), b"<html>".to_vec()] {
        let expected = "expected an IDX file, plain or gzipped, found a web page; download it again";
        assert!(message(TEST, bad).starts_with(&format!("DIR/{TEST}: {expected}")));
    }
}

#[test]
fn labels_of_any_integer_type_and_as_many_classes_as_they_name() {
    let rows: Vec<u8> =
        [[25i32, 1, 2], [0, 9, 9], [300, 4, 5]].iter().flatten().flat_map(|v| v.to_be_bytes()).collect();
    let int16: Vec<u8> = [25i16, 0, 300].iter().flat_map(|v| v.to_be_bytes()).collect();
    for (bytes, expected, classes) in [
        (int_labels(&[25, 0, 65_534]), [25, 0, 65_534], 65_535),
        (int_labels(&[1, 0, 1]), [1, 0, 1], 3),
        (file(0x0c, &[3, 3], &rows), [25, 0, 300], 301),
        (file(0x0b, &[3], &int16), [25, 0, 300], 301),
        (file(0x09, &[3], &[25, 0, 61]), [25, 0, 61], 62),
        (labels(&[26, 1, 255]), [26, 1, 255], 256),
    ] {
        let idx = all(&folder(&[(TRAIN_LABELS, bytes)])).unwrap();
        assert_eq!((idx.train.labels.as_slice(), idx.classes), (&expected[..], classes));
    }
    for (label, byte) in [(65_535, 16), (-1, 16)] {
        assert_eq!(
            message(TRAIN_LABELS, int_labels(&[0, 0, label])),
            format!("DIR/{TRAIN_LABELS}: record 2 (byte {byte}): label {label}, expected 0 to 65534")
        );
    }
    assert!(message(TRAIN_LABELS, file(0x09, &[3], &[0, 0, 255])).contains("record 2 (byte 10): label -1"));
}

#[test]
fn colour_and_oblong_images_with_channels_first_or_last() {
    let test = (TEST, images(&[2, 3, 2, 4]));
    let idx = all(&folder(&[(TRAIN, images(&[3, 3, 2, 4])), test.clone()])).unwrap();
    assert_eq!(idx.shape, [3, 2, 4]);
    assert_eq!(idx.train.image(1), (24..48).collect::<Vec<u8>>());
    let idx = all(&folder(&[(TRAIN, images(&[3, 2, 4, 3])), (TEST, images(&[2, 2, 4, 3]))])).unwrap();
    assert_eq!(idx.shape, [3, 2, 4]);
    let expected: Vec<u8> = (0..3).flat_map(|c| (0..8).map(move |i| 24 + 3 * i + c)).collect();
    assert_eq!(idx.train.image(1), expected);
    let grey = all(&folder(&[(TRAIN, images(&[3, 2, 4, 1]))])).unwrap();
    assert_eq!((grey.shape, grey.train.image(1)), ([1, 2, 4], (8..16).collect::<Vec<u8>>()));
    let text = message(TRAIN, images(&[3, 3, 2, 4]));
    assert!(text.contains("images of 2 x 4, expected images of 2 x 4 in 3 channels"), "{text}");
    let text = message(TRAIN, images(&[3, 2, 4, 4]));
    assert_eq!(
        text,
        format!(
            "DIR/{TRAIN}: byte 8: the shape of an image is 2 x 4 x 4, expected rows x columns, or 1 or 3 channels before or \
             behind them"
        )
    );
}

#[test]
fn sets_with_their_name_in_front() {
    let of = |set: &str, gz: &str| {
        [
            (format!("{set}train-images-idx3-ubyte{gz}"), images(&[3, 2, 4])),
            (format!("{set}train-labels-idx2-int{gz}"), int_labels(&[2, 0, 1])),
            (format!("{set}test-images-idx3-ubyte{gz}"), images(&[2, 2, 4])),
            (format!("{set}test-labels-idx1-ubyte{gz}"), labels(&[1, 2])),
        ]
    };
    let write = |sets: &[[(String, Vec<u8>); 4]]| {
        write_all(&sets.iter().flatten().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect::<Vec<_>>())
    };
    let idx = all(&write(&[of("qmnist-", ".gz")])).unwrap();
    assert_eq!((idx.train.labels.as_slice(), idx.classes), (&[2, 0, 1][..], 3));
    let text = all(&write(&[of("emnist-letters-", ""), of("emnist-digits-", "")])).unwrap_err().to_string();
    assert!(text.contains("found those of \"emnist-digits-\", \"emnist-letters-\""), "{text}");
    let plain = of("", "");
    assert_eq!(all(&write(&[of("other-", ""), plain])).unwrap().classes, 3);
}

#[test]
fn limits_keep_the_first_of_each_class() {
    let many: Vec<u8> = (0..90).map(|i| i % 3).collect();
    for pack in [false, true] {
        let written = |bytes: Vec<u8>| if pack { gzip(&bytes) } else { bytes };
        let dir = folder(&[(TRAIN, written(images(&[90, 2, 4]))), (TRAIN_LABELS, written(labels(&many)))]);
        let idx = read(dir.path(), Limits::first([2, 1])).unwrap();
        assert_eq!(idx.train.labels, [0, 1, 2, 0, 1, 2]);
        assert_eq!(idx.train.image(5)[0], 40);
        assert_eq!((idx.train.pixels().len(), idx.test.labels.as_slice()), (48, &[1, 2][..]));
    }
}

#[test]
fn bad_files_are_named() {
    assert_eq!(
        message(TRAIN, Vec::new()),
        "DIR: no IDX image file found; tried train-images-idx3-ubyte, train-images.idx3-ubyte, the same with .gz"
    );
    let expected = "expected 40 (a header of 16 and 3 images of 2 x 4)";
    let good = images(&[3, 2, 4]);
    assert_eq!(message(TRAIN, good[..39].to_vec()), format!("DIR/{TRAIN}: 39 bytes found, {expected}"));
    assert_eq!(message(TRAIN, [&good[..], &[0]].concat()), format!("DIR/{TRAIN}: 41 bytes found, {expected}"));
    for (cut, found) in [(39, "39"), (17, "17")] {
        assert_eq!(message(TRAIN, gzip(&good[..cut])), format!("DIR/{TRAIN}: {found} bytes found, {expected}"));
    }
    let longer = gzip(&[&good[..], &[0]].concat());
    assert_eq!(message(TRAIN, longer), format!("DIR/{TRAIN}: more than 40 bytes found, {expected}"));
    assert_eq!(message(TRAIN, good[..9].to_vec()), format!("DIR/{TRAIN}: 9 bytes found, expected a header of 16"));
    for bytes in [labels(&[1]), file(0x0d, &[3, 2, 4], &[0; 96]), images(&[24])] {
        let magic = format!("0x{:02x}{:02x}{:02x}{:02x}", bytes[0], bytes[1], bytes[2], bytes[3]);
        assert_eq!(
            message(TRAIN, bytes),
            format!(
                "DIR/{TRAIN}: byte 0: the magic number is {magic}, expected 0x00000803 (grey images) or 0x00000804 (colour \
                 images)"
            )
        );
    }
    assert_eq!(
        message(TRAIN, images(&[3, 0, 4])),
        format!("DIR/{TRAIN}: byte 8: the number of rows is 0, expected 1 to 4096")
    );
    assert_eq!(
        message(TRAIN_LABELS, labels(&[1, 2])),
        format!("DIR/{TRAIN_LABELS}: 2 samples, expected 3 samples as in DIR/{TRAIN}")
    );
    assert_eq!(
        message(TEST, gzip(&images(&[2, 3, 4]))),
        format!("DIR/{TEST}: images of 3 x 4, expected images of 2 x 4 as in DIR/{TRAIN}")
    );
    let packed = gzip(&images(&[2, 2, 4]));
    for bad in [packed[..packed.len() - 3].to_vec(), [&packed[..], b"x"].concat(), {
        let mut flipped = packed.clone();
        let crc = flipped.len() - 6;
        flipped[crc] ^= 1;
        flipped
    }] {
        let text = message(TEST, bad);
        assert!(text.starts_with(&format!("DIR/{TEST}: damaged gzip data after ")), "{text}");
    }
}

#[test]
fn claims_that_a_file_cannot_hold_are_refused_before_it_is_read() {
    let claim = |count: u32| file(8, &[count, 4096, 4096], &[]);
    let counted = |count: u32| message(TRAIN, claim(count));
    assert_eq!(counted(u32::MAX), format!("DIR/{TRAIN}: byte 4: the count is 4294967295, expected 1 to 67108864"));
    assert!(counted(1 << 26).starts_with(&format!("DIR/{TRAIN}: 16 bytes found, expected 1125899906842640 (")));
    let text = message(TRAIN, gzip(&claim(256)));
    assert!(text.contains("which can't hold more than") && text.contains("expected 4294967312 ("), "{text}");
}

#[test]
fn the_folder_tells_the_normalisation() {
    for (path, channels, expected) in [
        ("/data/fashion-mnist", 1, NormalisationName::Fashion),
        ("/data/FashionMNIST/raw", 1, NormalisationName::Fashion),
        ("/fashion/data/MNIST/raw", 1, NormalisationName::Mnist),
        ("mnist", 1, NormalisationName::Mnist),
        ("fashion", 3, NormalisationName::None),
    ] {
        assert_eq!(usual(Path::new(path), channels), expected, "{path}");
    }
}

proptest! {
    /// What is read is what was written, whatever the shape, the type of the labels and the packing.
    #[test]
    fn sets_are_read_as_they_were_written(
        (dims, count) in prop_oneof![
            (1usize..5, 1usize..6).prop_map(|(h, w)| vec![h, w]),
            (prop_oneof![Just(1usize), Just(3)], 1usize..5, 4usize..7).prop_map(|(c, h, w)| vec![c, h, w]),
        ].prop_flat_map(|dims| (Just(dims), 1usize..9)),
        seed in any::<u64>(),
        wide in any::<bool>(),
        packed in any::<bool>(),
    ) {
        let area: usize = dims.iter().product();
        let pixels: Vec<u8> = (0..count * area).map(|i| (seed.wrapping_mul(i as u64 + 1) >> 56) as u8).collect();
        let classes: Vec<i32> = (0..count).map(|i| (seed.rotate_left(i as u32 * 7) & if wide { 0x7fff } else { 0xff }) as i32).collect();
        let shape: Vec<u32> = [count].iter().chain(&dims).map(|&d| d as u32).collect();
        let written = |bytes: Vec<u8>| if packed { gzip(&bytes) } else { bytes };
        let label_bytes: Vec<u8> = classes.iter().map(|&l| l as u8).collect();
        let (image_file, label_file) =
            (written(file(8, &shape, &pixels)), written(if wide { int_labels(&classes) } else { labels(&label_bytes) }));
        let dir = write_all(&[
            (TRAIN, image_file.clone()), (TRAIN_LABELS, label_file.clone()), (TEST, image_file), ("t10k-labels-idx1-ubyte", label_file),
        ]);
        let idx = all(&dir).unwrap();
        prop_assert_eq!(idx.train.pixels(), &pixels);
        prop_assert_eq!(idx.shape.iter().product::<usize>(), area);
        let read: Vec<i32> = idx.test.labels.iter().map(|&l| l as i32).collect();
        prop_assert_eq!(read, classes);
    }
}
