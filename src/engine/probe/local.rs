//! Local steps: clients that move copies of the weights by their own probes, step after step. The shared weights are only read.
//!
//! As in training, copies lie behind each other and lanes name theirs by where it starts. Clients whose copies don't fit come in groups; a
//! group's clients take their steps together, each step a round of probes. No result depends on the groups.

use super::copies::{Copies, Move};
use super::settings::{Direction, ProbeClient, ProbeResult, ProbeSettings, Run};
use super::steps::{LocalClient, LocalResults, LocalStep, LocalUpdate};
use crate::engine::{EngineError, Samples, Session};

impl Session<'_> {
    /// Probes along clients' local steps: each client starts from the shared weights and moves a copy of them by what `update` makes of
    /// each step's results, the last step's aside. Clients may take different numbers of steps, of different numbers of samples.
    ///
    /// `update` is called once for each step of each client but its last. In which order clients come depends on memory: it must go by
    /// what it is given alone.
    ///
    /// # Errors
    /// As [`Session::probe`]; a copy of the weights that doesn't fit beside them.
    pub fn probe_local(
        &mut self,
        samples: &Samples,
        clients: &[LocalClient<'_>],
        settings: &ProbeSettings,
        update: &mut dyn FnMut(&LocalStep<'_>) -> LocalUpdate,
    ) -> Result<LocalResults, EngineError> {
        self.space.begin();
        let mut copies = Copies::new(self, clients.len())?;
        let mut results = Vec::with_capacity(clients.len());
        for first in (0..clients.len()).step_by(copies.count()) {
            let group = &clients[first..clients.len().min(first + copies.count())];
            copies.start(self, group.len())?;
            let mut call = |step: &LocalStep<'_>| update(&LocalStep { client: first + step.client, ..*step });
            results.extend(self.local_group(samples, group, settings, &mut copies, &mut call)?);
        }
        Ok(results)
    }

    /// All steps of clients that have a copy each.
    fn local_group(
        &mut self,
        samples: &Samples,
        group: &[LocalClient<'_>],
        settings: &ProbeSettings,
        copies: &mut Copies,
        update: &mut dyn FnMut(&LocalStep<'_>) -> LocalUpdate,
    ) -> Result<LocalResults, EngineError> {
        let mut results: LocalResults = group.iter().map(|client| Vec::with_capacity(client.steps.len())).collect();
        let longest = group.iter().map(|client| client.steps.len()).max().unwrap_or(0);
        for step in 0..longest {
            let active: Vec<(usize, &ProbeClient<'_>)> =
                group.iter().enumerate().filter_map(|(slot, client)| Some((slot, client.steps.get(step)?))).collect();
            let seeds: Vec<&[u64]> = active.iter().map(|(_, client)| client.seeds).collect();
            let factors = self.factors_of(&seeds, settings.distribution)?;
            let directions: Vec<Vec<Direction>> =
                seeds.iter().zip(&factors).map(|(seeds, factors)| settings.directions(seeds, factors)).collect();
            let runs: Vec<Run<'_>> = active
                .iter()
                .zip(&directions)
                .map(|((slot, client), directions)| Run {
                    weight_base: copies.base(*slot),
                    ..Run::of(client, directions)
                })
                .collect();
            let mut all = copies.session(self).probe_runs(samples, &runs, settings)?.into_iter();
            let mut moves = Vec::new();
            for ((slot, client), factors) in active.iter().zip(&factors) {
                let own: Vec<ProbeResult> = all.by_ref().take(client.seeds.len()).collect();
                if step + 1 < group[*slot].steps.len() {
                    let by = update(&LocalStep { client: *slot, step, results: &own, factors });
                    moves.push(Move { slot: *slot, seeds: client.seeds, by });
                }
                results[*slot].push(own);
            }
            copies.apply(self, settings.distribution, &moves)?;
        }
        Ok(results)
    }
}
