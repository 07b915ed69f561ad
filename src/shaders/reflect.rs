//! What naga reads from a kernel's source: binding kinds and the layout of the uniform block.

use super::ShaderError;

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
    /// Members of the uniform block: name and byte offset.
    pub params_members: Vec<(String, u32)>,
}

/// Parses and validates expanded WGSL and reads its interface.
pub fn interface(name: &str, source: &str) -> Result<Interface, ShaderError> {
    let invalid = |message: String| ShaderError::Invalid { shader: name.to_owned(), message };
    let module = naga::front::wgsl::parse_str(source).map_err(|e| invalid(e.emit_to_string(source)))?;
    let mut bindings: Vec<(u32, Access)> = Vec::new();
    let (mut params_bytes, mut params_members) = (0, Vec::new());
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
            && let naga::TypeInner::Struct { members, span } = &module.types[variable.ty].inner
        {
            params_bytes = *span;
            params_members = members.iter().map(|m| (m.name.clone().unwrap_or_default(), m.offset)).collect();
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
    Ok(Interface { bindings: bindings.into_iter().map(|(_, a)| a).collect(), params_bytes, params_members })
}
