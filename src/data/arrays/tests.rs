//! Files that NumPy and safetensors wrote (tests/data/generate.py), and files that are wrong.

use super::*;
use crate::data::Dataset;
use crate::data::tests::{config, file};

/// The value of sample `i` at place `j`, and its label.
fn value(i: usize, j: usize) -> u8 {
    ((7 * i + 13 * j) % 256) as u8
}

fn of_file(name: &str) -> Result<Own, DataError> {
    read(&Npz::open(&file(name))?, "", Limits::NONE)
}

fn floats(samples: &Part) -> &[f32] {
    match samples.held().unwrap() {
        Values::Floats(floats) => floats,
        Values::Bytes(_) => panic!("bytes"),
    }
}

#[test]
fn deflated_bytes_with_channels_last_and_a_test_part() {
    let own = of_file("bytes.npz").unwrap();
    assert_eq!((own.shape, own.classes, own.test_indices.as_ref()), ([3, 4, 5], 3, None));
    assert_eq!((own.train.len(), own.test.len()), (11, 4));
    for (part, first) in [(&own.train, 0), (&own.test, 50)] {
        for i in 0..part.len() {
            assert_eq!(part.labels[i], (i + first) as u32 % 3);
            for (place, &pixel) in part.image(i).iter().enumerate() {
                let (channel, pixel_of) = (place / 20, place % 20);
                assert_eq!(pixel, value(i + first, pixel_of * 3 + channel));
            }
        }
    }
}

#[test]
fn stored_floats_are_split_by_their_place() {
    let own = of_file("floats.npz").unwrap();
    assert_eq!((own.shape, own.classes, own.test_indices.as_deref()), ([2, 1, 1], 3, Some(&[4, 9][..])));
    let expected = |indices: &[usize]| -> Vec<f32> {
        indices.iter().flat_map(|&i| (0..2).map(move |j| f32::from(value(i, j)) / 8.0 - 3.0)).collect()
    };
    assert_eq!(floats(&own.train), expected(&[0, 1, 2, 3, 5, 6, 7, 8, 10]));
    assert_eq!(floats(&own.test), expected(&[4, 9]));
    assert_eq!(
        (own.train.labels.as_slice(), own.test.labels.as_slice()),
        (&[0, 1, 2, 0, 2, 0, 1, 2, 1][..], &[1, 0][..])
    );
    let limited = read(&Npz::open(&file("floats.npz")).unwrap(), "", Limits::first([2, 1])).unwrap();
    assert_eq!(floats(&limited.train), expected(&[0, 1, 2, 3, 5, 7]));
    assert_eq!((limited.train.labels.as_slice(), limited.test_indices.unwrap()), (&[0, 1, 2, 0, 2, 1][..], vec![4, 9]));
}

#[test]
fn halves_of_either_order_and_labels_in_a_column() {
    let own = of_file("halves.npz").unwrap();
    assert_eq!((own.shape, own.classes, own.train.len()), ([1, 4, 5], 3, 9));
    let of_test: Vec<f32> = [4, 9].iter().flat_map(|&i| (0..20).map(move |j| f32::from(value(i, j)))).collect();
    assert_eq!(floats(&own.test), of_test);
}

#[test]
fn safetensors_follow_the_same_rules() {
    let of_file = |name: &str| read(&Tensors::open(&file(name))?, "", Limits::NONE);
    let own = of_file("halves.safetensors").unwrap();
    assert_eq!((own.shape, own.classes, own.test_indices), ([3, 4, 5], 3, Some(vec![4, 9])));
    let first: Vec<f32> = (0..60).map(|place| f32::from(value(4, place % 20 * 3 + place / 20))).collect();
    assert_eq!(&floats(&own.test)[..60], first);
    let own = of_file("bytes.safetensors").unwrap();
    assert_eq!((own.shape, own.train.len(), own.test.len(), own.test_indices), ([2, 1, 1], 11, 4, None));
    assert_eq!((own.test.image(3), own.test.labels[3]), (vec![value(53, 0), value(53, 1)], 53 % 3));
}

#[test]
fn damaged_safetensors_are_told() {
    let good = std::fs::read(file("bytes.safetensors")).unwrap();
    let message = |bytes: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let error = Tensors::open(&path).and_then(|file| read(&file, "", Limits::NONE)).unwrap_err().to_string();
        error.replace(&path.display().to_string(), "FILE")
    };
    let whole = good.len();
    assert_eq!(
        message(&good[..whole - 1]),
        format!("FILE: not a whole safetensors file: {} bytes, expected {whole} by its header", whole - 1)
    );
    assert!(message(&good[..9]).starts_with("FILE: not a whole safetensors file: its header: "));
    let npz = std::fs::read(file("floats.npz")).unwrap();
    assert_eq!(
        message(&npz),
        "FILE: expected a safetensors file with tensors x and y, found a NumPy archive; read it with data.name = \"npz\""
    );
}

#[test]
fn fortran_order_is_refused_with_what_to_do() {
    let message = of_file("fortran.npz").unwrap_err().to_string();
    assert!(
        message.ends_with("array `x`: it lies in Fortran order, expected C order: save np.ascontiguousarray(x)"),
        "{message}"
    );
}

#[test]
fn a_set_is_normalised_by_its_training_part() {
    let path = file("floats.npz");
    let set = Dataset::load(&config(&format!("data.name=npz\ndata.path={}", path.display()))).unwrap();
    let of_feature =
        |part: &Part, f: usize| -> Vec<f64> { floats(part).iter().skip(f).step_by(2).map(|&v| f64::from(v)).collect() };
    for feature in 0..2 {
        let values = of_feature(&set.train, feature);
        let mean = values.iter().sum::<f64>() / 9.0;
        let square = values.iter().map(|v| v * v).sum::<f64>() / 9.0;
        // Rounded to f32 a few times, from values of at most 2.
        assert!(mean.abs() < 1e-6 && (square - 1.0).abs() < 1e-6, "{mean} {square}");
    }
    // A mean of f32 and as many decimals give the same bits.
    let given = format!("data.mean={:?}\ndata.std={:?}", set.normalisation.mean, set.normalisation.std);
    let again = Dataset::load(&config(&format!("data.name=npz\ndata.path={}\n{given}", path.display()))).unwrap();
    assert_eq!(again, set);
}

/// A `.npy` file.
fn npy(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), values].concat()
}

/// A zip archive of stored members.
fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut table) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let (at, size, of_name) = (bytes.len() as u32, (content.len() as u32).to_le_bytes(), name.len() as u16);
        let common = [&[0; 8][..], &crc.sum().to_le_bytes(), &size, &size, &of_name.to_le_bytes(), &[0, 0]].concat();
        bytes.extend([b"PK\x03\x04\x14\0", &common[..], name.as_bytes(), content].concat());
        table.extend([b"PK\x01\x02\x14\0\x14\0", &common[..], &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let count = (members.len() as u16).to_le_bytes();
    let (length, start) = ((table.len() as u32).to_le_bytes(), (bytes.len() as u32).to_le_bytes());
    [&bytes[..], &table, b"PK\x05\x06\0\0\0\0", &count, &count, &length, &start, &[0, 0]].concat()
}

fn message(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.npz");
    std::fs::write(&path, bytes).unwrap();
    let error = Npz::open(&path).and_then(|npz| read(&npz, "", Limits::NONE)).unwrap_err().to_string();
    error.replace(&path.display().to_string(), "FILE")
}

#[test]
fn wrong_arrays_are_named() {
    let y = npy("|u1", "(6,)", &[0, 1, 2, 0, 1, 2]);
    let with = |x: Vec<u8>, y: &[u8]| message(&archive(&[("x.npy", x), ("y.npy", y.to_vec())]));
    let x = || npy("|u1", "(6, 2)", &[7; 12]);
    let cases = [
        (message(&archive(&[("a.npy", x())])), "FILE: arrays a; expected x (samples) and y (labels)"),
        (message(&archive(&[("x.npy", x())])), "FILE: arrays x; expected y (labels) beside x (samples)"),
        (
            message(&archive(&[("x.npy", x()), ("y.npy", y.clone()), ("y_test.npy", y.clone())])),
            "FILE: arrays x, y, y_test; expected x_test beside y_test",
        ),
        (with(npy("|u1", "(5, 2)", &[7; 10]), &y), "FILE: array `x`: 5 samples, expected 6 as y has labels"),
        (
            with(npy("<i4", "(6, 2)", &[7; 48]), &y),
            "FILE: array `x`: type int32, expected uint8 (divided by 255) or float16, float32 or float64 (taken as they are)",
        ),
        (
            with(npy("|u1", "(6,)", &[7; 6]), &y),
            "FILE: array `x`: shape [6], expected [n, features], [n, h, w], [n, c, h, w] or [n, h, w, c], none of them 0",
        ),
        (
            with(x(), &npy("<f4", "(6,)", &[0; 24])),
            "FILE: array `y`: type float32, expected whole numbers: y.astype(\"int64\")",
        ),
        (
            with(x(), &npy("|u1", "(6, 3)", &[0; 18])),
            "FILE: array `y`: shape [6, 3], expected [n], a class of each sample; of one-hot rows take y.argmax(1)",
        ),
        (
            with(x(), &npy("|i1", "(6,)", &[0, 1, 255, 0, 0, 0])),
            "FILE: array `y`: label -1 of sample 2, expected 0 to 65534",
        ),
        (
            with(npy("<f4", "(6, 1)", &[[0u8; 20].to_vec(), f32::NAN.to_le_bytes().to_vec()].concat()), &y),
            "FILE: array `x`: sample 5: NaN, expected finite values",
        ),
        (
            with(npy("|u1", "(4, 2)", &[7; 8]), &npy("|u1", "(4,)", &[0; 4])),
            "FILE: array `x`: 4 samples, expected at least 5: every fifth is a test sample",
        ),
        (
            with(npy("|u1", "(6, 20000)", &[7; 12]), &y),
            "FILE: array `x`: 20000 channels, expected at most 16384; as [n, 1, 1, features] they are one channel with one mean \
             and deviation",
        ),
        (
            message(&archive(&[
                ("x.npy", x()),
                ("y.npy", y.clone()),
                ("x_test.npy", npy("|u1", "(6, 3)", &[7; 18])),
                ("y_test.npy", y.clone()),
            ])),
            "FILE: array `x_test`: samples of 1 x 1 in 3 channels in uint8, expected samples of 1 x 1 in 2 channels in uint8 as in x",
        ),
        (
            with(npy("|u1", "(6, 2)", &[7; 11]), &y),
            "FILE: 81 bytes found, expected 82 (array x of uint8 [6, 2] behind 70)",
        ),
        (with(b"abc".to_vec(), &y), "FILE: array `x`: expected a .npy file (NUMPY and a version)"),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn damaged_archives_are_told() {
    let good = archive(&[("x.npy", npy("|u1", "(6, 2)", &[7; 12])), ("y.npy", npy("|u1", "(6,)", &[0; 6]))]);
    assert_eq!(
        message(&good[..good.len() - 1]),
        "FILE: not a whole zip archive: no end record; it is cut off, download or copy it again"
    );
    let mut flipped = good.clone();
    let at = good.windows(12).position(|w| w == [7; 12]).unwrap();
    flipped[at] = 8;
    assert_eq!(message(&flipped), "FILE: cannot read: member x.npy of the zip archive is damaged: another CRC");
    assert_eq!(
        message(&npy("|u1", "(6,)", &[0; 6])),
        "FILE: expected an archive of NumPy (np.savez), found a NumPy array; save its samples as arrays x and y with np.savez \
         (docs/data.md shows how)"
    );
}
