//! What can go wrong on a device.

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
