//! TOML text to a table. TOML's integers end at 2^63 - 1, a seed at 2^64 - 1.

use super::seeds;
use super::source::join;
use std::ops::Range;
use toml::Table;
use toml::de::{DeTable, DeValue, Error};

/// A table, and the integers in it that 64 bits with a sign don't hold: each with its dotted key and as it was written. Those of seeds
/// have become hex strings, the others floats.
pub(super) struct Document {
    pub table: Table,
    pub large: Vec<(String, String)>,
}

/// Parses a table. `rename` gives the dotted key of a config from that in the text.
///
/// # Errors
/// Text that is no TOML.
pub(super) fn parse(text: &str, rename: impl Fn(&str) -> String) -> Result<Document, Error> {
    let error = match toml::from_str::<Table>(text) {
        Ok(table) => return Ok(Document { table, large: Vec::new() }),
        Err(error) => error,
    };
    let mut found = Vec::new();
    match DeTable::parse(text) {
        Ok(root) => large_of_table(root.get_ref(), "", &mut found),
        Err(_) => return Err(error),
    }
    let (mut rest, mut large) = (text.to_owned(), Vec::new());
    // From the end, so that what stands before keeps its place.
    found.sort_by_key(|integer: &Large| integer.span.start);
    for integer in found.iter().rev() {
        let key = rename(&integer.key);
        let written = rest[integer.span.clone()].to_owned();
        let replacement = match u64::from_str_radix(&integer.digits, integer.radix) {
            Ok(seed) if seeds::is_key(&key) => format!("\"{}\"", seeds::to_hex(seed)),
            _ => as_float(integer),
        };
        rest.replace_range(integer.span.clone(), &replacement);
        large.push((key, written));
    }
    // Whatever else was wrong has its own place in the text as it was written.
    toml::from_str(&rest).map(|table| Document { table, large }).map_err(|_| error)
}

/// An integer beyond i64.
struct Large {
    key: String,
    span: Range<usize>,
    digits: String,
    radix: u32,
}

fn large_of_table(table: &DeTable<'_>, prefix: &str, found: &mut Vec<Large>) {
    for (key, value) in table {
        large_of_value(value.get_ref(), value.span(), &join(prefix, key.get_ref()), found);
    }
}

fn large_of_value(value: &DeValue<'_>, span: Range<usize>, key: &str, found: &mut Vec<Large>) {
    match value {
        DeValue::Integer(i) if i64::from_str_radix(i.as_str(), i.radix()).is_err() => {
            found.push(Large { key: key.to_owned(), span, digits: i.as_str().to_owned(), radix: i.radix() });
        }
        DeValue::Array(items) => items.iter().for_each(|v| large_of_value(v.get_ref(), v.span(), key, found)),
        DeValue::Table(table) => large_of_table(table, key, found),
        _ => {}
    }
}

fn as_float(integer: &Large) -> String {
    let value = match u128::from_str_radix(&integer.digits, integer.radix) {
        Ok(n) => n as f64,
        Err(_) if integer.digits.starts_with('-') => f64::MIN,
        Err(_) => f64::MAX,
    };
    format!("{value:e}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use toml::Value;

    #[test]
    fn integers_beyond_i64_are_seeds_or_floats() {
        let text = "seed = 0xbeeffacedeadcafe # s\n[zo]\nprobes = 18446744073709551615\n[seeds]\nsplit = 9_223_372_036_854_775_808\n\
            weights = 5\n[model]\nhidden = [8, 99999999999999999999]\n";
        let document = parse(text, str::to_owned).unwrap();
        assert_eq!(document.table["seed"], Value::String("beeffacedeadcafe".into()));
        assert_eq!(document.table["seeds"]["split"], Value::String("8000000000000000".into()));
        assert_eq!(document.table["seeds"]["weights"], Value::Integer(5));
        assert_eq!(document.table["zo"]["probes"], Value::Float(u64::MAX as f64));
        assert_eq!(document.table["model"]["hidden"][1], Value::Float(1e20));
        let written: Vec<_> = document.large.iter().rev().map(|(key, text)| (key.as_str(), text.as_str())).collect();
        assert_eq!(
            written,
            [
                ("seed", "0xbeeffacedeadcafe"),
                ("zo.probes", "18446744073709551615"),
                ("seeds.split", "9_223_372_036_854_775_808"),
                ("model.hidden", "99999999999999999999")
            ]
        );
    }

    #[test]
    fn other_errors_keep_their_places() {
        let error = parse("seed = 0xbeeffacedeadcafe\nx = = 2\n", str::to_owned).err().unwrap();
        assert_eq!(error.span().map(|s| s.start), Some(30));
        assert!(parse("a = 1\na = 2\n", str::to_owned).is_err());
    }
}
