//! What a run costs: bytes sent and held, by the paper's formulas and as the engine counts and allocates them.
//!
//! Formulas (Legate, Rish, Belilovsky, equations 4 and 5): a first-order client holds `(2 P + BS sum A) 4` bytes, a zeroth-order
//! one `(2 P + BS max A) 4`, with P parameters, batches of BS samples and A values of a sample behind each layer; it sends `4 P`
//! both ways, or `4 S` up and `4 S K` down for S probes of each of K clients. Layers are those of the engine's graph: a ReLU belongs
//! to the layer before it.

use serde::Serialize;

use super::experiment::Experiment;
use super::traffic::{self, Bytes};
use super::zo::{Absences, ZoPhase};
use super::{disk, planned, warmup, zo};
use crate::config::{Config, NormStatistics};
use crate::device::Device;
use crate::engine::{Engine, EngineError, Samples};
use crate::layers::kind;
use crate::model::Graph;

/// What `zowarmup cost` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Length of the flat parameter vector.
    pub params: u64,
    /// A warm-up round.
    pub warmup: PhaseCost,
    /// HeteroFL's sub-network; other methods have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_network: Option<SubNetworkCost>,
    /// A zeroth-order round.
    pub zo: PhaseCost,
    /// Weights that a client gets at the pivot.
    pub pivot_bytes: u64,
    /// The whole run, all clients.
    pub total: Total,
    /// What the run's folder takes, about.
    pub disk_bytes: u64,
}

/// What a low-resource client trains and sends in place of the model, by HeteroFL.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubNetworkCost {
    /// Its parameters.
    pub params: u64,
    /// Client to server, a client and round.
    pub uplink_bytes: u64,
    /// Server to client.
    pub downlink_bytes: u64,
    /// Memory of a client, by the formula.
    pub formula_memory_bytes: u64,
}

/// A phase: bytes a client and round; of a phase without rounds what a round would take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhaseCost {
    /// Client to server, as the engine counts.
    pub uplink_bytes: u64,
    /// Server to client.
    pub downlink_bytes: u64,
    /// Client to server, by the formula.
    pub formula_uplink_bytes: u64,
    /// Server to client, by the formula.
    pub formula_downlink_bytes: u64,
    /// Memory of a client, by the formula.
    pub formula_memory_bytes: u64,
    /// What the engine's buffers take at most in such a round: the whole simulation with its data.
    pub device_bytes: u64,
}

/// Bytes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Total {
    /// Clients to server.
    pub uplink_bytes: u64,
    /// Server to clients.
    pub downlink_bytes: u64,
}

/// The cost of an experiment on a device, of which only the limits count.
///
/// # Errors
/// A plan that doesn't fit, with the bytes that are missing.
pub fn cost(experiment: &Experiment, device: &dyn Device) -> Result<Cost, EngineError> {
    let (config, graph) = (&experiment.config, &experiment.graph);
    let params = graph.param_count();
    let (weights, probes) = (4 * params as u64, u64::from(config.zo.probes) * u64::from(config.zo.local_steps));
    let memory = client_memory(experiment);
    let (probing, training) = zo::sampled(experiment, config.warmup.rounds);
    let (n, trainers) = (probing.len(), training.len());
    // Of a client that probes: those that go on with backprop are counted like the warm-up's.
    let (all, training) = (round_traffic(experiment, n, trainers, 0), round_traffic(experiment, n, trainers + 1, 0));
    let share = |all: u64, more: u64| all.saturating_sub(trainers as u64 * more.saturating_sub(all)) / n.max(1) as u64;
    let warmup = PhaseCost {
        uplink_bytes: weights,
        downlink_bytes: weights,
        formula_uplink_bytes: weights,
        formula_downlink_bytes: weights,
        formula_memory_bytes: memory.warmup,
        device_bytes: peak(experiment, device, |engine, train| planned::warmup_round(engine, experiment, train))?,
    };
    let zo = PhaseCost {
        uplink_bytes: share(all.up, training.up),
        downlink_bytes: share(all.down, training.down),
        formula_uplink_bytes: 4 * probes,
        formula_downlink_bytes: 4 * probes * n as u64,
        formula_memory_bytes: memory.zo,
        device_bytes: peak(experiment, device, |engine, train| {
            ZoPhase::new(experiment).round(engine, experiment, train, config.warmup.rounds).map(drop)
        })?,
    };
    let sub_network = experiment.narrow.as_ref().zip(memory.sub_network).map(|(narrow, formula_memory_bytes)| {
        let weights = 4 * narrow.graph.param_count() as u64;
        SubNetworkCost { params: weights / 4, uplink_bytes: weights, downlink_bytes: weights, formula_memory_bytes }
    });
    let pivot_bytes = if config.zo.rounds > 0 { weights } else { 0 };
    let (total, disk_bytes) = (total(experiment), disk::needed(experiment, 0).all());
    Ok(Cost { params: params as u64, warmup, sub_network, zo, pivot_bytes, total, disk_bytes })
}

/// What a client must hold, by the formulas, in each way of taking part: bytes, of the client with the most samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClientMemory {
    /// By backprop through the whole model.
    #[serde(rename = "warmup_bytes")]
    pub warmup: u64,
    /// By backprop through HeteroFL's sub-network; other methods have none.
    #[serde(rename = "sub_network_bytes", skip_serializing_if = "Option::is_none")]
    pub sub_network: Option<u64>,
    /// By forward passes.
    #[serde(rename = "zo_bytes")]
    pub zo: u64,
}

impl ClientMemory {
    /// What a low-resource client must hold to take part in the config's run, in its zeroth-order rounds where it has some; in a run that
    /// these clients have no part in, what the others hold.
    pub fn to_take_part(&self, config: &Config) -> u64 {
        if config.zo.rounds > 0 { self.zo } else { self.sub_network.unwrap_or(self.warmup) }
    }
}

/// What a client of an experiment must hold.
pub fn client_memory(experiment: &Experiment) -> ClientMemory {
    let held = experiment.split.clients.iter().map(Vec::len).max().unwrap_or(0) as u64;
    let batch = u64::from(experiment.config.warmup.batch).min(held);
    let weights = |graph: &Graph| 4 * graph.param_count() as u64;
    let by_backprop = |graph: &Graph| 2 * weights(graph) + 4 * batch * values_of(graph).sum::<u64>();
    let graph = &experiment.graph;
    ClientMemory {
        warmup: by_backprop(graph),
        sub_network: experiment.narrow.as_ref().map(|narrow| by_backprop(&narrow.graph)),
        zo: 2 * weights(graph) + 4 * held * values_of(graph).max().unwrap_or(0),
    }
}

/// Bytes of a zeroth-order round of so many clients that probe and that go on with backprop; `pivot_clients` get the weights with it.
pub fn round_traffic(experiment: &Experiment, probing: usize, training: usize, pivot_clients: usize) -> Bytes {
    let graph = &experiment.graph;
    let mut sent = traffic::zo_round(graph.param_count(), &experiment.config.zo, probing, training);
    sent += traffic::pivot(graph.param_count(), pivot_clients);
    let channels = graph.batch_norm_channels();
    sent += match zo::norm_statistics(experiment) {
        NormStatistics::Frozen => Bytes::default(),
        // Once, of every client, with the pivot.
        NormStatistics::Recomputed => traffic::norm_statistics(channels, pivot_clients),
        NormStatistics::Refreshed => traffic::norm_statistics(channels, probing),
    };
    sent
}

/// Values of a sample behind each layer; a scale or sum belongs to the layer before it.
fn values_of(graph: &Graph) -> impl Iterator<Item = u64> {
    let layers = graph.nodes.iter().filter(|n| kind(&n.layer).stands_alone());
    layers.map(|n| n.layer.output_len() as u64)
}

fn total(experiment: &Experiment) -> Total {
    let (config, split) = (&experiment.config, &experiment.split);
    let mut sum = Bytes::default();
    for round in 0..config.warmup.rounds {
        sum += warmup::sent(experiment, &warmup::clients(experiment, round), round);
    }
    let mut absences = Absences::default();
    for round in 0..config.zo.rounds {
        let (probing, training) = zo::clients(experiment, config.warmup.rounds + round);
        let pivot = if round == 0 { split.clients.len() } else { 0 };
        sum += round_traffic(experiment, probing.len(), training.len(), pivot);
        sum.down += absences.catchup_bytes(experiment, config.warmup.rounds + round);
    }
    Total { uplink_bytes: sum.up, downlink_bytes: sum.down }
}

/// The most that the engine's buffers take while `round` runs from a fresh start.
fn peak(
    experiment: &Experiment,
    device: &dyn Device,
    round: impl FnOnce(&mut Engine, &Samples) -> Result<(), EngineError>,
) -> Result<u64, EngineError> {
    let (mut engine, train) = planned::engine(experiment, device)?;
    round(&mut engine, &train)?;
    Ok(engine.device().peak_bytes())
}
