//! First-order rounds: local epochs of SGD on many clients at once, each with its own weights, then what the server makes of them; and
//! gradients of clients' whole data.

use super::client_step::ClientStep;
use super::counts::{check_batch, count};
use super::epochs::{SlotBatch, TrainClient, mean_losses};
use super::step_buffers::StepBuffers;
use super::step_options::StepOptions;
use super::step_plan::StepNeeds;
use super::{EngineError, Samples, Session};
use crate::kernels::{average, server_step};
use crate::recording::chunks::pack;
use crate::recording::{Recording, Span};

/// Rates of a warm-up round.
#[derive(Clone, Copy, Debug)]
pub struct TrainSettings {
    /// Rate of the clients' SGD.
    pub client_lr: f32,
    /// w <- w + server_lr (average - w).
    pub server_lr: f32,
}

/// A sum over clients in the making: `to = [to +] sum of share times their vectors`, less those `before` where there are such.
struct Joined {
    /// Where each client's vector lies, a slot each.
    of: Span,
    /// The sum.
    to: Span,
    before: Option<Span>,
    /// Values that are summed.
    count: usize,
}

impl Session<'_> {
    /// Trains the clients from the shared weights by plain steps and replaces these by the average. Returns the mean loss over all local
    /// steps.
    pub fn train(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        settings: &TrainSettings,
    ) -> Result<f64, EngineError> {
        self.train_average(samples, clients, &ClientStep::plain(settings.client_lr), settings.server_lr)
    }

    /// Trains the clients from the shared weights: `w += server_lr (average - w)`, the average itself where the rate is 1. Returns the mean
    /// loss over all local steps.
    pub fn train_average(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        step: &ClientStep<'_>,
        server_lr: f32,
    ) -> Result<f64, EngineError> {
        self.space.begin();
        let mut steps = self.of_steps(step);
        let plan = steps.client_plan(samples, clients, step)?;
        // Running statistics are averaged like weights.
        let d = steps.program.graph.state_len();
        let average_of = steps.space.need("average", (d * 4) as u64)?;
        let joined = Joined { of: plan.weights, to: average_of, before: None, count: d };
        let loss = steps.train_all(samples, clients, step, &plan, &joined)?;
        let mut recording = Recording::new();
        for piece in self.program.windows.pieces(d) {
            let (mean, weights) =
                (self.program.windows.part(piece, average_of), self.program.windows.part(piece, self.state.weights()));
            server_step::record(&mut recording, piece.len as u32, server_lr, mean, weights);
        }
        self.space.submit(&recording)?;
        Ok(loss)
    }

    /// Trains the clients from the shared weights, which stay as they are; the step ([`State::STEP`](super::State::STEP)) is then the sum of
    /// share times each client's change, running statistics included; 0 of no clients. Returns the mean loss over all local steps.
    pub fn train_delta(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        step: &ClientStep<'_>,
    ) -> Result<f64, EngineError> {
        self.space.begin();
        let to = self.zero_step()?;
        if clients.is_empty() {
            return Ok(0.0);
        }
        let mut steps = self.of_steps(step);
        let plan = steps.client_plan(samples, clients, step)?;
        let (before, count) = (Some(steps.state.weights()), steps.program.graph.state_len());
        steps.train_all(samples, clients, step, &plan, &Joined { of: plan.weights, to, before, count })
    }

    /// The step is then the sum of share times gradient, over clients `(samples, share)`: each gradient is that of the mean loss over all
    /// of the client's samples at the shared weights, batch norms on the statistics of these samples. Weights and running statistics stay
    /// as they are. Returns the mean of the clients' losses.
    ///
    /// # Errors
    /// A client's samples are more than batch norms can take at once.
    pub fn mean_gradient(&mut self, samples: &Samples, clients: &[(&[u32], f32)]) -> Result<f64, EngineError> {
        self.space.begin();
        let key = "zo.participants";
        let clients: Vec<&(&[u32], f32)> = clients.iter().filter(|(indices, _)| !indices.is_empty()).collect();
        let mut batch = 1;
        for (indices, _) in &clients {
            let rows = count(indices.len(), "samples of a client", key)?;
            check_batch(&self.program.graph, rows, key)?;
            batch = batch.max(rows);
        }
        let to = self.zero_step()?;
        if clients.is_empty() {
            return Ok(0.0);
        }
        let (features, options) = (samples.features(), StepOptions::default());
        let needs = StepNeeds { batch, clients: clients.len(), features, batch_statistics: true, key, options };
        let plan = self.step_plan(&needs)?;
        let joined = Joined { of: plan.gradients, to, before: None, count: self.program.graph.param_count() };
        let mut losses = Vec::with_capacity(clients.len());
        for group in pack(clients.iter().map(|_| 1), plan.slots as u64, usize::MAX) {
            let first = group.start == 0;
            let group = &clients[group];
            self.start_slots(&plan, group.len())?;
            let batches = group.iter().enumerate();
            let batches =
                batches.map(|(slot, (indices, _))| SlotBatch { slot, indices, moves: None, masks: 0 }).collect();
            let steps = [batches];
            let tables = self.step_tables(samples, &steps, &plan, group.len())?;
            let mut recording = Recording::new();
            self.record_gradients(&mut recording, samples, &steps[0], &plan, (&tables, 0))?;
            let read = self.space.submit(&recording)?;
            let batches = vec![group.iter().enumerate().map(|(slot, (indices, _))| (slot, indices.len())).collect()];
            losses.extend(mean_losses(&read, &batches).into_iter().map(|(_, loss)| loss));
            let shares: Vec<f32> = group.iter().map(|(_, share)| *share).collect();
            self.join(&shares, &plan, &joined, first)?;
        }
        Ok(losses.iter().sum::<f64>() / losses.len().max(1) as f64)
    }

    /// The step, set to 0.
    fn zero_step(&mut self) -> Result<Span, EngineError> {
        let step = self.state.step(self.space)?;
        let mut recording = Recording::new();
        recording.clear(step);
        self.space.submit(&recording)?;
        Ok(step)
    }

    /// Checks the batches and plans their steps.
    pub(super) fn client_plan(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        step: &ClientStep<'_>,
    ) -> Result<StepBuffers, EngineError> {
        let key = "warmup.batch";
        let mut batch = 1;
        for indices in clients.iter().flat_map(|c| &c.batches) {
            let rows = count(indices.len(), "samples of a batch", key)?;
            check_batch(&self.program.graph, rows, key)?;
            batch = batch.max(rows);
        }
        let (features, options) = (samples.features(), step.options(self.program.scales_losses()));
        self.step_plan(&StepNeeds { batch, clients: clients.len(), features, batch_statistics: true, key, options })
    }

    /// Trains all clients, as many at once as have slots, and joins what came of it. Returns the mean loss over all local steps.
    fn train_all(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        step: &ClientStep<'_>,
        plan: &StepBuffers,
        joined: &Joined,
    ) -> Result<f64, EngineError> {
        let mut losses = Vec::with_capacity(clients.len());
        for range in pack(clients.iter().map(|_| 1), plan.slots as u64, usize::MAX) {
            let first = range.start;
            let group = &clients[range];
            losses.extend(self.train_group(samples, (first, group), plan, step)?);
            let shares: Vec<f32> = group.iter().map(|c| c.share).collect();
            self.join(&shares, plan, joined, first == 0)?;
        }
        // Client after client, whatever groups they came in.
        let all: Vec<f64> = losses.concat();
        Ok(all.iter().sum::<f64>() / all.len().max(1) as f64)
    }

    /// Adds what the clients of a group have to a sum, which begins with the first group.
    fn join(&mut self, shares: &[f32], plan: &StepBuffers, joined: &Joined, first: bool) -> Result<(), EngineError> {
        let share_span = self.space.need("shares", (shares.len() * 4) as u64)?;
        let mut recording = Recording::new();
        recording.upload(share_span.buffer, 0, shares);
        for piece in self.program.windows.pieces(joined.count) {
            let params = average::Params {
                count: piece.len as u32,
                stride: plan.stride,
                clients: shares.len() as u32,
                first: u32::from(first),
            };
            let part = |vector| self.program.windows.part(piece, vector);
            let before = joined.before.map(part);
            average::record(&mut recording, &params, share_span, part(joined.of), part(joined.to), before);
        }
        self.space.submit(&recording).map(drop)
    }
}
