//! The text of a LEAF file, to users and their numbers.

use crate::data::DataError;
use crate::data::columns::{short, short_message};
use crate::data::file::read_error;
use crate::files::Source;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::HashMap;
use std::fmt;
use std::io::BufReader;
use std::path::Path;

/// The largest label: 65,535 classes.
const MAX_LABEL: u32 = 65_534;
/// Dimensions of a sample that are looked at.
const MOST_DIMS: usize = 4;

/// A user's samples.
#[derive(Debug, Default, PartialEq)]
pub(super) struct User {
    pub name: String,
    /// All of them, one after another.
    pub values: Vec<f32>,
    /// Dimensions of a sample.
    pub dims: Vec<usize>,
    pub labels: Vec<u32>,
}

/// The users of a file, in the order of its list.
///
/// # Errors
/// A file that can't be read; text that is no such JSON.
pub(super) fn read(path: &Path) -> Result<Vec<User>, DataError> {
    let source = Source::open(path).map_err(read_error)?;
    let mut reader = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, source.into_file()));
    let syntax = |e: serde_json::Error| {
        if let Some(kind) = e.io_error_kind() {
            return DataError::Read { path: path.to_owned(), source: kind.into() };
        }
        // The place is told apart from the text.
        let text = e.to_string();
        let message = short_message(text.split(" at line ").next().unwrap_or_default());
        DataError::Line { path: path.to_owned(), line: e.line(), message }
    };
    let (users, mut data) = File.deserialize(&mut reader).map_err(syntax)?;
    reader.end().map_err(syntax)?;
    let user = |name: String| {
        let missing = || DataError::User {
            path: path.to_owned(),
            user: short(&name),
            message: "no samples in user_data, or named twice in users".to_owned(),
        };
        let user = data.remove(&name).ok_or_else(missing)?;
        Ok(User { name, ..user })
    };
    users.into_iter().map(user).collect()
}

/// The whole file: the names, and the samples of each.
struct File;

impl<'de> DeserializeSeed<'de> for File {
    type Value = (Vec<String>, HashMap<String, User>);
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for File {
    type Value = (Vec<String>, HashMap<String, User>);
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with users and user_data")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut users, mut data) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "users" => users = Some(map.next_value()?),
                "user_data" => data = Some(map.next_value_seed(UserData)?),
                // num_samples, hierarchies.
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok((
            users.ok_or_else(|| A::Error::missing_field("users"))?,
            data.ok_or_else(|| A::Error::missing_field("user_data"))?,
        ))
    }
}

/// The samples of each user.
struct UserData;

impl<'de> DeserializeSeed<'de> for UserData {
    type Value = HashMap<String, User>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for UserData {
    type Value = HashMap<String, User>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the samples of each user")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut data = HashMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let user = map.next_value_seed(Samples)?;
            data.insert(name, user);
        }
        Ok(data)
    }
}

/// One user's x and y.
struct Samples;

impl<'de> DeserializeSeed<'de> for Samples {
    type Value = User;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Samples {
    type Value = User;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with lists x and y")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut user, mut count) = (User::default(), 0);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "x" => {
                    let dims = map.next_value_seed(Numbers { into: &mut user.values, depth: 0 })?;
                    let (&n, dims) =
                        dims.split_first().ok_or_else(|| A::Error::custom("x: a number, expected a list"))?;
                    (count, user.dims) = (n, dims.to_vec());
                }
                "y" => {
                    let mut labels = Vec::new();
                    map.next_value_seed(Numbers { into: &mut labels, depth: 0 })?;
                    let label =
                        |v: f32| (v.fract() == 0.0 && (0.0..=MAX_LABEL as f32).contains(&v)).then_some(v as u32);
                    for value in labels {
                        let wrong = || A::Error::custom(format!("y: label {value}, expected 0 to {MAX_LABEL}"));
                        user.labels.push(label(value).ok_or_else(wrong)?);
                    }
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if count != user.labels.len() {
            let labels = user.labels.len();
            return Err(A::Error::custom(format!("{count} samples in x, expected {labels} as there are labels in y")));
        }
        // A sample may be a single number.
        if user.dims.is_empty() {
            user.dims = vec![1];
        }
        Ok(user)
    }
}

/// Numbers in lists of lists, appended to `into`. Gives the lists' lengths, from the outermost.
struct Numbers<'a> {
    into: &'a mut Vec<f32>,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Numbers<'_> {
    type Value = Vec<usize>;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl Numbers<'_> {
    fn push<E: Error>(self, value: f64) -> Result<Vec<usize>, E> {
        let value = value as f32;
        if !value.is_finite() {
            return Err(E::custom(format!("{value}, expected finite numbers")));
        }
        self.into.push(value);
        Ok(Vec::new())
    }
}

impl<'de> Visitor<'de> for Numbers<'_> {
    type Value = Vec<usize>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("numbers, or lists of them (text and names of images are not read: make numbers of them first)")
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Vec<usize>, E> {
        self.push(value)
    }
    fn visit_i64<E: Error>(self, value: i64) -> Result<Vec<usize>, E> {
        self.push(value as f64)
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Vec<usize>, E> {
        self.push(value as f64)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<usize>, A::Error> {
        if self.depth > MOST_DIMS {
            return Err(A::Error::custom(format!(
                "lists within lists, expected at most {MOST_DIMS} dimensions of a sample"
            )));
        }
        let (mut length, mut inner) = (0, None);
        while let Some(dims) = seq.next_element_seed(Numbers { into: self.into, depth: self.depth + 1 })? {
            let first = inner.get_or_insert_with(|| dims.clone());
            if *first != dims {
                return Err(A::Error::custom(format!(
                    "item {length} has the shape {dims:?}, expected {first:?} as those before"
                )));
            }
            length += 1;
        }
        let mut dims = vec![length];
        dims.extend(inner.unwrap_or_default());
        Ok(dims)
    }
}
