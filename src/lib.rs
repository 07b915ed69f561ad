//! Simulates federated learning with ZOWarmUp on any vendor's GPU: a thin scheduler over hand-written WGSL kernels.
//!
//! Clients that can afford backprop warm a model up; then all clients improve it with forward passes alone: each tries random directions
//! and sends one number a direction, from which the server rebuilds the update (Legate, Rish, Belilovsky, "Warming Up for Zeroth-Order
//! Federated Pre-Training with Low Resource Clients"). The program `zowarmup` does what configs describe; this is the library behind it, which
//! has no effects on its process: it prints nothing, handles no signal, and never exits.
//!
//! # A run
//!
//! A [`Config`](config::Config) describes an experiment, and [`fed::run::start`] does it, with everything in a folder: weights, metrics, and a
//! ledger from which the zeroth-order phase can be replayed bit by bit. An [`Observer`](fed::Observer) sees its rounds and can stop it.
//!
//! ```
//! use zowarmup::config::Config;
//! use zowarmup::device::Selection;
//! use zowarmup::fed::{Observer, RoundMetrics, run};
//!
//! struct Losses(Vec<f64>);
//!
//! impl Observer for Losses {
//!     fn round(&mut self, metrics: &RoundMetrics) {
//!         self.0.extend(metrics.train_loss);
//!     }
//! }
//!
//! // The embedded experiment, of which two rounds in each phase; `None` would be a file.
//! let config = Config::load(None, &["warmup.rounds=2".to_owned(), "zo.rounds=2".to_owned()])?;
//! let folder = tempfile::tempdir().unwrap();
//! let mut losses = Losses(Vec::new());
//! let summary = run::start(&config, Some(&folder.path().join("run")), &Selection::of("reference"), &mut losses)?;
//! assert_eq!((losses.0.len(), summary.rounds), (4, 4));
//! assert!(summary.final_accuracy.is_some());
//! # Ok::<(), zowarmup::fed::FedError>(())
//! ```
//!
//! `reference` computes on the CPU, with the plain twins of all kernels; [`Selection::resolve`](device::Selection::resolve) picks a device as the
//! program does.
//!
//! # Parts of one's own
//!
//! A [`Federation`](fed::federation::Federation) does an experiment's rounds in memory and takes parts that no config can name. Its
//! examples are short programs in the repository's `examples/`.
//!
//! | part | trait or function | example |
//! |---|---|---|
//! | who takes part in a round | [`Schedule`](fed::parts::Schedule) | `schedule` |
//! | the data | [`Dataset::of_floats`](data::Dataset::of_floats), [`Experiment::with_data`](fed::experiment::Experiment::with_data) | `dataset` |
//! | what the server makes of clients' changes | [`Aggregation`](fed::parts::Aggregation) | `aggregation` |
//! | its steps | [`HostOptimizer`](rule::HostOptimizer) | `optimizer` |
//!
//! # Below the rounds
//!
//! An [`Engine`](engine::Engine) is a model on a device: it probes, trains, updates and evaluates, and knows nothing of rounds. The model is a
//! [`Graph`](model::Graph), which a [`ModelSpec`](model::ModelSpec) makes of a table such as a config's `[model]`.
//!
//! ```
//! use zowarmup::device::{Selection, open};
//! use zowarmup::engine::Engine;
//! use zowarmup::model::ModelSpec;
//!
//! let table = serde_json::json!({"kind": "sequential", "input": 4, "classes": 2, "layers": [
//!     {"linear": 8}, {"residual": ["gelu", {"linear": 8}]}, {"layernorm": true}, {"linear": 2}]});
//! let graph = ModelSpec::from_json(&table)?.graph()?;
//! let weights = graph.init_weights(7);
//! let mut engine = Engine::new(open(&Selection::of("reference"))?, graph, &weights)?;
//! let (x, labels) = ([0.1, -0.2, 0.3, 0.4, -0.5, 0.6, 0.7, -0.8], [0, 1]);
//! let pass = engine.gradients(&x, &labels, true)?;
//! assert_eq!(pass.gradients.len(), weights.len());
//! assert!((pass.loss - engine.outputs(&x, &labels, true)?.loss).abs() < 1e-6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the modules are for, and how data flows through them, says `docs/architecture.md`.
#![warn(missing_docs)]

pub mod bench;
pub mod caps;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod data;
pub mod device;
pub mod engine;
pub mod fed;
pub mod files;
pub mod golden;
pub mod kernels;
pub mod lab;
pub mod layers;
pub mod ledger;
pub mod model;
pub mod profile;
pub mod recording;
pub mod report;
pub mod rng;
pub mod rule;
pub mod selftest;
pub mod shaders;
pub mod split;
pub mod stream;
pub mod tune;
pub mod verify;
pub mod version;
pub mod weights;
