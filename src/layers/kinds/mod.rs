//! All kinds of layers, a file each, and the only place that knows all of them: to add one, write its file and its row.
//!
//! `cargo fmt` doesn't follow modules that a macro declares: name the files to it.

use std::convert::Infallible;

use serde_json::Value;

use super::entry::{Entry, Form};
use super::error::ModelError;
use super::kind::Kind;
use super::site::Site;
use super::table::Table;

/// A row a file: the layer that it defines, if any, and the entries of a model table, if any, with their types.
macro_rules! kinds {
    ($($file:ident: $(layer $layer:ident)? $(,)? $(entry $entry:ident($spec:ident)),*;)*) => {
        $(pub mod $file;)*

        /// A layer of a graph: sizes, and where its tensors lie in the flat vector.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum Layer {
            $($(
                #[doc = concat!("[`", stringify!($file), "::", stringify!($layer), "`]")]
                $layer($file::$layer),
            )?)*
        }

        $($(
            impl From<$file::$layer> for Layer {
                fn from(layer: $file::$layer) -> Self {
                    Self::$layer(layer)
                }
            }
        )?)*

        /// What a layer does.
        pub fn kind(layer: &Layer) -> &dyn Kind {
            match layer {
                $($(Layer::$layer(layer) => layer,)?)*
            }
        }

        /// The same, to change it.
        pub fn kind_mut(layer: &mut Layer) -> &mut dyn Kind {
            match layer {
                $($(Layer::$layer(layer) => layer,)?)*
            }
        }

        /// An entry of a model table, of any kind of layer.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum LayerSpec {
            $($(
                #[doc = concat!("[`", stringify!($file), "::", stringify!($spec), "`]")]
                $entry($file::$spec),
            )*)*
        }

        $($(
            impl From<$file::$spec> for LayerSpec {
                fn from(spec: $file::$spec) -> Self {
                    Self::$entry(spec)
                }
            }
        )*)*

        impl LayerSpec {
            /// Names of all entries, each with an example of its value where it is a table.
            pub fn all() -> Vec<(&'static str, Option<&'static str>)> {
                vec![$($((<$file::$spec>::NAME, example(&<$file::$spec>::FORM)),)*)*]
            }

            /// The entry that is written as this name alone.
            pub fn named(name: &str) -> Option<Self> {
                $($(
                    if let (true, Form::Name(spec)) = (name == <$file::$spec>::NAME, <$file::$spec>::FORM) {
                        return Some(Self::$entry(spec));
                    }
                )*)*
                None
            }

            /// The entry that a table with this key is; none where no entry has it.
            ///
            /// # Errors
            /// A key that is missing, unknown, or of the wrong type or range.
            pub fn read(name: &str, table: &Table<'_>) -> Result<Option<Self>, ModelError> {
                $($(
                    if let (true, Form::Table { keys, read, .. }) = (name == <$file::$spec>::NAME, <$file::$spec>::FORM) {
                        table.only(keys)?;
                        return Ok(Some(Self::$entry(read(table)?)));
                    }
                )*)*
                Ok(None)
            }

            /// Its name in a table.
            pub fn name(&self) -> &'static str {
                match self {
                    $($(Self::$entry(_) => <$file::$spec>::NAME,)*)*
                }
            }

            /// The entry with every default filled in.
            pub fn to_json(&self) -> Value {
                match self {
                    $($(Self::$entry(spec) => spec.to_json(),)*)*
                }
            }

            /// The number of its outputs, where it is a product of weights.
            pub fn outputs(&mut self) -> Option<&mut usize> {
                match self {
                    $($(Self::$entry(spec) => spec.outputs(),)*)*
                }
            }

            /// Its layer at a place of a graph, where it has one.
            ///
            /// # Errors
            /// It doesn't fit what it reads.
            pub fn append(&self, site: &mut Site<'_>) -> Result<Option<Layer>, ModelError> {
                match self {
                    $($(Self::$entry(spec) => Ok(spec.append(site)?.map(Layer::from)),)*)*
                }
            }
        }
    };
}

kinds! {
    conv: layer Conv, entry Conv(Spec);
    pool: layer Pool, entry MaxPool(MaxSpec), entry AvgPool(AvgSpec);
    globalavgpool: layer GlobalAvgPool, entry GlobalAvgPool(Spec);
    norm: layer Norm, entry GroupNorm(GroupSpec), entry BatchNorm(BatchSpec);
    layer_norm: layer LayerNorm, entry LayerNorm(Spec);
    linear: layer Linear, entry Linear(Spec);
    flatten: entry Flatten(Spec);
    relu: layer Relu, entry Relu(Spec);
    gelu: layer Gelu, entry Gelu(Spec);
    tanh: layer Tanh, entry Tanh(Spec);
    dropout: layer Dropout, entry Dropout(Spec);
    // Of models that have a table of their own.
    tokens: layer Tokens;
    attention: layer Attention;
    class_token: layer ClassToken;
    // Of no table: put where a graph needs them.
    add: layer Add;
    scale: layer Scale;
    own_rows: layer OwnRows;
    reorder: layer Reorder;
}

impl From<Infallible> for Layer {
    fn from(none: Infallible) -> Self {
        match none {}
    }
}

fn example<E>(form: &Form<E>) -> Option<&'static str> {
    match form {
        Form::Name(_) => None,
        Form::Table { example, .. } => Some(example),
    }
}
