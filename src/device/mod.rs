//! Devices: what runs a [`Recording`]. The only part of the crate that imports wgpu is `gpu`.

mod flight;
mod gpu;
mod held;
mod planning;
mod reference;
mod select;
mod selection;
mod startup;
pub mod testing;
pub mod timeline;
mod validate;

pub use flight::Ticket;
pub use planning::PlanningDevice;
pub use reference::ReferenceDevice;
pub use select::{list, open};
pub use selection::Selection;
pub use timeline::Timeline;

use crate::caps::{AdapterInfo, AdapterKind, Limits};
use crate::recording::{BufferId, Recording};
use crate::shaders::ShaderError;

/// What can go wrong on a device.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No adapter, or none that could be opened.
    #[error(
        "no GPU adapter was found: install a Vulkan driver (Debian and Ubuntu: apt-get install libvulkan1 mesa-vulkan-drivers), or use --device reference for the CPU twins"
    )]
    NoAdapter,
    /// The selection names nothing.
    #[error("device {wanted:?} matches no adapter; there are: {found}")]
    NoMatch {
        /// The selection.
        wanted: String,
        /// The adapters' names.
        found: String,
    },
    /// An environment variable with a value that it doesn't take.
    #[error("environment variable {variable}: expected {expected}, found {value:?}")]
    Setting {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it takes.
        expected: String,
    },
    /// The adapter has no such flavour of kernels.
    #[error("adapter {adapter} has no {what}")]
    Lacks {
        /// Its name.
        adapter: String,
        /// What was asked for.
        what: String,
    },
    /// The adapter can't be used.
    #[error("adapter {adapter} can't be used: {why}")]
    Unfit {
        /// Its name.
        adapter: String,
        /// What is missing.
        why: String,
    },
    /// A buffer passes the adapter's limit.
    #[error("buffer {name} needs {bytes} bytes; this adapter's largest buffer is {limit} bytes")]
    BufferTooLarge {
        /// The buffer.
        name: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A binding passes the adapter's limit.
    #[error("{name}: a kernel binds {bytes} bytes of it; this adapter binds at most {limit}")]
    BindingTooLarge {
        /// The buffer.
        name: String,
        /// What the kernel binds.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The memory budget is spent.
    #[error("buffer {name} of {bytes} bytes does not fit: {allocated} of {budget} bytes are in use, {} are missing (config key device.memory_budget, or fewer or smaller clients)", (allocated + bytes).saturating_sub(*budget))]
    OverBudget {
        /// The buffer.
        name: String,
        /// Its size.
        bytes: u64,
        /// In use before it.
        allocated: u64,
        /// The budget.
        budget: u64,
    },
    /// The driver ran out of memory.
    #[error("the device ran out of memory: {0} (a smaller device.memory_budget may help)")]
    OutOfMemory(String),
    /// The device is gone; the process can resume on a fresh one.
    #[error("the device was lost: {0}; the run can be resumed from its last round")]
    Lost(String),
    /// A handle that was never made or is destroyed.
    #[error("buffer handle {0} does not exist")]
    NoBuffer(u32),
    /// A shader could not be built.
    #[error(transparent)]
    Shader(#[from] ShaderError),
    /// The driver or wgpu refused a command: a defect of this program or of the driver.
    #[error("internal device error: {0}")]
    Internal(String),
}

/// The size of a buffer in whole quads: kernels read and write those, and so do the copies into texels.
fn whole_quads(bytes: u64) -> u64 {
    bytes.max(16).next_multiple_of(16)
}

/// Checks that a buffer of `bytes` may be made within `limits` beside `allocated` bytes.
fn admit(limits: &Limits, name: &str, bytes: u64, allocated: u64) -> Result<(), DeviceError> {
    if bytes > limits.buffer {
        return Err(DeviceError::BufferTooLarge { name: name.to_owned(), bytes, limit: limits.buffer });
    }
    if allocated.saturating_add(bytes) > limits.memory {
        return Err(DeviceError::OverBudget { name: name.to_owned(), bytes, allocated, budget: limits.memory });
    }
    Ok(())
}

/// Pipelines that a device has made ready, and the time it took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Compiled {
    /// How many.
    pub pipelines: u64,
    /// Seconds that callers waited for them.
    pub seconds: f64,
}

/// What a device calls while it compiles: pipelines that are ready, and how many there will be.
pub type CompileWatch = Box<dyn FnMut(usize, usize) + Send>;

/// Something that holds buffers and runs recordings.
pub trait Device: Send {
    /// Name and kind.
    fn info(&self) -> &AdapterInfo;
    /// Limits.
    fn limits(&self) -> &Limits;
    /// Makes a buffer of `bytes` (rounded up to 16). Its content is undefined until written: pools reuse buffers.
    fn create_buffer(&mut self, name: &str, bytes: u64) -> Result<BufferId, DeviceError>;
    /// Gives a buffer back.
    fn destroy_buffer(&mut self, id: BufferId);
    /// Starts the commands and returns without waiting for them. Submissions take place in their order, each sees what those before
    /// it wrote, and several may be on their way.
    fn submit(&mut self, recording: &Recording) -> Result<Ticket, DeviceError>;
    /// Waits for what a submission's read-backs bring, in their order; tickets may be collected in any order. A submission whose
    /// ticket is dropped takes place, too; its read-backs are lost.
    ///
    /// # Errors
    /// [`DeviceError::Lost`] where the device was lost; a ticket of another device.
    fn collect(&mut self, ticket: Ticket) -> Result<Vec<Vec<u8>>, DeviceError>;
    /// Runs the commands in order and returns what its read-backs brought, in their order.
    fn run(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, DeviceError> {
        let ticket = self.submit(recording)?;
        self.collect(ticket)
    }
    /// Makes the pipelines of recordings ready that are going to be submitted, on all cores at once. Submitting does the same for what
    /// is missing then.
    fn prepare(&mut self, recordings: &[&Recording]) -> Result<(), DeviceError> {
        let _ = recordings;
        Ok(())
    }
    /// What was compiled so far.
    fn compiled(&self) -> Compiled {
        Compiled::default()
    }
    /// Who is told while pipelines are compiled.
    fn watch_compiling(&mut self, watch: CompileWatch) {
        drop(watch);
    }
    /// Runs the commands and returns the seconds they took: device time where there are timestamps, else wall time with a
    /// synchronisation. Read-backs are not part of it.
    fn time(&mut self, recording: &Recording) -> Result<f64, DeviceError>;
    /// Whether [`Device::time`] gives device time.
    fn has_timestamps(&self) -> bool;
    /// Notes from now on when each command runs. Results stay the same to the bit; it may take longer.
    fn start_timeline(&mut self) -> Result<(), DeviceError> {
        Ok(())
    }

    /// Waits for what is on its way, and gives what was noted since the last call of [`Device::start_timeline`]; nothing of a device that
    /// can't note, or wasn't told to.
    fn take_timeline(&mut self) -> Result<Option<Timeline>, DeviceError> {
        Ok(None)
    }

    /// Bytes in live buffers.
    fn allocated_bytes(&self) -> u64;
    /// The most that `allocated_bytes` ever was.
    fn peak_bytes(&self) -> u64;
    /// Live buffers in order of creation: name and bytes.
    fn buffers(&self) -> Vec<(String, u64)>;
}

/// Reads a span's f32 values from one result of [`Device::run`].
pub fn as_f32(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}

/// Reads u32 values.
pub fn as_u32(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}
