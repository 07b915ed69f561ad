//! Files that pandas and PyArrow wrote (tests/data/generate.py), and files that are wrong.

use super::*;
use crate::data::tests::file;

fn floats(part: &Part) -> &[f32] {
    match part.held().unwrap() {
        Values::Floats(values) => values,
        Values::Bytes(_) => panic!("bytes"),
    }
}

fn of_file(name: &str, label: &str, client: &str) -> Result<Own, DataError> {
    read(&file(name), label, client, Limits::NONE)
}

fn message(name: &str, label: &str, client: &str) -> String {
    let text = of_file(name, label, client).unwrap_err().to_string();
    text.replace(&file(name).display().to_string(), "FILE")
}

#[test]
fn pandas_writes_features_labels_and_clients() {
    // Row i: i / 4, -i, i mod 2 = 0, a label of three in turn, the client i mod 4; an index that is no column.
    let own = of_file("flowers.parquet", "", "user").unwrap();
    assert_eq!((own.shape, own.classes, own.test_indices.as_deref()), ([3, 1, 1], 3, Some(&[4, 9][..])));
    let row = |i: u32| [i as f32 / 4.0, -(i as f32), f32::from(u8::from(i.is_multiple_of(2)))];
    assert_eq!(floats(&own.test), [row(4), row(9)].concat());
    assert_eq!(floats(&own.train)[6..12], [row(2), row(3)].concat());
    assert_eq!((own.train.labels, own.test.labels), (vec![1, 0, 2, 1, 2, 1, 0, 2, 0], vec![0, 1]));
    let clients = own.clients.unwrap();
    assert_eq!(clients.names, ["u0", "u1", "u2", "u3"]);
    assert_eq!(clients.of_train, [0, 1, 2, 3, 1, 2, 3, 0, 2]);
    let limited = read(&file("flowers.parquet"), "class", "user", Limits::first([1, 0])).unwrap();
    assert_eq!((limited.train.labels, limited.clients.unwrap().names.len()), (vec![1, 0, 2], 3));
}

#[test]
fn every_type_and_packing_gives_the_same_numbers() {
    // 40 rows in row groups of 7: the same number in each type; the label is the last column.
    for name in ["types-snappy.parquet", "types-gzip.parquet", "types-lz4.parquet", "types-none.parquet"] {
        let own = of_file(name, "", "").unwrap();
        assert_eq!((own.shape, own.train.len(), own.test.len()), ([11, 1, 1], 32, 8), "{name}");
        for (part, first) in [(&own.test, 4)] {
            for (i, row) in floats(part).chunks_exact(11).enumerate() {
                assert_eq!(row, [(first + 5 * i) as f32; 11], "{name}");
            }
        }
        assert_eq!((own.classes, &own.train.labels[..6]), (40, &[0, 1, 2, 3, 5, 6][..]));
    }
    // Whole numbers beyond 2^53 are rounded once, to f32.
    assert_eq!(floats(&of_file("large.parquet", "y", "").unwrap().test), [9_007_199_791_611_905i64 as f32]);
}

#[test]
fn what_is_no_plain_table_is_named() {
    let plain = "expected plain values: a column for each feature (or an array in an npz file)";
    assert_eq!(message("list.parquet", "", ""), format!("FILE: column `x`: a list, {plain}"));
    assert_eq!(message("fixed.parquet", "", ""), format!("FILE: column `x`: a list, {plain}"));
    assert_eq!(message("struct.parquet", "", ""), format!("FILE: column `x`: a struct, {plain}"));
    assert_eq!(message("null.parquet", "", ""), "FILE: column `b`: row 6 has no value (null), expected numbers");
    assert_eq!(message("null.parquet", "b", ""), "FILE: column `b`: floats, expected text, whole numbers or booleans");
    assert_eq!(message("flowers.parquet", "class", ""), "FILE: column `user`: text, expected numbers");
    assert_eq!(message("dates.parquet", "y", ""), "FILE: column `when`: date or time, expected numbers");
    assert_eq!(message("nan.parquet", "", ""), "FILE: column `a`: row 2: NaN, expected a finite number");
    assert_eq!(
        message("flowers.parquet", "kind", ""),
        "FILE: not a whole Parquet file: no column `kind` (data.label); columns are width, height, even, class, user"
    );
    let zstd = of_file("zstd.parquet", "", "");
    if cfg!(feature = "parquet-zstd") {
        assert_eq!(zstd.unwrap().shape, [1, 1, 1]);
    } else {
        assert!(message("zstd.parquet", "", "").contains("packed by Zstandard"), "{}", message("zstd.parquet", "", ""));
    }
    assert!(message("flowers.csv", "", "").contains("not a whole Parquet file"));
}

#[test]
fn damaged_files_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.parquet");
    let good = std::fs::read(file("types-none.parquet")).unwrap();
    std::fs::write(&path, &good[..good.len() - 5]).unwrap();
    let text = read(&path, "", "", Limits::NONE).unwrap_err().to_string();
    assert!(text.contains("x.parquet: not a whole Parquet file: "), "{text}");
    // A byte changed anywhere gives an error or other numbers, never a panic.
    for at in (0..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        std::fs::write(&path, &bad).unwrap();
        drop(read(&path, "", "", Limits::NONE));
    }
}
