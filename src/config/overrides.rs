//! `--set key.path=value`.

use super::document;
use super::error::ConfigError;
use super::seeds;
use super::source::Source;
use toml::{Table, Value};

/// One argument's key and value, and the integers in it that TOML doesn't hold.
type Entry<'a> = (&'a str, Value, Vec<(String, String)>);

/// Splits one argument into its key and value: the value read as TOML, else taken as a bare string.
pub(super) fn split(argument: &str) -> Result<Entry<'_>, ConfigError> {
    let error = |message: &str| ConfigError::Override { argument: argument.to_owned(), message: message.to_owned() };
    let (key, text) = argument.split_once('=').ok_or_else(|| error("expected KEY.PATH=VALUE"))?;
    let key = key.trim();
    if key.split('.').any(|part| part.is_empty() || part.contains(char::is_whitespace)) {
        return Err(error("expected a dotted key before `=`, such as zo.lr"));
    }
    // One entry exactly, so that a value with line breaks can't bring keys of its own.
    let rename = |name: &str| name.replacen("value", key, 1);
    let parsed = document::parse(&format!("value = {text}"), rename).ok().filter(|d| d.table.len() == 1);
    let (value, large) = parsed.map_or((None, Vec::new()), |mut d| (d.table.remove("value"), d.large));
    Ok((key, value.unwrap_or_else(|| Value::String(text.to_owned())), large))
}

/// Applies `arguments` to `root`, later ones over earlier ones, and notes them in `source`.
pub(super) fn apply(root: &mut Table, arguments: &[String], source: &mut Source) -> Result<(), ConfigError> {
    let entries = arguments.iter().map(|a| split(a).map(|entry| (a, entry))).collect::<Result<Vec<_>, _>>()?;
    if entries.iter().any(|(_, (key, ..))| *key == "seed") {
        seeds::drop_derived(root);
    }
    for (argument, (key, value, large)) in entries {
        set(root, key, value).map_err(|place| ConfigError::Override {
            argument: argument.clone(),
            message: format!("`{place}` is no table"),
        })?;
        source.overridden.push(key.to_owned());
        source.forget(key);
        source.large.extend(large);
    }
    Ok(())
}

/// Sets one dotted key, making tables on the way; the error is the part of the key that holds something else.
fn set<'k>(mut table: &mut Table, key: &'k str, value: Value) -> Result<(), &'k str> {
    let mut start = 0;
    while let Some(length) = key[start..].find('.') {
        let end = start + length;
        let next = table.entry(&key[start..end]).or_insert_with(|| Value::Table(Table::new()));
        table = next.as_table_mut().ok_or(&key[..end])?;
        start = end + 1;
    }
    table.insert(key[start..].to_owned(), value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_toml_or_bare_strings() {
        for (argument, key, value) in [
            ("zo.lr=0.1", "zo.lr", Value::Float(0.1)),
            ("zo.rounds=3", "zo.rounds", Value::Integer(3)),
            ("data.path=a b/c", "data.path", Value::String("a b/c".into())),
            ("data.path=\"x=y\"", "data.path", Value::String("x=y".into())),
            ("device.select=gl=1", "device.select", Value::String("gl=1".into())),
            ("name=", "name", Value::String(String::new())),
            ("name=1\nseed = 5", "name", Value::String("1\nseed = 5".into())),
            ("model.hidden=[8, 4]", "model.hidden", Value::Array(vec![Value::Integer(8), Value::Integer(4)])),
        ] {
            assert_eq!(split(argument).unwrap(), (key, value, Vec::new()), "{argument}");
        }
    }

    #[test]
    fn malformed_arguments_are_named() {
        let message = |a: &str| {
            let mut root = toml::from_str("seed = 1").unwrap();
            apply(&mut root, &[a.to_owned()], &mut Source::of("c.toml", "")).unwrap_err().to_string()
        };
        assert_eq!(message("zo.lr"), "--set zo.lr: expected KEY.PATH=VALUE");
        assert_eq!(message("zo..lr=1"), "--set zo..lr=1: expected a dotted key before `=`, such as zo.lr");
        assert_eq!(message("=1"), "--set =1: expected a dotted key before `=`, such as zo.lr");
        assert_eq!(message("seed.x=1"), "--set seed.x=1: `seed` is no table");
    }
}
