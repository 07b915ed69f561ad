//! Images that Pillow wrote (tests/data/generate.py), and folders that are wrong.

use super::*;
use crate::data::Dataset;
use crate::data::tests::{config, file};
use std::fs;

/// Pillow's pixels, `[n, h, w, c]`, of tests/data/images.npz.
fn expected(name: &str) -> Vec<u8> {
    let path = file("images.npz");
    let npz = crate::data::arrays::Npz::open(&path).unwrap();
    let array = crate::data::arrays::Arrays::open(&npz, name).unwrap();
    let (count, row) = (array.shape[0], array.shape[1..].iter().product());
    let mut all = Vec::new();
    let each = |_, row: &[u8]| {
        all.extend_from_slice(row);
        Ok(())
    };
    array.rows(count, row, each).unwrap();
    all
}

/// Channels first.
fn planes(pixels: &[u8]) -> Vec<u8> {
    (0..3).flat_map(|c| pixels.iter().skip(c).step_by(3).copied()).collect()
}

#[test]
fn lossless_images_have_pillows_pixels() {
    let own = read(&file("images"), None, Limits::NONE).unwrap();
    assert_eq!((own.shape, own.classes, own.test_indices.as_deref()), ([3, 6, 5], 2, Some(&[4][..])));
    // a/0.png (colour), a/1.png (grey), a/2.png (palette), b/0.webp, b/1.webp (the test image), b/2.png (with alpha).
    assert_eq!((own.train.labels.as_slice(), own.test.labels.as_slice()), (&[0, 0, 0, 1, 1][..], &[1][..]));
    let all = expected("lossless");
    for (i, part, place) in [
        (0, &own.train, 0),
        (1, &own.train, 1),
        (2, &own.train, 2),
        (3, &own.train, 3),
        (4, &own.test, 0),
        (5, &own.train, 4),
    ] {
        assert_eq!(part.image(place), planes(&all[i * 90..][..90]), "image {i}");
    }
}

#[test]
fn jpeg_decodes_as_pillow_does_up_to_rounding() {
    let own = read(&file("jpeg"), None, Limits::NONE).unwrap();
    assert_eq!((own.shape, own.train.len(), own.test.len(), own.test_indices), ([1, 16, 16], 2, 1, None));
    let all = expected("jpeg");
    for (part, first) in [(&own.train, 0), (&own.test, 2)] {
        for i in 0..part.len() {
            let expected = &all[(first + i) * 256..][..256];
            // Inverse transforms differ by a rounding or two.
            assert!(part.image(i).iter().zip(expected).all(|(a, b)| a.abs_diff(*b) <= 2));
        }
    }
}

#[test]
fn images_are_resized_where_asked() {
    let own = read(&file("images"), Some([3, 5]), Limits::first([2, 1])).unwrap();
    assert_eq!((own.shape, own.train.labels.as_slice()), ([3, 3, 5], &[0, 0, 1, 1][..]));
    // Halving rows: the triangle filter reaches over two rows each way; Pillow's BILINEAR is the same filter.
    let all = expected("resized");
    let found = own.train.image(0);
    assert!(found.iter().zip(planes(&all[..45])).all(|(a, b)| a.abs_diff(b) <= 1), "{found:?}");
    let set = format!("data.name=images\ndata.path={}\ndata.size=[3, 5]", file("images").display());
    let set = Dataset::load(&config(&set)).unwrap();
    assert_eq!((set.shape, set.normalisation.divisor, set.normalisation.mean.len()), ([3, 3, 5], 255.0, 3));
}

/// The message of a copy of a folder, changed.
fn message(change: impl FnOnce(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    for class in ["a", "b"] {
        fs::create_dir(dir.path().join(class)).unwrap();
        for entry in fs::read_dir(file("images").join(class)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), dir.path().join(class).join(entry.file_name())).unwrap();
        }
    }
    change(dir.path());
    let error = read(dir.path(), None, Limits::NONE).unwrap_err().to_string();
    error.replace(&dir.path().display().to_string(), "DIR")
}

#[test]
fn wrong_files_are_named() {
    let text = message(|dir| fs::write(dir.join("b/3.txt"), "x").unwrap());
    assert_eq!(text, "DIR/b/3.txt: expected a .png, .jpg, .jpeg or .webp file");
    let text = message(|dir| assert!(fs::copy(file("jpeg/train/x/0.jpg"), dir.join("b/9.jpg")).is_ok()));
    assert_eq!(
        text,
        "DIR/b/9.jpg: 16 x 16 pixels, expected 6 x 5 pixels (data.size = [h, w] resizes all) as in DIR/a/0.png"
    );
    let text = message(|dir| {
        let bytes = fs::read(dir.join("b/2.png")).unwrap();
        fs::write(dir.join("b/2.png"), &bytes[..bytes.len() - 30]).unwrap();
    });
    assert!(text.starts_with("DIR/b/2.png: not a whole PNG, JPEG or WebP image: "), "{text}");
    let text = message(|dir| fs::write(dir.join("a/0.png"), "<html>").unwrap());
    assert!(text.starts_with("DIR/a/0.png: not a whole PNG, JPEG or WebP image: "), "{text}");
    let text = message(|dir| {
        fs::rename(dir.join("a"), dir.join("train")).unwrap();
        fs::create_dir(dir.join("test")).unwrap();
    });
    assert_eq!(text, "DIR/train: 0 folders, expected a folder for each of 1 to 65535 classes");
}
