//! The device that runs are computed on, kept from one run to the next: opening it and compiling for it takes longer than a small run.

use super::error::FedError;
use crate::device::{Selection, open};
use crate::engine::Workspace;

/// Opens a device for the first run, and keeps it for those after it that ask for the same one. Runs give the same bits as on a device
/// of their own: nothing but compiled kernels stays on it.
#[derive(Default)]
pub struct Host {
    kept: Option<(Selection, Workspace)>,
}

impl Host {
    /// The device of a selection: the one that is kept, where it is that, else a fresh one.
    ///
    /// # Errors
    /// No such device, or one that can't be used.
    pub(super) fn take(&mut self, selection: &Selection) -> Result<Workspace, FedError> {
        match self.kept.take() {
            Some((of, space)) if of == *selection => Ok(space),
            other => {
                // Given back before the next is opened.
                drop(other);
                Ok(Workspace::new(open(selection)?)?)
            }
        }
    }

    /// Keeps a device whose run went well. One that failed isn't kept: it may be lost.
    pub(super) fn keep(&mut self, selection: Selection, space: Workspace) {
        self.kept = Some((selection, space));
    }
}
