//! A model on a device of its own.

use super::{
    AtOnce, ClientStep, Counters, EngineError, Evaluation, Fingerprint, Gradients, HeteroClient, LocalClient,
    LocalResults, LocalStep, LocalUpdate, LossScale, NamedValues, Outputs, ProbeClient, ProbeResult, ProbeSettings,
    Program, RecordedPass, SampleSet, Samples, ScaledRound, ServerOptimizer, Session, Settling, State, SubNetwork,
    TrainClient, TrainSettings, Update, Workspace,
};
use crate::device::Device;
use crate::kernels::params::Lane;
use crate::layers;
use crate::model::{Graph, Narrow};
use crate::stream::Distribution;
use crate::tune::Ways;

/// A model on a device of its own: a workspace, a program and a state in one.
pub struct Engine {
    space: Workspace,
    program: Program,
    state: State,
    /// The sub-network that was trained last.
    sub: Option<SubNetwork>,
}

impl Engine {
    /// Puts a model with the given flat weights on a device.
    pub fn new(device: Box<dyn Device>, graph: Graph, weights: &[f32]) -> Result<Self, EngineError> {
        Self::on(Workspace::new(device)?, graph, weights)
    }

    /// Puts a model with the given flat weights on a device that is open already.
    pub fn on(space: Workspace, graph: Graph, weights: &[f32]) -> Result<Self, EngineError> {
        let mut engine = Self::of(space, graph)?;
        engine.set_weights(weights)?;
        Ok(engine)
    }

    /// Gives the device back, without the model, these samples and the working buffers: the next engine finds its pipelines there.
    pub fn into_workspace(self, samples: impl IntoIterator<Item = Samples>) -> Workspace {
        let Self { mut space, program, state, sub } = self;
        drop((program, state, sub));
        for set in samples {
            set.buffers().for_each(|buffer| space.device_mut().destroy_buffer(buffer));
        }
        space.clear();
        space
    }

    /// An engine whose weights have no values, on a device that is only planned for ([`crate::device::PlanningDevice`]).
    pub fn planned(device: Box<dyn Device>, graph: Graph) -> Result<Self, EngineError> {
        Self::of(Workspace::planned(device), graph)
    }

    fn of(mut space: Workspace, graph: Graph) -> Result<Self, EngineError> {
        let program = Program::new(&mut space, graph)?;
        let state = State::new(&mut space, &program)?;
        Ok(Self { space, program, state, sub: None })
    }

    /// Puts another model in the place of this one; the working buffers are given back. Samples stay on the device.
    pub fn replace_model(&mut self, graph: Graph, weights: &[f32]) -> Result<(), EngineError> {
        self.sub = None;
        self.program = Program::new(&mut self.space, graph)?;
        self.state = State::new(&mut self.space, &self.program)?;
        self.space.clear();
        self.set_weights(weights)
    }

    /// The three as one, to work with.
    pub fn session(&mut self) -> Session<'_> {
        self.space.session(&self.program, &mut self.state)
    }

    /// The device with its working buffers.
    pub fn workspace(&mut self) -> &mut Workspace {
        &mut self.space
    }

    /// The model.
    pub fn graph(&self) -> &Graph {
        self.program.graph()
    }

    /// With which way each product is computed.
    pub fn ways(&self) -> &Ways {
        self.program.ways()
    }

    /// The device.
    pub fn device(&self) -> &dyn Device {
        self.space.device()
    }

    /// The device, to run recordings of one's own on it.
    pub fn device_mut(&mut self) -> &mut dyn Device {
        self.space.device_mut()
    }

    /// [`Workspace::upload`].
    pub fn upload(&mut self, set: &SampleSet<'_>) -> Result<Samples, EngineError> {
        self.space.upload(set)
    }

    /// [`Workspace::reserve`].
    pub fn reserve(&mut self, set: &SampleSet<'_>) -> Result<Samples, EngineError> {
        self.space.reserve(set)
    }

    /// [`Workspace::take_counters`].
    pub fn take_counters(&mut self) -> Counters {
        self.space.take_counters()
    }

    /// [`State::save`].
    pub fn save(&mut self) -> Result<Vec<NamedValues>, EngineError> {
        self.state.save(&mut self.space)
    }

    /// [`State::restore`].
    pub fn restore(&mut self, saved: &[NamedValues]) -> Result<(), EngineError> {
        self.state.restore(&mut self.space, saved)
    }

    /// [`Session::set_weights`].
    pub fn set_weights(&mut self, weights: &[f32]) -> Result<(), EngineError> {
        self.session().set_weights(weights)
    }

    /// [`Session::weights`].
    pub fn weights(&mut self) -> Result<Vec<f32>, EngineError> {
        self.session().weights()
    }

    /// [`Session::probe`].
    pub fn probe(
        &mut self,
        samples: &Samples,
        clients: &[ProbeClient<'_>],
        settings: &ProbeSettings,
    ) -> Result<Vec<ProbeResult>, EngineError> {
        self.session().probe(samples, clients, settings)
    }

    /// [`Session::probe`] with operands of f32 in every product of the forward pass; where they are anyway, the same.
    ///
    /// # Errors
    /// As [`Session::probe`].
    pub fn probe_in_f32(
        &mut self,
        samples: &Samples,
        clients: &[ProbeClient<'_>],
        settings: &ProbeSettings,
    ) -> Result<Vec<ProbeResult>, EngineError> {
        let graph = self.program.graph().clone();
        let ways =
            self.program.ways().in_f32(&layers::Pass::FORWARD, self.device().info(), self.device().limits(), &graph);
        let exact = Program::with_ways(&mut self.space, graph, ways)?;
        self.space.session(&exact, &mut self.state).probe(samples, clients, settings)
    }

    /// Whether operands are f32 in every product of a forward pass.
    pub fn is_f32(&self) -> bool {
        self.program.ways().are_f32(&layers::Pass::FORWARD)
    }

    /// [`Session::probe_local`].
    pub fn probe_local(
        &mut self,
        samples: &Samples,
        clients: &[LocalClient<'_>],
        settings: &ProbeSettings,
        update: &mut dyn FnMut(&LocalStep<'_>) -> LocalUpdate,
    ) -> Result<LocalResults, EngineError> {
        self.session().probe_local(samples, clients, settings, update)
    }

    /// [`Session::probe_at_once`].
    pub fn probe_at_once(
        &mut self,
        samples: &Samples,
        clients: &[LocalClient<'_>],
        settings: &ProbeSettings,
        settling: &Settling,
    ) -> Result<Option<AtOnce>, EngineError> {
        self.session().probe_at_once(samples, clients, settings, settling)
    }

    /// [`Session::sphere_factors`].
    pub fn sphere_factors(&mut self, seeds: &[u64]) -> Result<Vec<f64>, EngineError> {
        self.session().sphere_factors(seeds)
    }

    /// [`Session::probe_given`].
    pub fn probe_given(
        &mut self,
        x: &[f32],
        labels: &[u32],
        seed: u64,
        settings: &ProbeSettings,
    ) -> Result<(f32, f32, f32), EngineError> {
        self.session().probe_given(x, labels, seed, settings)
    }

    /// [`Session::update`].
    pub fn update(&mut self, distribution: Distribution, update: &Update<'_>) -> Result<Fingerprint, EngineError> {
        self.session().update(distribution, update)
    }

    /// [`Session::accumulate`].
    pub fn accumulate(&mut self, distribution: Distribution, seeds: &[u64], a: &[f32]) -> Result<(), EngineError> {
        self.session().accumulate(distribution, seeds, a)
    }

    /// [`Session::advance`].
    pub fn advance(&mut self, optimizer: &ServerOptimizer, lr: f64, t: u64) -> Result<Fingerprint, EngineError> {
        self.session().advance(optimizer, lr, t)
    }

    /// The scale of the losses of local steps; none: they have none, all gradients being products of f32.
    pub fn loss_scale(&self) -> Option<LossScale> {
        self.state.scale
    }

    /// Has the clients of the next local steps begin with the first scale again.
    pub fn restart_scale(&mut self) {
        self.session().restart_scale();
    }

    /// A round of local steps is over: what came of the scale of its clients' losses, where they have one.
    pub fn end_scaled_round(&mut self) -> Option<ScaledRound> {
        self.state.scale.as_mut().map(LossScale::end_round)
    }

    /// [`Session::reset_moments`].
    pub fn reset_moments(&mut self, optimizer: &ServerOptimizer) -> Result<(), EngineError> {
        self.session().reset_moments(optimizer)
    }

    /// [`Session::add`].
    pub fn add(&mut self, values: &[f32]) -> Result<Fingerprint, EngineError> {
        self.session().add(values)
    }

    /// [`Session::set_step`].
    pub fn set_step(&mut self, values: &[f32]) -> Result<(), EngineError> {
        self.session().set_step(values)
    }

    /// [`Session::add_step`].
    pub fn add_step(&mut self) -> Result<Fingerprint, EngineError> {
        self.session().add_step()
    }

    /// [`Session::step_values`].
    pub fn step_values(&mut self) -> Result<Vec<f32>, EngineError> {
        self.session().step_values()
    }

    /// [`Session::fingerprint`].
    pub fn fingerprint(&mut self) -> Result<Fingerprint, EngineError> {
        self.session().fingerprint()
    }

    /// [`Session::begin_average`].
    pub fn begin_average(&mut self) -> Result<(), EngineError> {
        self.session().begin_average()
    }

    /// [`Session::follow_average`].
    pub fn follow_average(&mut self, keeps: f64) -> Result<(), EngineError> {
        self.session().follow_average(keeps)
    }

    /// [`Session::evaluate_average`].
    pub fn evaluate_average(&mut self, samples: &Samples) -> Result<Evaluation, EngineError> {
        self.session().evaluate_average(samples)
    }

    /// [`Session::average`].
    pub fn average(&mut self) -> Result<Vec<f32>, EngineError> {
        self.session().average()
    }

    /// [`Session::evaluate`].
    pub fn evaluate(&mut self, samples: &Samples) -> Result<Evaluation, EngineError> {
        self.session().evaluate(samples)
    }

    /// [`Session::train`].
    pub fn train(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        settings: &TrainSettings,
    ) -> Result<f64, EngineError> {
        self.session().train(samples, clients, settings)
    }

    /// [`Session::train_hetero`], with a sub-network that is kept on the device.
    pub fn train_hetero(
        &mut self,
        model: &Narrow,
        samples: &Samples,
        clients: Vec<HeteroClient>,
        step: &ClientStep<'_>,
    ) -> Result<f64, EngineError> {
        let kept = self.sub.take().filter(|sub| sub.model() == model);
        let mut sub = match kept {
            Some(sub) => sub,
            None => SubNetwork::new(&mut self.space, model, self.program.graph())?,
        };
        let loss = self.session().train_hetero(&mut sub, samples, clients, step);
        self.sub = Some(sub);
        loss
    }

    /// [`Session::train_average`].
    pub fn train_average(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        step: &ClientStep<'_>,
        server_lr: f32,
    ) -> Result<f64, EngineError> {
        self.session().train_average(samples, clients, step, server_lr)
    }

    /// [`Session::train_delta`].
    pub fn train_delta(
        &mut self,
        samples: &Samples,
        clients: &[TrainClient],
        step: &ClientStep<'_>,
    ) -> Result<f64, EngineError> {
        self.session().train_delta(samples, clients, step)
    }

    /// [`Session::mean_gradient`].
    pub fn mean_gradient(&mut self, samples: &Samples, clients: &[(&[u32], f32)]) -> Result<f64, EngineError> {
        self.session().mean_gradient(samples, clients)
    }

    /// [`Session::outputs`].
    pub fn outputs(&mut self, x: &[f32], labels: &[u32], batch_statistics: bool) -> Result<Outputs, EngineError> {
        self.session().outputs(x, labels, batch_statistics)
    }

    /// [`Session::gradients`].
    pub fn gradients(&mut self, x: &[f32], labels: &[u32], batch_statistics: bool) -> Result<Gradients, EngineError> {
        self.session().gradients(x, labels, batch_statistics)
    }

    /// [`Session::batch_norm_statistics`].
    pub fn batch_norm_statistics(
        &mut self,
        samples: &Samples,
        clients: &[&[u32]],
    ) -> Result<Vec<NamedValues>, EngineError> {
        self.session().batch_norm_statistics(samples, clients)
    }

    /// [`Session::set_running_statistics`].
    pub fn set_running_statistics(&mut self, statistics: &[NamedValues]) -> Result<(), EngineError> {
        self.session().set_running_statistics(statistics)
    }

    /// [`Session::losses_pass`].
    pub fn losses_pass(
        &mut self,
        samples: &Samples,
        indices: &[u32],
        lanes: Vec<Lane>,
        perturbed: Option<Distribution>,
    ) -> Result<RecordedPass, EngineError> {
        self.session().losses_pass(samples, indices, lanes, perturbed)
    }

    /// [`Session::logits_pass`].
    pub fn logits_pass(
        &mut self,
        samples: &Samples,
        indices: &[u32],
        lanes: Vec<Lane>,
        perturbed: Option<Distribution>,
    ) -> Result<RecordedPass, EngineError> {
        self.session().logits_pass(samples, indices, lanes, perturbed)
    }

    /// [`Session::gradients_pass`].
    pub fn gradients_pass(&mut self, samples: &Samples, indices: &[u32]) -> Result<RecordedPass, EngineError> {
        self.session().gradients_pass(samples, indices)
    }
}
