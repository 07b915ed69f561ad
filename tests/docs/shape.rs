//! Shapes of JSON: which keys, lists and kinds of values. Documented ones may leave things out.

use serde_json::Value;

/// A documented value.
#[derive(Debug, PartialEq)]
pub enum Shape {
    /// `...`, or words such as `{the same}`.
    Any,
    /// A number.
    Number,
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// An object with at least these keys.
    Object(Vec<(String, Shape)>),
    /// A list whose items are like the first; of `[...]` nothing is said.
    List(Box<Shape>),
}

/// Reads a documented object: JSON, with `...` or `..` for what is left out.
pub fn parse(text: &str) -> Shape {
    let mut rest = text.trim();
    let shape = value(&mut rest);
    assert!(rest.trim().is_empty(), "text behind the object: {rest}");
    shape
}

fn value(rest: &mut &str) -> Shape {
    *rest = rest.trim_start();
    match rest.chars().next() {
        Some('{') => object(rest),
        Some('[') => list(rest),
        Some('"') => {
            text(rest);
            Shape::Text
        }
        _ => {
            let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
            let word = rest[..end].trim();
            *rest = &rest[end..];
            match word {
                "true" | "false" => Shape::Flag,
                "null" => Shape::Any,
                _ if word.parse::<f64>().is_ok() => Shape::Number,
                _ => Shape::Any,
            }
        }
    }
}

fn text(rest: &mut &str) -> String {
    let end = 1 + rest[1..].find('"').expect("a string ends");
    let text = rest[1..end].to_owned();
    *rest = &rest[end + 1..];
    text
}

/// Takes a mark, if it is next.
fn take(rest: &mut &str, mark: char) -> bool {
    *rest = rest.trim_start();
    let found = rest.starts_with(mark);
    if found {
        *rest = &rest[mark.len_utf8()..];
    }
    found
}

fn object(rest: &mut &str) -> Shape {
    take(rest, '{');
    let mut entries = Vec::new();
    loop {
        if take(rest, '}') {
            return if entries.is_empty() { Shape::Any } else { Shape::Object(entries) };
        }
        *rest = rest.trim_start();
        if rest.starts_with('"') {
            let key = text(rest);
            assert!(take(rest, ':'), "no colon behind {key}: {rest}");
            entries.push((key, value(rest)));
        } else {
            // Words, or dots.
            *rest = &rest[rest.find([',', '}']).expect("an object ends")..];
        }
        take(rest, ',');
    }
}

fn list(rest: &mut &str) -> Shape {
    take(rest, '[');
    let mut first = None;
    loop {
        if take(rest, ']') {
            return Shape::List(Box::new(first.unwrap_or(Shape::Any)));
        }
        let item = value(rest);
        first.get_or_insert(item);
        take(rest, ',');
    }
}

/// Asserts that a value is as documented; `at` names it.
pub fn check(shape: &Shape, found: &Value, at: &str) {
    match shape {
        Shape::Any => {}
        Shape::Number => assert!(found.is_number() || found.is_null(), "{at}: {found} is no number"),
        Shape::Text => assert!(found.is_string() || found.is_null(), "{at}: {found} is no string"),
        Shape::Flag => assert!(found.is_boolean() || found.is_null(), "{at}: {found} is neither true nor false"),
        Shape::Object(entries) => {
            let object = found.as_object().unwrap_or_else(|| panic!("{at}: {found} is no object"));
            for (key, shape) in entries {
                check(
                    shape,
                    object.get(key).unwrap_or_else(|| panic!("{at} has no {key}: {found}")),
                    &format!("{at}.{key}"),
                );
            }
        }
        Shape::List(item) => {
            let items = found.as_array().unwrap_or_else(|| panic!("{at}: {found} is no list"));
            items.iter().for_each(|found| check(item, found, &format!("{at}[]")));
        }
    }
}

#[test]
fn shapes_are_read() {
    let shape = parse(
        "{\"a\":1.5,\"b\":[{\"c\":\"...\",\"d\":true}, ...],\n \"e\":{...},\"f\":[...],\"g\":...,\"h\":{the same}, ...}",
    );
    let list = Shape::List(Box::new(Shape::Object(vec![("c".into(), Shape::Text), ("d".into(), Shape::Flag)])));
    let entries = [
        ("a", Shape::Number),
        ("b", list),
        ("e", Shape::Any),
        ("f", Shape::List(Box::new(Shape::Any))),
        ("g", Shape::Any),
        ("h", Shape::Any),
    ];
    assert_eq!(shape, Shape::Object(entries.map(|(key, shape)| (key.to_owned(), shape)).into()));
    check(
        &shape,
        &serde_json::json!({"a": 1, "b": [{"c": "", "d": false}], "e": 0, "f": [], "g": 0, "h": 0, "new": 0}),
        "x",
    );
    let missing = serde_json::json!({"a": 1, "b": [{"c": ""}], "e": 0, "f": [], "g": 0, "h": 0});
    assert!(std::panic::catch_unwind(|| check(&shape, &missing, "x")).is_err());
}
