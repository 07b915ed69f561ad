//! The engine: a model's weights on a device, and what can be done with them: probe, update, evaluate, train.
//!
//! It turns lanes into recordings ([`crate::plan`]) of kernels ([`crate::kernels`]) and runs them. It knows nothing of rounds,
//! files or schedules: that is [`crate::fed`].

mod backward;
mod batch;
mod evaluate;
mod forward;
mod layers;
mod pass;
mod probe;
mod rounding;
mod samples;
mod scratch;
mod train;
mod update;

pub use evaluate::{ClassResult, Evaluation};
pub use forward::Outputs;
pub use pass::Pass;
pub use probe::{ProbeClient, ProbeResult, ProbeSettings};
pub use samples::{SampleSet, Samples};
pub use train::{TrainClient, TrainSettings};
pub use update::{Fingerprint, Update};

use crate::device::{Device, DeviceError, as_f32};
use crate::model::Chain;
use crate::plan::{Recording, Span};
use scratch::Scratch;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The device failed.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Weights of the wrong length.
    #[error("the model has {expected} parameters, {found} were given")]
    Params {
        /// The model's.
        expected: usize,
        /// Given.
        found: usize,
    },
}

/// What an engine has done since the last [`Engine::take_counters`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Kernels launched.
    pub dispatches: u64,
    /// Recordings run.
    pub recordings: u64,
}

/// A model on a device.
pub struct Engine {
    device: Box<dyn Device>,
    chain: Chain,
    weights: Span,
    scratch: Scratch,
    resident: Option<batch::BatchKey>,
    sets: u64,
    counters: Counters,
    /// The device's float addition doesn't round to nearest even: updates add on the integers of the bits.
    soft_add: bool,
}

impl Engine {
    /// Puts a model with the given flat weights on a device.
    pub fn new(mut device: Box<dyn Device>, chain: Chain, weights: &[f32]) -> Result<Self, EngineError> {
        let vector = weight_vector(device.as_mut(), &chain)?;
        let soft_add = rounding::needs_soft_add(device.as_mut())?;
        let mut engine = Self {
            weights: vector,
            device,
            chain,
            scratch: Scratch::default(),
            resident: None,
            sets: 0,
            counters: Counters::default(),
            soft_add,
        };
        engine.set_weights(weights)?;
        Ok(engine)
    }

    /// Puts another model in the place of this one; the working buffers are given back. Samples stay on the device.
    pub fn replace_model(&mut self, chain: Chain, weights: &[f32]) -> Result<(), EngineError> {
        let vector = weight_vector(self.device.as_mut(), &chain)?;
        self.device.destroy_buffer(self.weights.buffer);
        self.scratch.clear(self.device.as_mut());
        self.resident = None;
        (self.weights, self.chain) = (vector, chain);
        self.set_weights(weights)
    }

    /// The model.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The device.
    pub fn device(&self) -> &dyn Device {
        self.device.as_ref()
    }

    /// The device, to run recordings of one's own on it.
    pub fn device_mut(&mut self) -> &mut dyn Device {
        self.device.as_mut()
    }

    /// Replaces the weights (d f32, flat order).
    pub fn set_weights(&mut self, weights: &[f32]) -> Result<(), EngineError> {
        if weights.len() != self.chain.param_count() {
            return Err(EngineError::Params { expected: self.chain.param_count(), found: weights.len() });
        }
        let mut recording = Recording::new();
        recording.upload(self.weights.buffer, 0, weights);
        self.submit(&recording).map(drop)
    }

    /// Reads the weights back (d f32, flat order).
    pub fn weights(&mut self) -> Result<Vec<f32>, EngineError> {
        let mut recording = Recording::new();
        recording.read_back(self.weights);
        Ok(self.submit(&recording)?.first().map(|bytes| as_f32(bytes)).unwrap_or_default())
    }

    /// Puts a set of samples on the device.
    pub fn upload(&mut self, set: &SampleSet<'_>) -> Result<Samples, EngineError> {
        self.sets += 1;
        Ok(Samples::upload(self.device.as_mut(), self.sets, set)?)
    }

    /// Launches and recordings since the last call.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Runs a recording and counts it.
    fn submit(&mut self, recording: &Recording) -> Result<Vec<Vec<u8>>, EngineError> {
        self.counters.recordings += 1;
        self.counters.dispatches += recording.dispatches() as u64;
        Ok(self.device.run(recording)?)
    }

    /// Memory that working buffers may take in all: the limit less what is held outside the scratch, a reserve kept back, and at most
    /// 1 GiB where the adapter sets no limit that means something.
    fn working_memory(&self) -> u64 {
        let held = self.device.allocated_bytes().saturating_sub(self.scratch.bytes());
        let free = self.device.limits().memory.saturating_sub(held);
        (free - free / 8).min(1 << 30)
    }
}

/// A buffer for the model's weights.
fn weight_vector(device: &mut dyn Device, chain: &Chain) -> Result<Span, DeviceError> {
    let bytes = (chain.param_count() * 4) as u64;
    // Kernels read and write whole vec4: the buffer ends on one.
    Ok(Span::of(device.create_buffer("weights", bytes.next_multiple_of(256))?, bytes))
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.scratch.clear(self.device.as_mut());
        self.device.destroy_buffer(self.weights.buffer);
    }
}
