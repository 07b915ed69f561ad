//! Where the samples of clients' steps lie. A client's steps are an order of its samples, another in each round.

use super::settings::Run;
use crate::engine::batch::Batch;
use crate::engine::{EngineError, Samples, Session};
use crate::recording::Recording;

impl Session<'_> {
    /// The samples of `runs`, each of one of so many clients, in their order. Models of one dispatch go by a list of it, so that what lies on
    /// the device stays from round to round as long as the clients have the same samples; for others they are gathered.
    pub(super) fn batch_of_steps<'a, I: Iterator<Item = (usize, &'a Run<'a>)>>(
        &mut self,
        recording: &mut Recording,
        samples: &Samples,
        runs: impl Fn() -> I,
        clients: usize,
    ) -> Result<Batch, EngineError> {
        if runs().count() <= clients || self.in_one_dispatch().is_none() {
            let indices: Vec<u32> = runs().flat_map(|(_, run)| run.indices).copied().collect();
            return self.gathered(samples, &indices);
        }
        let mut each: Vec<Vec<u32>> = vec![Vec::new(); clients];
        runs().for_each(|(client, run)| each[client].extend_from_slice(run.indices));
        let (mut held, mut firsts) = (Vec::new(), Vec::with_capacity(clients));
        for own in &mut each {
            own.sort_unstable();
            own.dedup();
            firsts.push(held.len() as u32);
            held.extend_from_slice(own);
        }
        let mut rows = Vec::new();
        for (client, run) in runs() {
            let place = |&index: &u32| firsts[client] + each[client].partition_point(|&other| other < index) as u32;
            rows.extend(run.indices.iter().map(place));
        }
        self.listed(recording, samples, &held, &rows)
    }
}
