//! The readers of data files against the packages that write these files: equal arrays, bit for bit. `ZOWARMUP_PYTHON` names a Python that has
//! the packages, else `python3` is asked; what is missing is printed and passed over.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use zowarmup::config::Config;
use zowarmup::data::{Dataset, HELD, Part};

/// Both parts in file order: sample i is a test sample where i mod 5 is 4.
fn in_file_order<T: Clone>(train: &[T], test: &[T]) -> Vec<T> {
    let (mut train, mut test) = (train.iter(), test.iter());
    let all = train.len() + test.len();
    (0..all).filter_map(|i| if i % 5 == 4 { test.next() } else { train.next() }.cloned()).collect()
}

/// The samples of a part as they lie in memory.
fn rows(part: &Part) -> Vec<Vec<u8>> {
    (0..part.len()).map(|i| part.rows(i..i + 1).unwrap().raw().to_vec()).collect()
}

fn numbers(path: &Path) -> Vec<u32> {
    std::fs::read(path).unwrap().as_chunks::<4>().0.iter().map(|&word| u32::from_le_bytes(word)).collect()
}

#[test]
fn files_of_other_packages_hold_the_same_arrays() {
    let dir = tempfile::tempdir().unwrap();
    let python = std::env::var("ZOWARMUP_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers.py");
    let output = match Command::new(&python).arg(&script).arg(dir.path()).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: {python} can't be started: {error} (ZOWARMUP_PYTHON names one)"),
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut done = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        if let Some(missing) = case["missing"].as_str() {
            println!("skipped: {python} lacks {missing}");
            continue;
        }
        let name = case["case"].as_str().unwrap();
        if case["set"].to_string().contains("parquet") && !cfg!(feature = "parquet") {
            println!("skipped: {name}: built without parquet");
            continue;
        }
        let sets = case["set"].as_array().unwrap().iter().map(|set| {
            let (key, value) = set.as_str().unwrap().split_once('=').unwrap();
            let path = key == "data.path";
            if path { format!("{key}={}", dir.path().join(value).display()) } else { format!("{key}={value}") }
        });
        let sets: Vec<String> = sets.chain(["data.normalisation=none".to_owned()]).collect();
        let config = Config::load(None, &sets).unwrap().data;
        let file = |end: &str| dir.path().join(format!("{name}.{end}"));
        let (values, labels) = (std::fs::read(file("x")).unwrap(), numbers(&file("y")));
        for held in [HELD, 0] {
            let data = Dataset::load_within(&config, held).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(data.train.is_float(), case["kind"] == "floats", "{name}");
            assert!(in_file_order(&rows(&data.train), &rows(&data.test)).concat() == values, "{name}: values differ");
            assert_eq!(in_file_order(&data.train.labels, &data.test.labels), labels, "{name}");
            assert_eq!(data.classes, labels.iter().max().unwrap() + 1, "{name}");
            if let Some(names) = case["names"].as_array() {
                let clients = data.clients.unwrap();
                let all = numbers(&file("c"));
                let expected = (0..all.len()).filter(|i| i % 5 != 4).map(|i| names[all[i] as usize].as_str().unwrap());
                let found = clients.of_train.iter().map(|&client| clients.names[client as usize].as_str());
                assert!(found.eq(expected), "{name}: clients differ");
            }
        }
        done += 1;
    }
    println!("{done} files agree");
}
