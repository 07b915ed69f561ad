//! What naga reads from a kernel's source: binding kinds and the layout of the uniform block.

use super::{Expanded, ShaderError};

/// How a shader uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The uniform block, always binding 0.
    Uniform,
    /// A read-only storage buffer.
    Read,
    /// A storage buffer that it writes.
    ReadWrite,
    /// A read-only storage texture that shadows a buffer.
    Texels(Texel),
}

/// What a texel of a shadowing texture holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Texel {
    /// Four neighbouring f32 (`rgba32float`).
    Quad,
    /// One f32 (`r32float`).
    Scalar,
    /// Four neighbouring u32 (`rgba32uint`).
    Words,
}

/// The interface of one kernel.
#[derive(Clone, Debug)]
pub struct Interface {
    /// Kinds of bindings 0, 1, ... of group 0, without gaps.
    pub bindings: Vec<Access>,
    /// Size of the uniform block in bytes.
    pub params_bytes: u32,
}

/// Parses WGSL. What naga says of it names the lines of the files that it came from.
pub fn parse(name: &str, source: &Expanded) -> Result<naga::Module, ShaderError> {
    naga::front::wgsl::parse_str(source.text())
        .map_err(|e| ShaderError::Invalid { shader: name.to_owned(), message: source.explain(e.message(), e.labels()) })
}

/// Validates a module that was parsed from `source`, for devices with these capabilities.
pub fn validate(
    name: &str,
    source: &Expanded,
    module: &naga::Module,
    capabilities: naga::valid::Capabilities,
) -> Result<naga::valid::ModuleInfo, ShaderError> {
    let mut validator = naga::valid::Validator::new(naga::valid::ValidationFlags::all(), capabilities);
    validator.validate(module).map_err(|e| {
        let mut message = e.to_string();
        let mut cause = std::error::Error::source(e.as_inner());
        while let Some(inner) = cause {
            message += &format!(": {inner}");
            cause = inner.source();
        }
        let spans = e.spans().map(|(span, what)| (*span, what.as_str()));
        ShaderError::Invalid { shader: name.to_owned(), message: source.explain(&message, spans) }
    })
}

/// Parses WGSL and reads its interface.
pub fn interface(name: &str, source: &Expanded) -> Result<Interface, ShaderError> {
    let invalid = |message: String| ShaderError::Invalid { shader: name.to_owned(), message };
    let module = parse(name, source)?;
    let mut bindings: Vec<(u32, Access)> = Vec::new();
    let mut params_bytes = 0;
    for (_, variable) in module.global_variables.iter() {
        let Some(binding) = &variable.binding else {
            continue;
        };
        if binding.group != 0 {
            return Err(invalid(format!("binding group {} (only group 0 is used)", binding.group)));
        }
        let access = match variable.space {
            naga::AddressSpace::Uniform => Access::Uniform,
            naga::AddressSpace::Storage { access } if access.contains(naga::StorageAccess::STORE) => Access::ReadWrite,
            naga::AddressSpace::Storage { .. } => Access::Read,
            naga::AddressSpace::Handle => match &module.types[variable.ty].inner {
                naga::TypeInner::Image {
                    class: naga::ImageClass::Storage { format, access: naga::StorageAccess::LOAD },
                    ..
                } => match format {
                    naga::StorageFormat::Rgba32Float => Access::Texels(Texel::Quad),
                    naga::StorageFormat::R32Float => Access::Texels(Texel::Scalar),
                    naga::StorageFormat::Rgba32Uint => Access::Texels(Texel::Words),
                    other => return Err(invalid(format!("binding {} has texels {other:?}", binding.binding))),
                },
                _ => return Err(invalid(format!("binding {} is no storage texture to read", binding.binding))),
            },
            other => {
                return Err(invalid(format!("binding {} lies in {other:?}", binding.binding)));
            }
        };
        if access == Access::Uniform
            && let naga::TypeInner::Struct { span, .. } = &module.types[variable.ty].inner
        {
            params_bytes = *span;
        }
        bindings.push((binding.binding, access));
    }
    bindings.sort_unstable_by_key(|(index, _)| *index);
    let dense = bindings
        .iter()
        .enumerate()
        .all(|(i, (index, access))| *index == i as u32 && (*access == Access::Uniform) == (i == 0));
    if !dense || bindings.is_empty() {
        return Err(invalid("bindings must be 0 (uniform), 1, 2, ... (storage) of group 0".to_owned()));
    }
    Ok(Interface { bindings: bindings.into_iter().map(|(_, a)| a).collect(), params_bytes })
}
