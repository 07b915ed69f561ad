//! The engine: a model's weights on a device, and what can be done with them: probe, update, evaluate, train.
//!
//! A [`Workspace`] is a device with working buffers, a [`Program`] a graph with its plans, a [`State`] the vectors that live. Work is done
//! in a [`Session`] of the three; an [`Engine`] is one of each for callers that need no more.
//!
//! It turns lanes into recordings ([`crate::recording`]) of kernels ([`crate::kernels`]) and runs them. It knows nothing of rounds,
//! files or schedules: that is [`crate::fed`].

mod absent;
mod average;
mod backward;
mod batch;
mod check;
mod client_step;
mod counts;
mod epochs;
mod error;
mod evaluate;
mod forward;
mod forward_plan;
mod fusion;
mod gathering;
mod given;
mod halves;
mod hetero;
mod lanes;
mod loss_scale;
mod losses;
mod lowering;
mod named;
mod optimizer;
mod pass;
mod probe;
mod program;
mod rounding;
mod sample_set;
mod samples;
mod scratch;
mod server;
mod session;
mod shared_rows;
mod state;
mod statistics;
mod step_buffers;
mod step_options;
mod step_plan;
mod train;
mod update;
mod whole;
mod workspace;

pub use check::{ZoNeeds, check_zo_phase};
pub use client_step::ClientStep;
pub use counts::{check_batch, check_local_steps};
pub use epochs::TrainClient;
pub use error::EngineError;
pub use evaluate::{ClassResult, Evaluation};
pub use gathering::Moves;
pub use given::{Gradients, Outputs};
pub use hetero::{HeteroClient, SubNetwork};
pub use loss_scale::{LossScale, ScaledRound};
pub use named::NamedValues;
pub use optimizer::{ServerOptimizer, power};
pub use pass::RecordedPass;
pub use probe::{
    Applied, AtOnce, LocalClient, LocalResults, LocalStep, LocalUpdate, ProbeClient, ProbeResult, ProbeSettings,
    Settling, Sides,
};
pub use program::Program;
pub use sample_set::{SampleSet, SampleValues};
pub use samples::Samples;
pub use session::Session;
pub use state::State;
pub use train::TrainSettings;
pub use update::{Fingerprint, Update};
pub use whole::Engine;
pub use workspace::{Counters, Workspace};
