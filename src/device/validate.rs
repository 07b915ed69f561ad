//! WebGPU's rules for commands, so far as they can be told without the shaders. Every device holds recordings against them, so that
//! what the twins or a plan accept is what an adapter accepts.

use super::DeviceError;
use crate::caps::Limits;
use crate::recording::{BufferId, Command, Dispatch, Recording, Span};

/// Copies, clears, uploads and read-backs start and end at multiples of this.
const COPY_ALIGNMENT: u64 = 4;
/// Workgroups in a dimension.
const GRID: u32 = 65_535;
/// Bytes of a uniform block.
const UNIFORM: u64 = 64 << 10;

/// Checks every command; `held` gives a live buffer's name and size.
pub(super) fn check<'a>(
    recording: &Recording,
    limits: &Limits,
    held: impl Fn(BufferId) -> Option<(&'a str, u64)>,
) -> Result<(), DeviceError> {
    let inside = |span: &Span| {
        let (name, bytes) = held(span.buffer).ok_or(DeviceError::NoBuffer(span.buffer.0))?;
        if span.offset.checked_add(span.bytes).is_none_or(|end| end > bytes) {
            return Err(DeviceError::Internal(format!("{span:?} passes the end of {name}, {bytes} B")));
        }
        Ok(name)
    };
    let copied = |span: &Span| {
        let name = inside(span)?;
        if !span.offset.is_multiple_of(COPY_ALIGNMENT) || !span.bytes.is_multiple_of(COPY_ALIGNMENT) {
            return Err(DeviceError::Internal(format!("{span:?} of {name} is not aligned to {COPY_ALIGNMENT} B")));
        }
        Ok(())
    };
    for command in recording.commands() {
        match command {
            Command::Upload { buffer, offset, data } => {
                copied(&Span { buffer: *buffer, offset: *offset, bytes: data.len() as u64 })?;
            }
            Command::Clear(span) | Command::ReadBack(span) => copied(span)?,
            Command::Copy { from, to } => {
                copied(from)?;
                copied(to)?;
                if from.buffer == to.buffer || from.bytes != to.bytes {
                    let why = "buffers must differ, lengths must not";
                    return Err(DeviceError::Internal(format!("copy of {from:?} to {to:?}: {why}")));
                }
            }
            Command::Dispatch(dispatch) => {
                for span in &dispatch.bindings {
                    let name = inside(span)?;
                    if span.bytes > limits.binding {
                        let (name, bytes, limit) = (name.to_owned(), span.bytes, limits.binding);
                        return Err(DeviceError::BindingTooLarge { name, bytes, limit });
                    }
                }
                launch(dispatch, limits.alignment)
                    .map_err(|why| DeviceError::Internal(format!("kernel {}: {why}", dispatch.kernel.name)))?;
            }
        }
    }
    Ok(())
}

/// What is wrong with a launch apart from its buffers.
fn launch(dispatch: &Dispatch, alignment: u64) -> Result<(), String> {
    if let Some(span) = dispatch.bindings.iter().find(|span| !span.offset.is_multiple_of(alignment)) {
        return Err(format!("{span:?} is not aligned to {alignment} B"));
    }
    if dispatch.grid.iter().any(|&groups| groups > GRID) {
        return Err(format!("{:?} workgroups, at most {GRID} a dimension", dispatch.grid));
    }
    if dispatch.params.len() as u64 > UNIFORM {
        return Err(format!("{} B of parameters, at most {UNIFORM}", dispatch.params.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::copy::{KERNEL, Params};
    use crate::recording::kernel::Variant;

    fn of(fill: impl FnOnce(&mut Recording)) -> Result<(), DeviceError> {
        let mut recording = Recording::new();
        fill(&mut recording);
        let held = |id: BufferId| [("a", 1024), ("b", 4096)].get(id.0 as usize).copied();
        check(&recording, &Limits { binding: 2048, ..Limits::webgpu_default() }, held)
    }

    fn span(buffer: u32, offset: u64, bytes: u64) -> Span {
        Span { buffer: BufferId(buffer), offset, bytes }
    }

    #[test]
    fn what_an_adapter_refuses_is_refused() {
        let dispatch = |spans: &[Span], grid| {
            of(|rec| rec.dispatch(&KERNEL, Variant::plain(), &Params { quads: 0 }, spans, grid, 0))
        };
        assert!(of(|rec| rec.copy(span(0, 0, 64), span(1, 4, 64))).is_ok());
        assert!(dispatch(&[span(0, 256, 768), span(1, 2048, 2048)], [65_535, 1, 1]).is_ok());
        let internal = |result| matches!(result, Err(DeviceError::Internal(_)));
        assert!(internal(of(|rec| rec.clear(span(0, 2, 8)))), "alignment");
        assert!(internal(of(|rec| rec.read_back(span(0, 0, 6)))), "alignment");
        assert!(internal(of(|rec| rec.read_back(span(0, 1020, 8)))), "end");
        assert!(internal(of(|rec| rec.clear(span(0, u64::MAX - 3, 8)))), "overflow");
        assert!(internal(of(|rec| rec.copy(span(0, 0, 8), span(0, 64, 8)))), "one buffer");
        assert!(internal(of(|rec| rec.copy(span(0, 0, 8), span(1, 0, 12)))), "lengths");
        assert!(internal(dispatch(&[span(0, 4, 8)], [1, 1, 1])), "binding alignment");
        assert!(internal(dispatch(&[span(0, 0, 8)], [1, 65_536, 1])), "grid");
        assert!(matches!(of(|rec| rec.upload(BufferId(2), 0, &[1u32])), Err(DeviceError::NoBuffer(2))));
        let wide = dispatch(&[span(1, 0, 4096)], [1, 1, 1]);
        assert!(matches!(wide, Err(DeviceError::BindingTooLarge { bytes: 4096, limit: 2048, .. })));
    }
}
