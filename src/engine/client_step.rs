//! The step of a client's own weights in a warm-up round: what it may have beside plain SGD (`docs/methods.md`, Client step).

use super::Session;
use super::gathering::Moves;
use super::lanes::WindowLanes;
use super::loss_scale::LEAST;
use super::step_buffers::StepBuffers;
use super::step_options::{StepOptions, parts};
use crate::kernels::{clip_factor, local_gradient, loss_scale, overflow, sgd, square_sums};
use crate::recording::Recording;

/// `g` = mean gradient of a batch `+ weight_decay w + proximal_mu (w - shared)`, brought to the length `clip_norm` where it is longer;
/// `u = momentum u + g`; `w -= lr u`. The velocity u starts at 0 in each round.
#[derive(Clone, Copy)]
pub struct ClientStep<'a> {
    /// Rate.
    pub lr: f32,
    /// What is kept of the velocity; 0: none.
    pub momentum: f32,
    /// Pull of the weights towards 0.
    pub weight_decay: f32,
    /// Pull of the weights towards the shared ones (FedProx).
    pub proximal_mu: f32,
    /// The longest gradient over all parameters; 0: any.
    pub clip_norm: f32,
    /// How the images of a batch are moved: of the client at this place in the round, of its batch of this number. None: not.
    pub moves: Option<&'a dyn Fn(usize, usize) -> Moves>,
    /// The seed of the masks that dropouts draw: of the client at this place in the round, for its batch of this number. None: they drop
    /// nothing.
    pub masks: Option<&'a dyn Fn(usize, usize) -> u64>,
}

impl ClientStep<'_> {
    /// `w -= lr g`.
    pub fn plain(lr: f32) -> Self {
        Self { lr, momentum: 0.0, weight_decay: 0.0, proximal_mu: 0.0, clip_norm: 0.0, moves: None, masks: None }
    }

    /// What is kept for it; `scaled`: and for losses that are multiplied by a scale.
    pub(super) fn options(&self, scaled: bool) -> StepOptions {
        StepOptions { momentum: self.momentum != 0.0, clipped: self.clip_norm != 0.0, scaled }
    }
}

impl Session<'_> {
    /// The same with the program of such local steps.
    pub(super) fn of_steps(&mut self, step: &ClientStep<'_>) -> Session<'_> {
        let program = if step.masks.is_some() { self.program.of_steps() } else { self.program };
        self.space.session(program, self.state)
    }

    /// Records the step of each lane's own weights by the gradients of its batch.
    pub(super) fn record_client_step(
        &self,
        recording: &mut Recording,
        plan: &StepBuffers,
        tables: &WindowLanes,
        step: &ClientStep<'_>,
    ) {
        let (windows, lanes) = (&self.program.windows, &tables.first.samples);
        // Where there are several pieces there is one slot, whose base in the first window's table is 0: that of each piece.
        let pieces = windows.pieces(self.program.graph.param_count());
        let scaled = plan.options.scales.zip(plan.options.factors);
        if let Some((scales, factors)) = scaled {
            for &piece in &pieces {
                overflow::record(recording, lanes, piece.len as u32, windows.part(piece, plan.gradients), &scales);
            }
            loss_scale::record(recording, lanes, LEAST, &scales, factors);
        }
        if step.weight_decay != 0.0 || step.proximal_mu != 0.0 {
            for &piece in &pieces {
                let part = |vector| windows.part(piece, vector);
                let params = local_gradient::Params {
                    count: piece.len as u32,
                    decay: step.weight_decay,
                    pull: step.proximal_mu,
                };
                let (weights, shared) = (part(plan.weights), part(self.state.weights()));
                let factors = scaled.map(|(_, factors)| factors);
                local_gradient::record(recording, lanes, &params, weights, shared, part(plan.gradients), factors);
            }
        }
        let mut options = sgd::Options::default();
        options.factors = plan.options.factors;
        options.skips = scaled.is_some();
        if let Some((sums, factors)) = plan.options.squares.zip(plan.options.factors) {
            let parts = parts(&self.program.graph);
            for &piece in &pieces {
                let gradients = windows.part(piece, plan.gradients);
                let place = (piece.first as u32 / square_sums::PART, parts);
                square_sums::record(recording, lanes, piece.len as u32, place, gradients, sums);
            }
            let params = clip_factor::Params { parts, stride: parts, limit: step.clip_norm };
            clip_factor::record(recording, lanes.count, &params, scaled.is_some(), sums, factors);
        }
        for &piece in &pieces {
            let part = |vector| windows.part(piece, vector);
            options.momentum = plan.options.velocity.map(|velocity| (step.momentum, part(velocity)));
            let (weights, gradients) = (part(plan.weights), part(plan.gradients));
            sgd::record(recording, lanes, piece.len as u32, step.lr, weights, gradients, &options);
        }
    }
}
