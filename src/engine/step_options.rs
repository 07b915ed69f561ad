//! What local steps keep beside weights and gradients.

use super::{EngineError, Workspace};
use crate::kernels::lib::scales::{Scales, WORDS};
use crate::kernels::square_sums;
use crate::model::Graph;
use crate::recording::Span;

/// What they have beside plain ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StepOptions {
    /// Clients have a velocity.
    pub momentum: bool,
    /// Gradients are brought to a length.
    pub clipped: bool,
    /// Losses are multiplied by a scale, and gradients may be products of f16.
    pub scaled: bool,
}

/// The buffers of that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OptionBuffers {
    /// A velocity a slot, which lies as the slot's weights do.
    pub velocity: Option<Span>,
    /// Sums of squares a slot.
    pub squares: Option<Span>,
    /// A factor on the gradient a slot.
    pub factors: Option<Span>,
    /// The slots' scales.
    pub scales: Option<Scales>,
}

/// Parts of the sum over a gradient.
pub(super) fn parts(graph: &Graph) -> u32 {
    (graph.param_count() as u32).div_ceil(square_sums::PART)
}

impl StepOptions {
    /// Bytes a slot whose weights take `stride` f32.
    pub fn slot_bytes(&self, graph: &Graph, stride: usize) -> u64 {
        let [momentum, clip, scale] = [4 * stride as u64, 4 * u64::from(parts(graph)) + 4, 4 * WORDS as u64 + 4];
        let parts = [(self.momentum, momentum), (self.clipped, clip), (self.scaled, scale)];
        parts.into_iter().filter(|(has, _)| *has).map(|(_, bytes)| bytes).sum()
    }

    /// Makes the buffers of so many slots.
    pub fn make(
        &self,
        space: &mut Workspace,
        graph: &Graph,
        slots: usize,
        stride: usize,
    ) -> Result<OptionBuffers, EngineError> {
        let mut buffers = OptionBuffers::default();
        if self.momentum {
            buffers.velocity = Some(space.need("client velocities", (4 * slots * stride) as u64)?);
        }
        if self.clipped {
            let sums = 4 * slots as u64 * u64::from(parts(graph));
            buffers.squares = Some(space.need("sums of squares", space.bindable("sums of squares", sums)?)?);
        }
        if self.clipped || self.scaled {
            buffers.factors = Some(space.need("gradient factors", 4 * slots as u64)?);
        }
        if self.scaled {
            let words = space.need("loss scales", (4 * WORDS * slots) as u64)?;
            buffers.scales = Some(Scales { words, stride: stride as u32 });
        }
        Ok(buffers)
    }
}
