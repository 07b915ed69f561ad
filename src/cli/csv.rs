//! Objects as CSV (RFC 4180): a column a key, null as nothing.

use serde::Serialize;
use serde_json::{Map, Value};

/// A heading of all keys, in the order in which they come up, and a line an object.
pub fn lines(objects: &[Map<String, Value>]) -> String {
    let mut keys: Vec<&String> = Vec::new();
    for key in objects.iter().flat_map(Map::keys) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let mut out = line(keys.iter().map(|key| quoted(key)));
    for object in objects {
        out.push_str(&line(keys.iter().map(|key| field(object.get(*key)))));
    }
    out
}

/// Values as such objects: an object within one (`{"mean":..,"sd":..}`) becomes its mean under its key and `KEY_sd`; of spreads that are null
/// both are. Keys of `without` are left out.
pub fn objects<T: Serialize>(values: &[T], without: &[&str]) -> Vec<Map<String, Value>> {
    let lines: Vec<Value> = values.iter().map(|value| serde_json::to_value(value).unwrap_or_default()).collect();
    let spreads: Vec<&String> =
        lines.iter().filter_map(Value::as_object).flatten().filter(|(_, v)| v.is_object()).map(|(k, _)| k).collect();
    let flat = |line: &Value| {
        let mut out = Map::new();
        for (key, value) in line.as_object().into_iter().flatten().filter(|(key, _)| !without.contains(&key.as_str())) {
            if spreads.contains(&key) {
                out.insert(key.clone(), value["mean"].clone());
                out.insert(format!("{key}_sd"), value["sd"].clone());
            } else {
                out.insert(key.clone(), value.clone());
            }
        }
        out
    };
    lines.iter().map(flat).collect()
}

fn line(fields: impl Iterator<Item = String>) -> String {
    fields.collect::<Vec<_>>().join(",") + "\n"
}

fn field(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(other) => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spreads_are_two_columns() {
        let values = [json!({"a": null, "d": []}), json!({"a": {"mean": 0.5, "sd": null}, "d": []})];
        assert_eq!(lines(&objects(&values, &["d"])), "a,a_sd\n,\n0.5,\n");
    }

    #[test]
    fn keys_are_columns_and_texts_are_quoted_where_they_must_be() {
        let objects = [json!({"a": 1, "b": "x, \"y\""}), json!({"a": null, "c": [1, 2]})];
        let objects: Vec<_> = objects.iter().map(|o| o.as_object().unwrap().clone()).collect();
        assert_eq!(lines(&objects), "a,b,c\n1,\"x, \"\"y\"\"\",\n,,\"[1,2]\"\n");
        assert_eq!(lines(&[]), "\n");
    }
}
