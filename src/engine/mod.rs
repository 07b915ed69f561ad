//! The engine: a model's weights on a device, and what can be done with them: probe, update, evaluate, train.
//!
//! It turns lanes into recordings ([`crate::recording`]) of kernels ([`crate::kernels`]) and runs them. It knows nothing of rounds,
//! files or schedules: that is [`crate::fed`].

mod backward;
mod batch;
mod check;
mod counts;
mod evaluate;
mod forward;
mod fusion;
mod lanes;
mod layers;
mod lowering;
mod pass;
mod probe;
mod rounding;
mod samples;
mod scratch;
mod statistics;
mod train;
mod update;

pub use backward::Gradients;
pub use check::{ZoPhase, check_zo_phase};
pub use counts::{check_batch, check_local_steps};
pub use evaluate::{ClassResult, Evaluation};
pub use forward::Outputs;
pub use pass::Pass;
pub use probe::{ProbeClient, ProbeResult, ProbeSettings};
pub use samples::{SampleSet, Samples};
pub use statistics::TensorValues;
pub use train::{TrainClient, TrainSettings};
pub use update::{Fingerprint, Update};

use crate::device::{Device, DeviceError, as_f32};
use crate::kernels::replay::Exact;
use crate::model::{Graph, ParamTensor};
use crate::recording::windows::{Needs, Windows};
use crate::recording::{Recording, Span};
use lowering::Lowered;
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
    /// Values for a tensor that the model doesn't have so.
    #[error("the model has no running statistics {name} of {values} values")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// Values given.
        values: usize,
    },
    /// A batch norm would take mean and deviation of a single value.
    #[error(
        "{layer}: a batch norm can't take the statistics of one value a channel, and {rows} sample of 1 x 1 pixels is one ({key}; model.norm = \"group\" has no such limit)"
    )]
    OneValue {
        /// The norm.
        layer: String,
        /// Samples whose statistics it would take.
        rows: u32,
        /// The config's key behind the number of samples.
        key: &'static str,
    },
    /// A count that kernels or buffers can't hold.
    #[error("{what}: {found}, at most {most} can be computed{}", key_hint(*key))]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many there may be.
        most: u64,
        /// The config's key to lower; empty: none.
        key: &'static str,
    },
    /// Samples that can't be cut don't fit at once.
    #[error(
        "batch norm takes the statistics of {rows} samples at once: their activations take {needed} bytes, {missing} more than there are (a larger device.memory_budget, a smaller {key} or model.norm = \"group\" would make it fit)"
    )]
    Whole {
        /// Samples.
        rows: u32,
        /// Bytes of their activations.
        needed: u64,
        /// Bytes that are missing.
        missing: u64,
        /// The config's key behind the number of samples.
        key: &'static str,
    },
}

fn key_hint(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(" (config key {key})") }
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
    graph: Graph,
    /// The graph as lanes run it.
    lowered: Lowered,
    weights: Span,
    /// How nodes see weights and gradients.
    windows: Windows,
    plans: forward::ForwardPlans,
    scratch: Scratch,
    resident: Option<batch::BatchKey>,
    sets: u64,
    /// Nothing is computed: of what repeats only the largest is recorded.
    planning: bool,
    counters: Counters,
    /// How updates are replayed exactly.
    exact: Exact,
}

impl Engine {
    /// Puts a model with the given flat weights on a device.
    pub fn new(device: Box<dyn Device>, graph: Graph, weights: &[f32]) -> Result<Self, EngineError> {
        let mut engine = Self::planned(device, graph)?;
        engine.planning = false;
        engine.exact = rounding::exact_replay(engine.device.as_mut())?;
        engine.set_weights(weights)?;
        Ok(engine)
    }

    /// An engine whose weights have no values, on a device that is only planned for ([`crate::device::PlanningDevice`]).
    pub fn planned(mut device: Box<dyn Device>, graph: Graph) -> Result<Self, EngineError> {
        let lowered = Lowered::of(&graph);
        Ok(Self {
            windows: windows(device.as_ref(), &lowered.graph)?,
            weights: weight_vector(device.as_mut(), &graph)?,
            plans: forward::ForwardPlans::of(&lowered, device.as_ref()),
            lowered,
            exact: Exact::of(device.info()),
            device,
            graph,
            scratch: Scratch::default(),
            resident: None,
            sets: 0,
            planning: true,
            counters: Counters::default(),
        })
    }

    /// Puts another model in the place of this one; the working buffers are given back. Samples stay on the device.
    pub fn replace_model(&mut self, graph: Graph, weights: &[f32]) -> Result<(), EngineError> {
        let lowered = Lowered::of(&graph);
        let windows = windows(self.device.as_ref(), &lowered.graph)?;
        let vector = weight_vector(self.device.as_mut(), &graph)?;
        self.device.destroy_buffer(self.weights.buffer);
        self.scratch.clear(self.device.as_mut());
        self.resident = None;
        self.plans = forward::ForwardPlans::of(&lowered, self.device.as_ref());
        self.lowered = lowered;
        (self.weights, self.windows, self.graph) = (vector, windows, graph);
        self.set_weights(weights)
    }

    /// The model.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The device.
    pub fn device(&self) -> &dyn Device {
        self.device.as_ref()
    }

    /// The device, to run recordings of one's own on it.
    pub fn device_mut(&mut self) -> &mut dyn Device {
        self.device.as_mut()
    }

    /// Replaces the weights (f32, flat order, then the running statistics).
    pub fn set_weights(&mut self, weights: &[f32]) -> Result<(), EngineError> {
        if weights.len() != self.graph.state_len() {
            return Err(EngineError::Params { expected: self.graph.state_len(), found: weights.len() });
        }
        let mut recording = Recording::new();
        recording.upload(self.weights.buffer, 0, weights);
        self.submit(&recording).map(drop)
    }

    /// Reads the weights back (f32, flat order, then the running statistics).
    pub fn weights(&mut self) -> Result<Vec<f32>, EngineError> {
        let mut recording = Recording::new();
        recording.read_back(self.weights);
        Ok(self.submit(&recording)?.first().map(|bytes| as_f32(bytes)).unwrap_or_default())
    }

    /// Room on the device for a set of samples, without them.
    pub fn reserve(&mut self, set: &SampleSet<'_>) -> Result<Samples, EngineError> {
        self.sets += 1;
        Samples::reserve(self.device.as_mut(), self.sets, set)
    }

    /// Puts a set of samples on the device.
    pub fn upload(&mut self, set: &SampleSet<'_>) -> Result<Samples, EngineError> {
        self.sets += 1;
        Samples::upload(self.device.as_mut(), self.sets, set)
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

    /// Of parts of some work, those that are recorded: all, or where nothing is computed the largest, which takes what any of them takes.
    fn planned_of<T>(&self, parts: Vec<T>, size: impl Fn(&T) -> u64) -> Vec<T> {
        if self.planning { parts.into_iter().max_by_key(size).into_iter().collect() } else { parts }
    }

    /// Memory that working buffers may take in all: the limit less what is held outside the scratch, a reserve kept back, and at most
    /// 1 GiB where the adapter sets no limit that means something.
    fn working_memory(&self) -> u64 {
        let held = self.device.allocated_bytes().saturating_sub(self.scratch.bytes());
        let free = self.device.limits().memory.saturating_sub(held);
        (free - free / 8).min(1 << 30)
    }
}

/// How the nodes of a model see its weights within the device's largest binding.
fn windows(device: &dyn Device, graph: &Graph) -> Result<Windows, EngineError> {
    let limit = device.limits().binding;
    let tensors: Vec<_> = graph.nodes.iter().map(|node| graph.tensors_of(node)).collect();
    let range = |node: &[&ParamTensor], running: bool| {
        let part = || node.iter().filter(|t| (t.offset >= graph.param_count()) == running);
        let first = part().map(|t| t.offset).min()?;
        Some(first..part().map(|t| t.offset + t.len).max()?)
    };
    let needs = |node: &Vec<&ParamTensor>| Needs { parameters: range(node, false), running: range(node, true) };
    let needs: Vec<Needs> = tensors.iter().map(needs).collect();
    Windows::of(graph.state_len(), &needs, limit).map_err(|node| {
        let names: Vec<&str> = tensors[node].iter().map(|t| t.name.as_str()).collect();
        let bytes = 4 * tensors[node].iter().map(|t| t.len as u64).sum::<u64>();
        DeviceError::BindingTooLarge { name: names.join(" and "), bytes, limit }.into()
    })
}

/// A buffer for the model's weights.
fn weight_vector(device: &mut dyn Device, graph: &Graph) -> Result<Span, DeviceError> {
    let bytes = (graph.state_len() * 4) as u64;
    // Kernels read and write whole vec4: the buffer ends on one.
    Ok(Span::of(device.create_buffer("weights", bytes.next_multiple_of(256))?, bytes))
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.scratch.clear(self.device.as_mut());
        self.device.destroy_buffer(self.weights.buffer);
    }
}
