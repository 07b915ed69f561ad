//! The WGSL sources, embedded by the build script, and what is done to them before compilation: [`preprocess`] puts a kernel's file
//! and its imports together for a device's [`Flavour`] and a [`Variant`]'s defines, [`specialise`] sets the variant's constants.
//!
//! Flavours and a kernel's defines combine: `#ifdef SUBGROUP` stands in fragments that the subgroup tier makes better, `#operand`
//! declares what is read from buffers or texels, `#ifdef QUADS` in `lib/values.wgsl:value` makes a kernel over `Value`s one over quads or
//! over single f32. There are no text templates: what comes into a module is WGSL once its directives are gone.

use crate::caps::Tier;
use crate::recording::kernel::{Kernel, Variant};

mod defines;
mod expanded;
mod fault;
mod operand;
pub mod preprocess;
pub mod reflect;
mod repeat;
mod tree;

pub use defines::{
    ANY_SHAPE, Defines, IN_HALVES, IN_QUADS, MOMENTS, OUT_HALVES, QUADS, RESIDUAL_HALVES, SHARED, SUBGROUP, TEXEL_ROW,
    TEXELS,
};
pub use expanded::{Expanded, Place};
pub use fault::{Fault, Misplaced};
pub use tree::Tree;

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

/// For what device a kernel is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flavour {
    /// The adapter's tier.
    pub tier: Tier,
    /// Operands are read as texels of storage textures that shadow the bound buffers (`src/device/gpu/texels.rs`). Software adapters
    /// load a texel in a tenth of the time of a vec4 of a storage buffer, which they gather element by element.
    pub texels: bool,
}

impl Flavour {
    fn defines(self) -> Defines {
        Defines::default().with(SUBGROUP, self.tier == Tier::Subgroup).with(TEXELS, self.texels)
    }
}

/// Why a shader could not be put together. All of these are defects of the tree, found by the shader tests.
#[derive(Debug, thiserror::Error)]
pub enum ShaderError {
    /// No such file, or section of one, in the embedded tree.
    #[error("shaders/{0} does not exist")]
    Missing(String),
    /// A line that the preprocessor doesn't understand.
    #[error(transparent)]
    Directive(#[from] Misplaced),
    /// A define that the kernel's row doesn't list.
    #[error("the row of kernel {kernel} lists no define {name}")]
    NoDefine {
        /// The kernel.
        kernel: &'static str,
        /// The define.
        name: &'static str,
    },
    /// A constant that the source doesn't declare.
    #[error("shader {shader} declares no constant {name}")]
    NoConstant {
        /// The shader.
        shader: String,
        /// The constant.
        name: String,
    },
    /// naga refused the source.
    #[error("shader {shader}: {message}")]
    Invalid {
        /// The shader.
        shader: String,
        /// naga's message with the places in the files.
        message: String,
    },
}

/// Values of a shader's `override`s.
pub type Overrides = Vec<(&'static str, f64)>;

/// The kernel's source for a device, with the defines and `const` lines of the variant; its overrides come back beside it.
pub fn specialise(kernel: &Kernel, flavour: Flavour, variant: &Variant) -> Result<(Expanded, Overrides), ShaderError> {
    let mut source = permuted(kernel, flavour, variant)?;
    let mut overrides = Vec::new();
    for &(name, value) in variant.constants() {
        let text = source.text();
        if text.contains(&format!("override {name}:")) {
            overrides.push((name, f64::from(value)));
            continue;
        }
        let head = format!("const {name}: u32 =");
        let missing = || ShaderError::NoConstant { shader: kernel.name.to_owned(), name: name.to_owned() };
        let start = text.find(&head).ok_or_else(missing)? + head.len();
        let end = start + text[start..].find(';').ok_or_else(missing)?;
        source.replace(start..end, &format!(" {value}u"));
    }
    Ok((source, overrides))
}

/// The kernel's source for a device with these of its defines, its constants as written.
pub fn permutation(kernel: &Kernel, flavour: Flavour, defines: &[&'static str]) -> Result<Expanded, ShaderError> {
    permuted(kernel, flavour, &defines.iter().fold(Variant::plain(), |all, name| all.define(name)))
}

/// The kernel's source for a device with the defines of a variant; its constants count lines that are repeated, and are not set yet.
fn permuted(kernel: &Kernel, flavour: Flavour, variant: &Variant) -> Result<Expanded, ShaderError> {
    let defines = variant.defines();
    if let Some(name) = defines.iter().find(|name| !kernel.defines.contains(name)) {
        return Err(ShaderError::NoDefine { kernel: kernel.name, name });
    }
    let with = |all: Defines, name: &&'static str| all.with(name, defines.contains(name));
    let listed = kernel.defines.iter().chain(&SHARED);
    let source = expand(&format!("{}.wgsl", kernel.name), &listed.fold(flavour.defines(), with))?;
    Ok(repeat::unroll(&source, &|name| number(source.text(), variant, name))?)
}

/// The value of a constant that the variant sets, or that the source declares as a number or as a product of such constants.
fn number(text: &str, variant: &Variant, name: &str) -> Option<u32> {
    if let Some((_, value)) = variant.constants().iter().find(|(known, _)| *known == name) {
        return Some(*value);
    }
    let head = format!("const {name}: u32 = ");
    let rest = &text[text.find(&head)? + head.len()..];
    repeat::value(&rest[..rest.find(';')?], &|inner| number(text, variant, inner))
}

/// What an `#import` names, for a device, where neither it nor its imports ask for defines of kernels.
pub fn fragment(target: &str, flavour: Flavour) -> Result<Expanded, ShaderError> {
    expand(target, &flavour.defines())
}

fn expand(target: &str, defines: &Defines) -> Result<Expanded, ShaderError> {
    match preprocess::expand(SOURCES, target, defines) {
        Some(expanded) => Ok(expanded?),
        None => Err(ShaderError::Missing(target.to_owned())),
    }
}
