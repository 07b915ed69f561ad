//! Who holds a device buffer: as long as anybody does, a recording that names it can run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::span::BufferId;

/// Handles of buffers that nobody holds any more; whoever owns the device gives them back.
#[derive(Clone, Debug, Default)]
pub struct Returned(Arc<Mutex<Vec<BufferId>>>);

impl Returned {
    /// The first share in a buffer.
    pub fn lease(&self, buffer: BufferId) -> Lease {
        Lease(Arc::new(Held { buffer, returned: self.clone() }))
    }

    /// What has been returned since the last call.
    pub fn take(&self) -> Vec<BufferId> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<BufferId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A share in a buffer.
#[derive(Clone, Debug)]
pub struct Lease(Arc<Held>);

impl Lease {
    /// The buffer.
    pub fn buffer(&self) -> BufferId {
        self.0.buffer
    }
}

#[derive(Debug)]
struct Held {
    buffer: BufferId,
    returned: Returned,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.returned.lock().push(self.buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_returns_with_its_last_lease() {
        let returned = Returned::default();
        let first = returned.lease(BufferId(3));
        let second = first.clone();
        drop(first);
        assert_eq!((returned.take(), second.buffer()), (vec![], BufferId(3)));
        drop(second);
        assert_eq!(returned.take(), [BufferId(3)]);
        assert!(returned.take().is_empty());
    }
}
