//! Files that Python wrote line by line (tests/data/generate.py), and files that are wrong.

use super::*;
use crate::data::tests::file;

fn floats(samples: &Part) -> &[f32] {
    match samples.held().unwrap() {
        Values::Floats(floats) => floats,
        Values::Bytes(_) => panic!("bytes"),
    }
}

#[test]
fn a_header_names_the_label_and_text_is_sorted() {
    let own = read(&file("flowers.csv"), "", "", Limits::NONE).unwrap();
    assert_eq!((own.shape, own.classes, own.test_indices.as_deref()), ([3, 1, 1], 3, Some(&[4, 9][..])));
    let row = |i: u32| [i as f32 / 4.0, -(i as f32), i as f32 * 100.0];
    assert_eq!(floats(&own.test), [row(4), row(9)].concat());
    assert_eq!(floats(&own.train)[..6], [row(0), row(1)].concat());
    // rose, daisy, tulip in turn: daisy 0, rose 1, tulip 2.
    assert_eq!(
        (own.train.labels.as_slice(), own.test.labels.as_slice()),
        (&[1, 0, 2, 1, 2, 1, 0, 2, 0][..], &[0, 1][..])
    );
    let limited = read(&file("flowers.csv"), "class", "", Limits::first([1, 1])).unwrap();
    assert_eq!((limited.train.labels.as_slice(), limited.test_indices), (&[1, 0, 2][..], Some(vec![4, 9])));
}

#[test]
fn without_a_header_the_last_column_is_the_label_and_numbers_are_sorted_by_size() {
    let own = read(&file("plain.csv"), "", "", Limits::NONE).unwrap();
    assert_eq!((own.shape, own.classes), ([2, 1, 1], 3));
    assert_eq!(own.train.labels, [0, 1, 2, 0, 2, 0, 1, 2, 1]);
    assert_eq!(floats(&own.test), [4.5, 16.0, 9.5, 81.0]);
    // Columns without names are counted from 1.
    let other = read(&file("plain.csv"), "1", "", Limits::NONE).unwrap();
    assert_eq!((other.classes, floats(&other.test)), (11, &[16.0, 10.0, 81.0, 9.0][..]));
}

fn message(text: &str, label: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    std::fs::write(&path, text).unwrap();
    read(&path, label, "", Limits::NONE).unwrap_err().to_string().replace(&path.display().to_string(), "FILE")
}

#[test]
fn wrong_lines_are_named() {
    let good = "a,b,y\n1,2,0\n3,4,1\n5,6,0\n";
    for (text, label, expected) in [
        (good.to_owned(), "", "FILE: line 3: 3 rows of samples, expected at least 5: every fifth is a test sample"),
        (good.to_owned(), "z", "FILE: line 1: no column `z` (data.label); columns are a, b, y"),
        (format!("{good}7,8\n"), "", "FILE: line 5: 2 fields, expected 3 as in the first line"),
        (format!("{good}7,x,0\n"), "", "FILE: line 5: column `b`: `x`, expected a finite number"),
        (format!("{good}7,inf,0\n"), "", "FILE: line 5: column `b`: `inf`, expected a finite number"),
        (format!("{good}7,,0\n"), "", "FILE: line 5: column `b`: ``, expected a finite number"),
        (format!("{good}7,8,\n"), "", "FILE: line 5: no label in column `y`"),
        (
            "a;b\n1;2\n".to_owned(),
            "",
            "FILE: line 1: 1 columns, expected a label and 1 to 16384 features, separated by commas",
        ),
    ] {
        assert_eq!(message(&text, label), expected);
    }
    assert!(message("", "").contains("found an empty file"));
}

#[test]
fn a_column_names_the_client() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.csv");
    // Row 4 is the test sample; client `zoe` has no other.
    let rows = ["1,2,0,bob", "3,4,1,ann", "5,6,0,bob", "7,8,1,cyd", "9,10,0,zoe", "11,12,1,ann"];
    std::fs::write(&path, format!("a,b,y,user\n{}\n", rows.join("\n"))).unwrap();
    let own = read(&path, "", "user", Limits::NONE).unwrap();
    assert_eq!((own.shape, floats(&own.test)), ([2, 1, 1], &[9.0, 10.0][..]));
    let clients = own.clients.unwrap();
    assert_eq!((clients.names.join(" "), clients.of_train), ("ann bob cyd".to_owned(), vec![1, 0, 1, 2, 0]));
    let message = |label, client| read(&path, label, client, Limits::NONE).unwrap_err().to_string();
    assert!(message("", "who").ends_with("line 1: no column `who` (data.client); columns are a, b, y, user"));
    assert!(message("user", "user").ends_with("line 1: column `user` is both data.label and data.client"));
    std::fs::write(&path, "a,b,y,user\n1,2,0,\n").unwrap();
    assert!(message("", "user").ends_with("line 2: no client in column `user`"));
}
