//! Devices: what runs a [`Recording`](crate::recording::Recording). The only part of the crate that imports wgpu is `gpu`.

mod error;
mod flight;
mod gpu;
mod held;
mod planning;
mod reference;
mod room;
mod runs;
mod select;
mod selection;
mod startup;
pub mod testing;
pub mod timeline;
mod validate;

pub use error::DeviceError;
pub use flight::Ticket;
pub use planning::PlanningDevice;
pub use reference::ReferenceDevice;
pub use runs::{CompileWatch, Compiled, Device, as_f32, as_u32};
pub use select::{list, open};
pub use selection::Selection;
pub use timeline::Timeline;
