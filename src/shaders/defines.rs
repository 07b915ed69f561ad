//! The names that conditions of a shader ask for.

use super::fault::Fault;

/// Defined in the subgroup tier.
pub const SUBGROUP: &str = "SUBGROUP";
/// Defined where operands are read as texels.
pub const TEXELS: &str = "TEXELS";
/// The define of kernels over `Value`s (`lib/values.wgsl:value`) that makes them quads: for rows whose length is a multiple of 4.
pub const QUADS: &str = "QUADS";

/// The define of kernels with a shape in constants that takes it from the uniform block, so that one pipeline serves all shapes, slower.
pub const ANY_SHAPE: &str = "ANY_SHAPE";

/// The define of products by tiles whose input has rows of whole quads.
pub const IN_QUADS: &str = "IN_QUADS";

/// The define of kernels whose input may be f16 in memory (`Halves`).
pub const IN_HALVES: &str = "IN_HALVES";

/// That of those whose residual may be.
pub const RESIDUAL_HALVES: &str = "RESIDUAL_HALVES";

/// That of those whose output may be.
pub const OUT_HALVES: &str = "OUT_HALVES";

/// The define of products by tiles that leave moments of their output (`lib/tiled.wgsl:moments`).
pub const MOMENTS: &str = "MOMENTS";

/// Names that fragments of many kernels ask for: defined where a kernel lists them and its variant carries them.
pub const SHARED: [&str; 1] = [MOMENTS];

/// f32s in a row of the textures that shadow operands.
pub const TEXEL_ROW: u32 = 8192;

/// The names that `#ifdef` may ask for, and whether each is defined.
#[derive(Clone, Debug, Default)]
pub struct Defines(Vec<(&'static str, bool)>);

impl Defines {
    /// With one more name.
    pub fn with(mut self, name: &'static str, defined: bool) -> Self {
        self.0.push((name, defined));
        self
    }

    /// Whether a name is defined; an error where there is no such name.
    pub(super) fn has(&self, name: &str) -> Result<bool, Fault> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, defined)| *defined).ok_or_else(|| Fault::UnknownDefine(name.to_owned()))
    }
}
