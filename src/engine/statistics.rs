//! Batch norms' statistics of clients' own samples: what `zo.norm_statistics` other than `frozen` exchanges.
//!
//! They are addressed by tensor, never by order: a graph's nodes may stand in another order than its tensors.

use super::lanes::stack;
use super::{EngineError, NamedValues, Samples, Session};
use crate::device::as_f32;
use crate::kernels::params::Lane;
use crate::layers::{BatchNorm, kind};
use crate::recording::chunks::pack;
use crate::recording::{Recording, Span};

/// Where a batch norm's moments lie among those gathered of all norms, and its running statistics in a weight vector, in f32.
struct Place {
    node: usize,
    channels: usize,
    /// Before it, of all other norms, a lane.
    before: usize,
    mean: usize,
    variance: usize,
}

impl Session<'_> {
    /// Means over the clients (each counted once) of mean and unbiased variance of every batch norm's input, on all of a client's
    /// samples at once: the running statistics, tensor by tensor. Each list of indices holds at least one sample.
    ///
    /// # Errors
    /// A client's samples don't fit the memory at once, or are one value a channel.
    pub fn batch_norm_statistics(
        &mut self,
        samples: &Samples,
        clients: &[&[u32]],
    ) -> Result<Vec<NamedValues>, EngineError> {
        self.space.begin();
        let places = self.places();
        let channels: usize = places.iter().map(|p| p.channels).sum();
        let rows: Vec<u32> = clients.iter().map(|c| c.len() as u32).collect();
        let most = self.whole_lanes(&rows, "zo.norm_statistics")?;
        let layout = &self.program.lanes;
        let mode = self.mode(None, true);
        let learnable = self.program.graph.param_count();
        let mut sums = vec![0f64; self.program.graph.state_len() - learnable];
        // A lane's moments, and its entries in the tables of lanes.
        let lane_bytes = (8 * channels) as u64 + layout.bytes(1);
        let most_lanes = (self.space.working_memory() / 8 / lane_bytes).clamp(1, 65_535) as usize;
        for run in pack(rows, u64::from(most), most_lanes) {
            let group = &clients[run];
            let indices: Vec<u32> = group.iter().flat_map(|c| c.iter().copied()).collect();
            let batch = self.gathered(samples, &indices)?;
            let mut lanes: Vec<Lane> = group.iter().map(|c| Lane { rows: c.len() as u32, ..Lane::default() }).collect();
            stack(&mut lanes);
            lanes.iter_mut().for_each(|lane| lane.x_row = lane.row0);
            let bytes = (8 * channels * lanes.len()) as u64;
            let table = self.space.need("lanes", layout.bytes(lanes.len()))?;
            let gathered = self.space.need("moments of all norms", bytes)?;
            let first = |p: &Place| 2 * p.before * lanes.len();
            let place = |node: usize| {
                let place = places.iter().find(|p| p.node == node)?;
                let bytes = (8 * place.channels * lanes.len()) as u64;
                Some(Span { offset: gathered.offset + 4 * first(place) as u64, bytes, ..gathered })
            };
            let mut recording = Recording::new();
            let tables = layout.record(&mut recording, table, &lanes);
            self.record_logits(&mut recording, &batch, &tables, &mode, &place)?;
            recording.read_back(Span { bytes, ..gathered });
            let values = as_f32(&self.space.submit(&recording)?.concat());
            for p in &places {
                // Lane after lane, (mean, variance) of each channel.
                let moments = &values[first(p)..][..2 * p.channels * lanes.len()];
                for (i, pair) in moments.chunks_exact(2).enumerate() {
                    sums[p.mean - learnable + i % p.channels] += f64::from(pair[0]);
                    sums[p.variance - learnable + i % p.channels] += f64::from(pair[1]);
                }
            }
        }
        let mean = |sum: &f64| (sum / clients.len().max(1) as f64) as f32;
        let values = |offset: usize, len: usize| sums[offset - learnable..][..len].iter().map(mean).collect();
        let tensors = self.program.graph.buffers().iter();
        Ok(tensors.map(|t| NamedValues { name: t.name.clone(), values: values(t.offset, t.len) }).collect())
    }

    /// The batch norms.
    fn places(&self) -> Vec<Place> {
        let mut before = 0;
        let nodes = self.program.lowered.graph.nodes.iter().enumerate();
        nodes
            .filter_map(|(node, n)| {
                let BatchNorm { channels, mean, variance, .. } = kind(&n.layer).batch_norm()?;
                before += channels;
                Some(Place { node, channels, before: before - channels, mean, variance })
            })
            .collect()
    }

    /// Replaces running statistics, each by its name; those that aren't named stay.
    ///
    /// # Errors
    /// A tensor that the model doesn't have, or of another length.
    pub fn set_running_statistics(&mut self, statistics: &[NamedValues]) -> Result<(), EngineError> {
        let mut recording = Recording::new();
        for NamedValues { name, values } in statistics {
            let tensor = self.program.graph.buffers().iter().find(|t| t.name == *name && t.len == values.len());
            let Some(tensor) = tensor else {
                return Err(EngineError::Tensor { name: name.clone(), values: values.len() });
            };
            recording.upload(self.state.weights().buffer, 4 * tensor.offset as u64, values);
        }
        self.space.submit(&recording).map(drop)
    }
}
