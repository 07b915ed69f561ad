//! What a device does.

use super::error::DeviceError;
use super::flight::Ticket;
use super::timeline::Timeline;
use crate::caps::{AdapterInfo, Limits};
use crate::recording::{BufferId, Recording};

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
