//! Pickles of a dict of NumPy arrays and lists of whole numbers, as CIFAR's Python version and ImageNet32 have them. Only what these need is
//! understood, and nothing is called: a pickle that asks for any other object is refused. What is long stays in the file.

mod machine;
mod node;
mod objects;
#[cfg(test)]
mod tests;

use super::DataError;
use super::arrays::{Array, Arrays};
use super::file::{Reader, read_error};
use super::scalar::{Class, Scalar};
use crate::files::{HEAD, Kind, Source};
use machine::Machine;
use node::{Held, Node};
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A pickle that was read, but for the bytes of its arrays.
#[derive(Debug)]
pub(super) struct Pickle {
    path: PathBuf,
    nodes: Vec<Node>,
    /// The dict's keys that are text, and their values.
    items: Vec<(String, usize)>,
}

impl Pickle {
    /// Reads a pickle.
    ///
    /// # Errors
    /// A file that can't be read, is of another kind or damaged; an opcode or object beyond arrays, lists and dicts; no dict.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let mut source = Source::open(path).map_err(read_error)?;
        let (bytes, head) = (source.bytes(), source.head(HEAD).map_err(read_error)?);
        if let Some(kind) = Kind::of(&head).filter(|&kind| kind != Kind::Pickle) {
            return Err(DataError::Foreign { path: path.to_owned(), kind, expected: "a pickle of NumPy arrays" });
        }
        let damaged =
            |message: String| DataError::Container { path: path.to_owned(), what: "pickle of arrays", message };
        let reader = BufReader::with_capacity(1 << 16, source.into_file());
        let (nodes, root) = Machine::new(reader, bytes).run().map_err(damaged)?;
        let Some(Node::Dict(pairs)) = nodes.get(root) else {
            return Err(damaged("expected a dict of arrays".to_owned()));
        };
        let items = pairs.iter().filter_map(|&(key, value)| Some((nodes.get(key)?.text()?, value))).collect();
        Ok(Self { path: path.to_owned(), nodes, items })
    }

    /// The whole numbers of a list, as an array would hold them.
    fn numbers(&self, list: &[usize]) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(8 * list.len());
        for &item in list {
            let Some(Node::Int(value)) = self.nodes.get(item) else { return None };
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        Some(bytes)
    }
}

impl Arrays for Pickle {
    fn path(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> Vec<&str> {
        self.items.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn open(&self, name: &str) -> Result<Array, DataError> {
        let error = |message: &str| DataError::Array {
            path: self.path.clone(),
            array: name.to_owned(),
            message: message.to_owned(),
        };
        let node = self.items.iter().find(|(key, _)| key == name).and_then(|&(_, value)| self.nodes.get(value));
        match node {
            Some(Node::List(list)) => {
                let bytes = self.numbers(list).ok_or_else(|| error("a list, expected one of whole numbers"))?;
                let (length, scalar) =
                    (bytes.len() as u64, Scalar { class: Class::Signed, bytes: 8, big_endian: false });
                let reader = Reader::of(&self.path, Cursor::new(bytes), length, &[]);
                Ok(Array::new(name, reader, None, vec![list.len()], scalar))
            }
            Some(Node::Array(array)) => {
                let scalar =
                    array.scalar.ok_or_else(|| error("an array without a type, or of a type that is no number"))?;
                if array.fortran && array.shape.len() > 1 {
                    return Err(error("it lies in Fortran order, expected C order: save np.ascontiguousarray(x)"));
                }
                let Some(&Held { at, length, .. }) = array.bytes.as_ref() else {
                    return Err(error("an array without values"));
                };
                let mut file = Source::open(&self.path).map_err(read_error)?.into_file();
                let moved = file.seek(SeekFrom::Start(at));
                moved.map_err(|source| DataError::Read { path: self.path.clone(), source })?;
                let reader = Reader::of(&self.path, file.take(length), length, &[]);
                Ok(Array::new(name, reader, Some(at), array.shape.clone(), scalar))
            }
            Some(_) => Err(error("expected an array or a list of whole numbers")),
            None => Err(error("missing")),
        }
    }
}
