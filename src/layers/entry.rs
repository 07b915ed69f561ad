//! An entry of a model table: what stands there for a kind of layer.

use serde_json::{Value, json};

use super::error::ModelError;
use super::site::Site;
use super::table::Table;

/// What stands in a model table for a kind of layer, read.
pub trait Entry: Sized {
    /// The layer that it becomes.
    type Layer;

    /// Its name in a table.
    const NAME: &'static str;

    /// How it is written there.
    const FORM: Form<Self>;

    /// The entry with every default filled in.
    fn to_json(&self) -> Value {
        json!(Self::NAME)
    }

    /// The number of its outputs, where it is a product of weights: the last product of a model has one a class.
    fn outputs(&mut self) -> Option<&mut usize> {
        None
    }

    /// Its layer at a place of a graph, which goes on behind it; none where the graph computes what it says without a layer of its own.
    ///
    /// # Errors
    /// It doesn't fit what it reads.
    fn append(&self, site: &mut Site<'_>) -> Result<Option<Self::Layer>, ModelError>;
}

/// How an entry is written.
pub enum Form<E> {
    /// As its name alone.
    Name(E),
    /// As a table with these keys, of which its name is one.
    Table {
        /// A value of that key, for an example.
        example: &'static str,
        /// All keys.
        keys: &'static [&'static str],
        /// What a table says that has no others.
        read: fn(&Table<'_>) -> Result<E, ModelError>,
    },
}
