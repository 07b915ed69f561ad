//! Batch norms' statistics of clients' own samples: what `zo.norm_statistics` other than `frozen` exchanges.

use super::lanes::stack;
use super::layers::{self, Room};
use super::{Engine, EngineError, Samples};
use crate::device::as_f32;
use crate::kernels::params::Lane;
use crate::recording::chunks::pack;
use crate::recording::{Recording, Span};

impl Engine {
    /// Means over the clients (each counted once) of mean and unbiased variance of every batch norm's input, on all of a client's
    /// samples at once: in the order of the model's buffers. Each list of indices holds at least one sample.
    ///
    /// # Errors
    /// A client's samples don't fit the memory at once.
    pub fn batch_norm_statistics(&mut self, samples: &Samples, clients: &[&[u32]]) -> Result<Vec<f32>, EngineError> {
        self.scratch.begin();
        let rooms: Vec<Room> =
            self.graph.nodes.iter().map(|n| layers::moments(&n.layer)).filter(|r| *r != Room::default()).collect();
        let channels: usize = rooms.iter().map(|r| r.lane / 2).sum();
        let rows: Vec<u32> = clients.iter().map(|c| c.len() as u32).collect();
        let most = self.whole_lanes(rows.iter().copied().max().unwrap_or(0), "zo.norm_statistics")?;
        let layout = self.lane_layout();
        let how = self.how(None, true);
        let mut sums = vec![0f64; 2 * channels];
        for run in pack(rows, u64::from(most), 65_535) {
            let group = &clients[run];
            let indices: Vec<u32> = group.iter().flat_map(|c| c.iter().copied()).collect();
            let batch = self.gathered(samples, &indices)?;
            let mut lanes: Vec<Lane> = group.iter().map(|c| Lane { rows: c.len() as u32, ..Lane::default() }).collect();
            stack(&mut lanes);
            lanes.iter_mut().for_each(|lane| lane.x_row = lane.row0);
            let bytes = (8 * channels * lanes.len()) as u64;
            let device = self.device.as_mut();
            let table = self.scratch.need(device, "lanes", layout.bytes(lanes.len()))?;
            let gathered = self.scratch.need(device, "moments of all norms", bytes)?;
            let mut recording = Recording::new();
            let tables = layout.record(&mut recording, table, &lanes);
            self.record_logits(&mut recording, batch, &tables, &how, Some(gathered))?;
            recording.read_back(Span { bytes, ..gathered });
            let values = as_f32(&self.submit(&recording)?.concat());
            // Norm after norm, lane after lane, (mean, variance) of each channel; to all means of a norm, then all its variances.
            let (mut from, mut to) = (0, 0);
            for room in &rooms {
                let width = room.lane / 2;
                for _ in 0..lanes.len() {
                    for c in 0..width {
                        sums[to + c] += f64::from(values[from + 2 * c]);
                        sums[to + width + c] += f64::from(values[from + 2 * c + 1]);
                    }
                    from += room.lane;
                }
                to += room.lane;
            }
        }
        Ok(sums.into_iter().map(|sum| (sum / clients.len().max(1) as f64) as f32).collect())
    }

    /// Replaces the running statistics, in the order of the model's buffers.
    pub fn set_running_statistics(&mut self, statistics: &[f32]) -> Result<(), EngineError> {
        let expected = self.graph.state_len() - self.graph.param_count();
        if statistics.len() != expected {
            return Err(EngineError::Params { expected, found: statistics.len() });
        }
        let mut recording = Recording::new();
        recording.upload(self.weights.buffer, 4 * self.graph.param_count() as u64, statistics);
        self.submit(&recording).map(drop)
    }
}
