//! Files as LEAF writes them, and files that are wrong.

use super::*;
use crate::data::Values;
use std::fs;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

const ONE: &str = r#"{"users": ["f01", "f00"], "num_samples": [2, 1], "user_data": {
    "f00": {"y": [3], "x": [[0.5, 1]]}, "f01": {"x": [[1.0, 2e-1], [3, 4]], "y": [0, 2]}}}"#;
const TWO: &str = r#"{"users": ["f10"], "hierarchies": [], "num_samples": [3], "user_data": {"f10": {"x": [[5, 6], [7, 8], [9, 10]], "y": [1, 1, 0]}}}"#;

#[test]
fn users_are_the_clients() {
    let test = r#"{"users": ["f99"], "num_samples": [1], "user_data": {"f99": {"x": [[0, -1]], "y": [5]}}}"#;
    let dir = folder(&[("train/b.json", TWO), ("train/a.json", ONE), ("test/a.json", test)]);
    let own = read(dir.path(), Limits::NONE).unwrap();
    assert_eq!((own.shape, own.classes, own.test_indices), ([2, 1, 1], 6, None));
    // In order of files, then of the list of users.
    let expected = vec![1.0, 0.2, 3.0, 4.0, 0.5, 1.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
    assert_eq!(own.train.held(), Some(&Values::Floats(expected)));
    assert_eq!(own.test.held(), Some(&Values::Floats(vec![0.0, -1.0])));
    assert_eq!((own.train.labels, own.test.labels), (vec![0, 2, 3, 1, 1, 0], vec![5]));
    let clients = own.clients.unwrap();
    assert_eq!((clients.names.join(" "), clients.of_train), ("f00 f01 f10".to_owned(), vec![1, 1, 0, 2, 2, 2]));
    // Without a test folder sample 4 is the test sample.
    let dir = folder(&[("b.json", TWO), ("a.json", ONE)]);
    let own = read(dir.path(), Limits::NONE).unwrap();
    assert_eq!((own.train.labels, own.test.labels, own.test_indices), (vec![0, 2, 3, 1, 0], vec![1], Some(vec![4])));
    assert_eq!(own.clients.unwrap().of_train, [1, 1, 0, 2, 2]);
    let limited = read(dir.path(), Limits::first([1, 0])).unwrap();
    assert_eq!((limited.train.labels, limited.clients.unwrap().of_train), (vec![0, 2, 3, 1], vec![1, 1, 0, 2]));
}

#[test]
fn images_keep_their_shape() {
    let text = r#"{"users": ["u"], "user_data": {"u": {"x": [[[[1],[2]],[[3],[4]],[[5],[6]],[[7],[8]]], [[[7],[8]],[[9],[10]],[[11],[12]],[[13],[14]]]], "y": [0, 1]}}}"#;
    let dir = folder(&[("train/a.json", text), ("test/a.json", text)]);
    let own = read(dir.path(), Limits::NONE).unwrap();
    assert_eq!((own.shape, own.train.len()), ([1, 4, 2], 2));
}

#[test]
fn wrong_files_are_named() {
    let message = |text: &str| {
        let dir = folder(&[("a.json", text)]);
        read(dir.path(), Limits::NONE).unwrap_err().to_string().replace(&dir.path().display().to_string(), "DIR")
    };
    let of = |x: &str, y: &str| {
        message(&format!("{{\"users\": [\"u\"],\n \"user_data\": {{\"u\": {{\"x\": {x}, \"y\": {y}}}}}}}"))
    };
    assert_eq!(
        of("[[1, 2], [3]]", "[0, 1]"),
        "DIR/a.json: line 2: item 1 has the shape [1], expected [2] as those before"
    );
    assert_eq!(of("[[1, 2]]", "[0, 1]"), "DIR/a.json: line 2: 1 samples in x, expected 2 as there are labels in y");
    assert_eq!(of("[[1, 2]]", "[-1]"), "DIR/a.json: line 2: y: label -1, expected 0 to 65534");
    let text = of("[\"img_0.jpg\"]", "[0]");
    assert!(text.contains("invalid type: string") && text.contains("names of images are not read"), "{text}");
    assert!(of("[[1, null]]", "[0]").contains("invalid type: null"), "{}", of("[[1, null]]", "[0]"));
    assert_eq!(message("{\"users\": [\"u\"]}"), "DIR/a.json: line 1: missing field `user_data`");
    let absent = message("{\"users\": [\"u\"], \"user_data\": {}}");
    assert_eq!(absent, "DIR/a.json: user `u`: no samples in user_data, or named twice in users");
    assert!(message("[1]").contains("expected an object with users and user_data"), "{}", message("[1]"));
    assert!(message("{").contains("line 1"), "{}", message("{"));
    let deep = format!("{{\"users\": [\"u\"], \"user_data\": {{\"u\": {{\"x\": {}1", "[".repeat(100_000));
    assert!(message(&deep).contains("lists within lists"), "{}", message(&deep));
    let empty = folder(&[]);
    let text = read(empty.path(), Limits::NONE).unwrap_err().to_string();
    assert!(text.ends_with("no LEAF file found; tried *.json"), "{text}");
}
