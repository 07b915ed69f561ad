//! What a pickle builds.

use crate::data::scalar::{Class, Scalar};

/// Bytes of a pickle, by their place in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub at: u64,
    pub length: u64,
    /// The bytes themselves, where they are few: names, numbers.
    pub here: Option<Vec<u8>>,
}

/// An object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Held),
    Bytes(Held),
    /// Nodes by their number.
    List(Vec<usize>),
    Tuple(Vec<usize>),
    Dict(Vec<(usize, usize)>),
    Global(Global),
    Type(Type),
    Array(Box<Pickled>),
}

impl Node {
    /// The text of a key: as bytes where Python 2 wrote it.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(held) | Self::Bytes(held) => String::from_utf8(held.here.clone()?).ok(),
            _ => None,
        }
    }
}

/// What a pickle may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    /// `numpy.core.multiarray._reconstruct`: an array that is filled later.
    Reconstruct,
    /// `numpy.core.numeric._frombuffer`: an array of bytes, type, shape and order.
    FromBuffer,
    /// `numpy.core.multiarray.scalar`: a number of a type.
    Scalar,
    /// `numpy.dtype`.
    Type,
    /// `numpy.ndarray`.
    Array,
    /// `collections.OrderedDict`.
    Dict,
}

impl Global {
    /// The object of this name.
    ///
    /// # Errors
    /// Any other, as a message.
    pub fn of(module: &str, name: &str) -> Result<Self, String> {
        match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => Ok(Self::Reconstruct),
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Ok(Self::Scalar),
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Ok(Self::FromBuffer),
            ("numpy", "dtype") => Ok(Self::Type),
            ("numpy", "ndarray") => Ok(Self::Array),
            ("collections", "OrderedDict") => Ok(Self::Dict),
            ("_codecs", "encode") => Err("bytes written as text; save it again with protocol 3 or later".to_owned()),
            _ => {
                let short = |text: &str| text.chars().take(60).collect::<String>().escape_debug().to_string();
                let (module, name) = (short(module), short(name));
                Err(format!(
                    "it names {module}.{name}, expected plain arrays, lists and dicts (nothing of a pickle is run)"
                ))
            }
        }
    }
}

/// A type of numbers; its byte order comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type(pub Option<Scalar>);

impl Type {
    /// `u1`, `i8`, `f4` and their like.
    pub fn of(descr: &str) -> Self {
        let mut letters = descr.trim_start_matches(['<', '|', '=']).chars();
        let class = match letters.next() {
            Some('u') => Class::Unsigned,
            Some('i') => Class::Signed,
            Some('f') => Class::Float,
            _ => return Self(None),
        };
        let sizes: &[usize] = if class == Class::Float { &[2, 4, 8] } else { &[1, 2, 4, 8] };
        let bytes = letters.as_str().parse().ok().filter(|bytes| sizes.contains(bytes));
        Self(bytes.map(|bytes| Scalar { class, bytes, big_endian: false }))
    }
}

/// An array.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pickled {
    pub shape: Vec<usize>,
    /// `None`: not numbers of up to 64 bits.
    pub scalar: Option<Scalar>,
    pub fortran: bool,
    pub bytes: Option<Held>,
}
