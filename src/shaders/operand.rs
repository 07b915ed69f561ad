//! The `#operand` directive: a read-only array that a kernel reads from a storage buffer, or as texels of a texture that shadows it.

use super::defines::{Defines, QUADS, TEXEL_ROW, TEXELS};
use super::fault::Fault;

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
    /// Four f16 in two words, read as `vec4<f32>`.
    Halves,
}

impl Element {
    /// What reading it gives in WGSL, the texel format that holds it, and how many of these a texture's row has, as a power of two.
    fn wgsl(self) -> (&'static str, &'static str, u32) {
        match self {
            Self::Scalar => ("f32", "r32float", TEXEL_ROW.ilog2()),
            Self::Quad => ("vec4<f32>", "rgba32float", (TEXEL_ROW / 4).ilog2()),
            Self::Words => ("vec4<u32>", "rgba32uint", (TEXEL_ROW / 4).ilog2()),
            // A texel holds two.
            Self::Halves => ("vec4<f32>", "rgba32uint", (TEXEL_ROW / 4).ilog2()),
        }
    }
}

impl<'a> Operand<'a> {
    /// Reads what stands behind `#operand`. The element `Value` is a quad where `QUADS` is defined, else an f32 (`lib/values.wgsl:value`).
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
            "Halves" => Element::Halves,
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
        let texels = defines.has(TEXELS)?;
        let at = if element == Element::Halves { "(i / 2u)" } else { "i" };
        let (variable, word) = if texels {
            let texel = format!("vec2<u32>({at} & {}u, {at} >> {row}u)", (1 << row) - 1);
            (format!("var {name}: texture_storage_2d<{format}, read>;"), format!("textureLoad({name}, {texel})"))
        } else {
            let stored = if element == Element::Halves { "vec2<u32>" } else { ty };
            (format!("var<storage, read> {name}: array<{stored}>;"), format!("{name}[i]"))
        };
        // Functions of lib/values.wgsl:halves.
        let read = match (element, texels) {
            (Element::Scalar, true) => format!("{word}.x"),
            (Element::Halves, true) => format!("halves_in({word}, i)"),
            (Element::Halves, false) => format!("halves_as({word})"),
            _ => word,
        };
        Ok([
            format!("@group(0) @binding({binding}) {variable}"),
            format!("fn {name}_at(i: u32) -> {ty} {{"),
            format!("    return {read};"),
            "}".to_owned(),
        ])
    }
}
