//! The `#operand` directive: a read-only array that a kernel reads from a storage buffer, or as texels of a texture that shadows it.

use super::preprocess::{Defines, Fault};
use super::{QUADS, TEXEL_ROW, TEXELS};

/// A declared operand: `#operand @binding(3) x: Value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operand<'a> {
    binding: u32,
    name: &'a str,
    element: Element,
}

/// What an element of an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    /// `f32`.
    Scalar,
    /// `vec4<f32>`.
    Quad,
    /// `vec4<u32>`.
    Words,
}

impl Element {
    /// Its name in WGSL, the texel format that holds it, and how many of them a texture's row has, as a power of two.
    fn wgsl(self) -> (&'static str, &'static str, u32) {
        match self {
            Self::Scalar => ("f32", "r32float", TEXEL_ROW.ilog2()),
            Self::Quad => ("vec4<f32>", "rgba32float", (TEXEL_ROW / 4).ilog2()),
            Self::Words => ("vec4<u32>", "rgba32uint", (TEXEL_ROW / 4).ilog2()),
        }
    }
}

impl<'a> Operand<'a> {
    /// Reads what stands behind `#operand`. The element `Value` is a quad where `QUADS` is defined, else an f32 (`lib/value.wgsl`).
    pub(super) fn parse(text: &'a str, defines: &Defines) -> Result<Self, Fault> {
        let malformed = || Fault::Operand(text.to_owned());
        let (binding, rest) =
            text.strip_prefix("@binding(").and_then(|rest| rest.split_once(')')).ok_or_else(malformed)?;
        let (name, element) = rest.split_once(':').ok_or_else(malformed)?;
        let name = name.trim();
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(letters) {
            return Err(malformed());
        }
        let element = match element.trim() {
            "f32" => Element::Scalar,
            "vec4<f32>" => Element::Quad,
            "vec4<u32>" => Element::Words,
            "Value" if defines.has(QUADS)? => Element::Quad,
            "Value" => Element::Scalar,
            _ => return Err(malformed()),
        };
        Ok(Self { binding: binding.trim().parse().map_err(|_| malformed())?, name, element })
    }

    /// Its declaration, and the function `NAME_at(i)` that reads element `i`.
    pub(super) fn wgsl(&self, defines: &Defines) -> Result<[String; 4], Fault> {
        let Self { binding, name, element } = *self;
        let (ty, format, row) = element.wgsl();
        let (variable, read) = if defines.has(TEXELS)? {
            let part = if element == Element::Scalar { ".x" } else { "" };
            (
                format!("var {name}: texture_storage_2d<{format}, read>;"),
                format!("textureLoad({name}, vec2<u32>(i & {}u, i >> {row}u)){part}", (1 << row) - 1),
            )
        } else {
            (format!("var<storage, read> {name}: array<{ty}>;"), format!("{name}[i]"))
        };
        Ok([
            format!("@group(0) @binding({binding}) {variable}"),
            format!("fn {name}_at(i: u32) -> {ty} {{"),
            format!("    return {read};"),
            "}".to_owned(),
        ])
    }
}
