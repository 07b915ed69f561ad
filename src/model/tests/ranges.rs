//! Each key of a model table is told its own range: of any value, from a config as from JSON.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::config::Config;
use crate::layers::LayerSpec;
use crate::model::ModelSpec;

/// Stands for what is tried.
const HERE: u64 = 987_654_321;

/// A table of each kind that names all of its keys, and every layer.
fn tables() -> Vec<Value> {
    let layers = json!([
        {"conv": 4, "kernel": 3, "stride": 1, "padding": 1, "bias": true}, {"residual": [{"groupnorm": 2}, "tanh"], "project": false},
        {"maxpool": 2, "stride": 2}, {"avgpool": 2, "stride": 1}, "batchnorm", "relu", {"layernorm": true}, "gelu", {"dropout": 0.5},
        "globalavgpool", "flatten", {"linear": 5, "bias": true}]);
    let text = layers.to_string();
    for (name, _) in LayerSpec::all() {
        assert!(text.contains(&format!("\"{name}\"")), "{name}");
    }
    vec![
        json!({"kind": "mlp", "input": 9, "hidden": [8, 7], "classes": 5}),
        json!({"kind": "mlp", "input": [1, 3, 3], "hidden": [], "classes": 5}),
        json!({"kind": "cnn", "input": [1, 8, 8], "channels": [2, 3], "hidden": 4, "classes": 5}),
        json!({"kind": "resnet", "input": [1, 8, 8], "depth": 10, "width": 4, "norm": "group", "groups": 2, "classes": 5}),
        json!({"kind": "vit", "input": [1, 8, 8], "patch": 4, "dim": 4, "depth": 2, "heads": 2, "mlp": 4, "classes": 5}),
        json!({"kind": "sequential", "input": [1, 8, 8], "layers": layers, "classes": 5}),
    ]
}

/// Every number and flag of the tables: the key that a message names, and the table with [`HERE`] in its place.
fn places() -> Vec<(String, Value)> {
    let mut places = Vec::new();
    for table in tables() {
        walk(&table, "", &mut Vec::new(), &mut |key, path| {
            let (mut with, here) = (table.clone(), json!(HERE));
            *path.iter().fold(&mut with, |value, step| step.of(value)) = here;
            places.push((key.to_owned(), with));
        });
    }
    places
}

#[derive(Clone)]
enum Step {
    Key(String),
    At(usize),
}

impl Step {
    fn of<'a>(&self, value: &'a mut Value) -> &'a mut Value {
        match self {
            Self::Key(key) => &mut value[key.as_str()],
            Self::At(i) => &mut value[*i],
        }
    }
}

fn walk(value: &Value, key: &str, path: &mut Vec<Step>, found: &mut impl FnMut(&str, &[Step])) {
    match value {
        Value::Number(_) | Value::Bool(_) => found(key, path),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                path.push(Step::At(i));
                // A list of numbers is one key's value.
                let key = if item.is_number() { key.to_owned() } else { format!("{key}[{i}]") };
                walk(item, &key, path, found);
                path.pop();
            }
        }
        Value::Object(map) => {
            for (name, value) in map {
                path.push(Step::Key(name.clone()));
                walk(value, &if key.is_empty() { name.clone() } else { format!("{key}.{name}") }, path, found);
                path.pop();
            }
        }
        Value::Null | Value::String(_) => {}
    }
}

/// The table with a value, as TOML has it, at its place: read from a config.
fn read(table: &Value, value: &str) -> Result<ModelSpec, String> {
    let text = inline(table).replace(&HERE.to_string(), value);
    let config = Config::load(None, &[format!("model={text}")]).map_err(|e| e.to_string())?;
    ModelSpec::from_json(&Value::Object(config.model.table)).map_err(|e| e.to_string())
}

/// As TOML writes it on a line.
fn inline(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Values that are in the range that a message names, its ends among them, and values just beyond.
fn named(expected: &str) -> (Vec<String>, Vec<String>) {
    let texts = |values: &[&str]| values.iter().map(|&text| text.to_owned()).collect();
    if let Some((_, range)) = expected.split_once("an integer from ") {
        let ends: Vec<i64> = range.split(" to ").map(|end| end.parse().unwrap()).collect();
        return (
            vec![ends[0].to_string(), ends[1].to_string()],
            vec![(ends[0] - 1).to_string(), (ends[1] + 1).to_string(), format!("{}.5", ends[0])],
        );
    }
    match expected {
        "10, 18 or 34" => (texts(&["10", "18", "34"]), texts(&["9", "11", "33", "35", "10.0"])),
        "a number from 0 up to, but not, 1" => {
            (texts(&["0", "0.0", "1e-300", "0.9999999999"]), texts(&["1", "1.0", "-1e-300"]))
        }
        "true or false" => (texts(&["true", "false"]), texts(&["0", "1", "\"true\""])),
        "true" => (texts(&["true"]), texts(&["false", "1"])),
        other => panic!("what is {other:?}?"),
    }
}

#[test]
fn each_key_is_told_its_own_range() {
    let absurd =
        ["1e30", "-1e30", "-1", "9223372036854775807", "9223372036854775808", "99999999999999999999999999", "\"wide\""];
    for (key, table) in places() {
        let range = |value: &str| {
            let message = read(&table, value).expect_err(value);
            let rest = message
                .strip_prefix(&format!("model.{key}: expected "))
                .unwrap_or_else(|| panic!("{key} = {value}: {message}"));
            rest.split_once(", found ").unwrap_or_else(|| panic!("{message}")).0.to_owned()
        };
        let expected = range(absurd[0]);
        let (within, beyond) = named(&expected);
        for value in absurd.into_iter().chain(beyond.iter().map(String::as_str)) {
            assert_eq!(range(value), expected, "{key} = {value}");
        }
        for value in &within {
            assert!(read(&table, value).is_ok(), "{key} = {value}: {:?}", read(&table, value));
        }
    }
}

proptest! {
    /// Sizes that no model has are refused by key, or the model is, in numbers. Nothing panics, and nothing is made in their size.
    #[test]
    fn absurd_sizes_make_no_graph(value: u64, shift in 0u32..64, place: prop::sample::Index) {
        let (value, places) = (value >> shift, places());
        let (key, table) = place.get(&places);
        if let Ok(spec) = read(table, &value.to_string()) {
            prop_assert!(value <= 1 << 24, "{} = {}", key, value);
            let _ = spec.graph();
        }
    }
}
