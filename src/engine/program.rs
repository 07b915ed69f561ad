//! A model's graph with everything that is planned of it on a kind of device: it never changes, and any number of states run it.

use super::forward_plan::ForwardPlans;
use super::lanes::LaneLayout;
use super::lowering::Lowered;
use super::{EngineError, Workspace};
use crate::device::DeviceError;
use crate::kernels::tiling::Tiling;
use crate::layers::Pass;
use crate::model::{Graph, ParamTensor};
use crate::recording::windows::{Needs, Windows};
use crate::tune::Ways;

/// A graph with its plans.
pub struct Program {
    /// Tells it from others of its workspace.
    pub(super) id: u64,
    pub(super) graph: Graph,
    /// The graph as lanes run it.
    pub(super) lowered: Lowered,
    /// How its nodes see weights and gradients.
    pub(super) windows: Windows,
    pub(super) plans: ForwardPlans,
    /// How products are blocked, where they go by shuffles.
    pub(super) tiling: Tiling,
    /// With which way each product is computed.
    pub(super) ways: Ways,
    /// The same with gradients of f32; none: they are that anyway.
    exact: Option<Ways>,
    /// Bytes that forward passes need for weights in the order of tiles: for a copy, and for each lane.
    pub(super) forward_room: Option<[u64; 2]>,
    /// The same of local steps.
    pub(super) step_room: Option<[u64; 2]>,
    /// How tables of lanes lie.
    pub(super) lanes: LaneLayout,
    /// Of a model with dropouts, the program of local steps, which has them; all else is computed without.
    steps: Option<Box<Program>>,
}

impl Program {
    /// Of a graph, for the device of a workspace, with the ways that it has for it ([`Workspace::set_ways`]).
    ///
    /// # Errors
    /// A layer whose tensors pass the device's largest binding.
    pub fn new(space: &mut Workspace, graph: Graph) -> Result<Self, EngineError> {
        let ways = space.ways_of(&graph);
        Self::with_ways(space, graph, ways)
    }

    /// The same with these ways.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_ways(space: &mut Workspace, graph: Graph, ways: Ways) -> Result<Self, EngineError> {
        if !graph.has_dropout() {
            return Self::of(space, graph.clone(), &graph, ways);
        }
        let steps = Self::of(space, graph.clone(), &graph, ways.clone())?;
        let plain = graph.without_dropout();
        Ok(Self { steps: Some(Box::new(steps)), ..Self::of(space, graph, &plain, ways)? })
    }

    /// With the nodes of `computed` for those of the model.
    fn of(space: &mut Workspace, graph: Graph, computed: &Graph, ways: Ways) -> Result<Self, EngineError> {
        // One layout for the whole graph.
        let lowered = Lowered::of(computed, ways.layout);
        let windows = windows(&lowered.graph, space.binding())?;
        let tiling = Tiling::of(space.device().info());
        let alignment = space.device().limits().alignment;
        let lanes = LaneLayout { windows: windows.all().to_vec(), tokens: graph.tokens(), alignment };
        let f16 = space.device().info().matrices.halves && ways.has_f16();
        let plans = ForwardPlans::of(&lowered, tiling, &ways, f16);
        let forward_room = ways.room(&lowered.graph, &[Pass::Forward, Pass::Perturbed]);
        let step_room = ways.room(&lowered.graph, &[Pass::Forward, Pass::Input]);
        let device = space.device();
        let exact = || ways.in_f32(&Pass::BACKWARD, device.info(), device.limits(), &lowered.graph);
        let exact = (!ways.are_f32(&Pass::BACKWARD)).then(exact);
        let id = space.next_id();
        Ok(Self {
            id,
            graph,
            lowered,
            windows,
            plans,
            tiling,
            ways,
            exact,
            forward_room,
            step_room,
            lanes,
            steps: None,
        })
    }

    /// The program of local steps in which dropouts draw.
    pub(super) fn of_steps(&self) -> &Self {
        self.steps.as_deref().unwrap_or(self)
    }

    /// The ways of local steps: `scaled` where their losses are, so that gradients may be products of f16.
    pub(super) fn step_ways(&self, scaled: bool) -> &Ways {
        self.exact.as_ref().filter(|_| !scaled).unwrap_or(&self.ways)
    }

    /// Whether the losses of local steps are to be scaled.
    pub(super) fn scales_losses(&self) -> bool {
        self.exact.is_some()
    }

    /// With which way each product is computed.
    pub fn ways(&self) -> &Ways {
        &self.ways
    }

    /// The model.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

/// How the nodes of a model see its weights within bindings of at most `limit` bytes.
fn windows(graph: &Graph, limit: u64) -> Result<Windows, EngineError> {
    let tensors: Vec<_> = graph.nodes.iter().map(|node| graph.tensors_of(node)).collect();
    let range = |node: &[&ParamTensor], running: bool| {
        let part = || node.iter().filter(|t| (t.offset >= graph.param_count()) == running);
        let first = part().map(|t| t.offset).min()?;
        Some(first..part().map(|t| t.offset + t.len).max()?)
    };
    let needs = |node: &Vec<&ParamTensor>| Needs { parameters: range(node, false), running: range(node, true) };
    let needs: Vec<Needs> = tensors.iter().map(needs).collect();
    Windows::of(graph.state_len(), &needs, limit).map_err(|node| {
        let names: Vec<&str> = tensors[node].iter().map(|t| t.name.as_str()).collect();
        let bytes = 4 * tensors[node].iter().map(|t| t.len as u64).sum::<u64>();
        DeviceError::BindingTooLarge { name: names.join(" and "), bytes, limit }.into()
    })
}
