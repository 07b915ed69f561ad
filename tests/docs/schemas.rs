//! The documented formats, `docs/schemas/`, held against what is written.

use std::fs;

use serde_json::Value;

use super::pages::root;
use super::place::Place;

fn schema(name: &str) -> Value {
    let path = root().join(format!("docs/schemas/{name}.schema.json"));
    serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()
}

/// What of a value isn't as the schema says: of JSON Schema's words those that the schemas use, any other is an error of the schema.
fn wrong(schema: &Value, value: &Value, whole: &Value, at: &str) -> Option<String> {
    for (word, rule) in schema.as_object().unwrap() {
        let said = match word.as_str() {
            "$schema" | "title" | "description" | "$defs" => None,
            "$ref" => {
                let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                wrong(&whole["$defs"][name], value, whole, at)
            }
            "type" => {
                let is = |kind: &Value| match kind.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "null" => value.is_null(),
                    other => panic!("type {other}"),
                };
                let fits = rule.as_array().map_or_else(|| is(rule), |kinds| kinds.iter().any(is));
                (!fits).then(|| format!("{at}: {value} is no {rule}"))
            }
            "required" => {
                let missing = rule.as_array().unwrap().iter().find(|key| value.get(key.as_str().unwrap()).is_none());
                missing.filter(|_| value.is_object()).map(|key| format!("{at}: no {key}"))
            }
            "properties" => {
                let entries = rule.as_object().unwrap().iter();
                entries
                    .filter_map(|(key, rule)| Some((key, rule, value.get(key)?)))
                    .find_map(|(key, rule, value)| wrong(rule, value, whole, &format!("{at}.{key}")))
            }
            "additionalProperties" => {
                let known = |key: &str| schema["properties"].get(key).is_some();
                let mut others = value.as_object().into_iter().flatten().filter(|(key, _)| !known(key));
                match rule {
                    Value::Bool(false) => others.next().map(|(key, _)| format!("{at}: {key} is not documented")),
                    rule => others.find_map(|(key, value)| wrong(rule, value, whole, &format!("{at}.{key}"))),
                }
            }
            "items" => value
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
                .find_map(|(i, item)| wrong(rule, item, whole, &format!("{at}[{i}]"))),
            "anyOf" => {
                let all = rule.as_array().unwrap();
                let fits = all.iter().any(|rule| wrong(rule, value, whole, at).is_none());
                (!fits).then(|| format!("{at}: {value} is none of {rule}"))
            }
            "minimum" => {
                let low = value.as_f64().filter(|x| *x < rule.as_f64().unwrap());
                low.map(|x| format!("{at}: {x} is below {rule}"))
            }
            "minItems" => {
                let few = value.as_array().filter(|list| (list.len() as u64) < rule.as_u64().unwrap());
                few.map(|_| format!("{at}: expected at least {rule} items"))
            }
            "pattern" => {
                let fits = match (rule.as_str().unwrap(), value.as_str()) {
                    (_, None) => true,
                    ("=", Some(text)) => text.contains('='),
                    ("^[0-9]", Some(text)) => text.starts_with(|c: char| c.is_ascii_digit()),
                    (other, _) => panic!("pattern {other}"),
                };
                (!fits).then(|| format!("{at}: {value} doesn't match {rule}"))
            }
            other => panic!("{at}: this checker doesn't know {other:?}"),
        };
        if said.is_some() {
            return said;
        }
    }
    None
}

fn assert_fits(name: &str, value: &Value) {
    let schema = schema(name);
    if let Some(why) = wrong(&schema, value, &schema, name) {
        panic!("{why}");
    }
}

#[test]
fn what_is_written_is_as_documented() {
    let place = Place::new();
    let read = |path: &str| -> Value { serde_json::from_str(&fs::read_to_string(place.path(path)).unwrap()).unwrap() };
    let small = [
        "--set",
        "warmup.rounds=1",
        "--set",
        "zo.rounds=1",
        "--set",
        "split.clients=4",
        "--set",
        "split.high_share=0.5",
    ];
    let methods =
        ["compare", "--methods", "zowarmup,high-res-only", "--seeds", "0..1", "--target", "0.05", "--out", "c"];
    let result = place.json(&[&methods[..], &small[..]].concat());
    assert_eq!(read("c/compare.json"), result);
    assert_eq!((result["rows"].as_array().unwrap().len(), result["differences"].as_array().unwrap().len()), (2, 1));
    assert!(result["rows"][0]["target_reached"].is_u64() && result["target"] == 0.05);
    assert_fits("compare", &result);
    assert_fits("report", &read("c/report.json"));
    assert_fits("sweep-index", &read("c/sweep.json"));
    assert_fits("report", &place.json(&["report", "c", "--out", "r"]));
    // A key that is not documented, or is missing, is found.
    let (mut more, mut less) = (result.clone(), result);
    more["rows"][1]["new"] = 1.into();
    less["rows"][1].as_object_mut().unwrap().remove("gain");
    let compare = schema("compare");
    assert_eq!(wrong(&compare, &more, &compare, "c"), Some("c.rows[1]: new is not documented".to_owned()));
    assert_eq!(wrong(&compare, &less, &compare, "c"), Some("c.rows[1]: no \"gain\"".to_owned()));
}

#[test]
fn descriptions_are_as_documented() {
    let mut count = 0;
    for folder in ["tables", "paper", "small", "small/fashion"] {
        for entry in fs::read_dir(root().join("configs").join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() || path.ends_with("values.toml") {
                continue;
            }
            let table: toml::Table = toml::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            assert_fits("sweep-description", &serde_json::to_value(table).unwrap());
            count += 1;
        }
    }
    assert!(count >= 35, "{count}");
    // What the schema refuses the program refuses, too.
    let (place, schema) = (Place::new(), schema("sweep-description"));
    for text in [
        "seeds = [-1]\n[grid]\n\"zo.lr\" = [1]",
        "[[row]]\nlable = \"a\"",
        "[[row]]\nset = []",
        "tilte = \"a\"",
        "[grid]\n\"zo.lr\" = 0.1",
        "[grid]\n\"zo.lr\" = []",
        "set = [\"zo.lr\"]\n[[row]]\nlabel = \"a\"",
        "seeds = \"x\"\n[[row]]\nlabel = \"a\"",
    ] {
        let value = serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap();
        assert!(wrong(&schema, &value, &schema, "x").is_some(), "{text}");
        fs::write(place.path("wrong.toml"), text).unwrap();
        assert_eq!(place.run(&["sweep", "wrong.toml"]).status.code(), Some(2), "{text}");
    }
}
