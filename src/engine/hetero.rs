//! A round of HeteroFL (Diao, Ding, Tarokh, arXiv 2010.01264): some clients train the model, others a sub-network of it; each parameter
//! becomes the plain mean over the clients that have it.
//!
//! A client's cross-entropy goes over the classes that it holds, and it has the classifier's rows of those classes only. What no client
//! has stays as it was, and so do running statistics, which such training doesn't take.

use super::{ClientStep, EngineError, Moves, Program, Samples, Session, State, TrainClient, Workspace};
use crate::kernels::class_rows::ClassRows;
use crate::kernels::holder_sum::Holders;
use crate::kernels::params::ABSENT;
use crate::kernels::softmax_xent::{Held, mask};
use crate::kernels::{holder_mean, holder_sum, take_places};
use crate::model::{Classifier, Graph, Narrow};
use crate::recording::chunks::pack;
use crate::recording::lease::Lease;
use crate::recording::windows::{Window, Windows};
use crate::recording::{Recording, Span};

/// A client's part of a round.
pub struct HeteroClient {
    /// Its local steps; its share is not asked for.
    pub work: TrainClient,
    /// The classes that it holds, all those of its batches among them.
    pub classes: Vec<u32>,
    /// It trains the sub-network.
    pub narrow: bool,
}

/// A sub-network on the device, beside the model that it is of.
pub struct SubNetwork {
    model: Narrow,
    program: Program,
    state: State,
    /// The place of each of the model's parameters in the sub-network's vector, [`ABSENT`] where it has none.
    places: Span,
    _lease: Lease,
}

impl SubNetwork {
    /// Of the model with this graph.
    ///
    /// # Errors
    /// Buffers that don't fit.
    pub fn new(space: &mut Workspace, model: &Narrow, wide: &Graph) -> Result<Self, EngineError> {
        let program = Program::new(space, model.graph.clone())?;
        let state = State::new(space, &program)?;
        let mut table = vec![ABSENT; wide.param_count()];
        for (place, &index) in model.indices.iter().enumerate() {
            if let Some(entry) = table.get_mut(index as usize) {
                *entry = place as u32;
            }
        }
        let (places, lease) = space.buffer("places", 4 * table.len() as u64)?;
        let mut recording = Recording::new();
        recording.upload(places.buffer, places.offset, &table);
        // Its running statistics are never read: its steps take those of their batches.
        recording.clear(state.weights());
        space.submit(&recording)?;
        Ok(Self { model: model.clone(), program, state, places, _lease: lease })
    }

    /// The sub-network.
    pub fn model(&self) -> &Narrow {
        &self.model
    }
}

/// Where the parameters of the model lie in a sub-network's vector.
struct Places<'a> {
    /// As in [`SubNetwork`].
    table: Span,
    /// As in [`Narrow`].
    indices: &'a [u32],
    /// The sub-network's.
    windows: &'a Windows,
}

impl Places<'_> {
    /// What is bound of a vector (of one slot where it is cut) for a piece of the model's parameters, and its first index in the vector.
    /// None: the piece has no places.
    fn bound(&self, piece: Window, vector: Span) -> Option<(u32, Span)> {
        let place = |index: usize| self.indices.partition_point(|&i| (i as usize) < index);
        let (first, end) = (place(piece.first), place(piece.first + piece.len));
        if first == end || self.windows.is_whole() {
            return (first < end).then_some((0, vector));
        }
        // Bindings begin on multiples of 64 f32.
        let base = first / 64 * 64;
        Some((base as u32, Span { offset: vector.offset + 4 * base as u64, bytes: 4 * (end - base) as u64, ..vector }))
    }
}

/// What the clients of a round are added up to, and how it is cut.
struct Sums<'a> {
    acc: Span,
    windows: &'a Windows,
    pieces: Vec<Window>,
    rows: ClassRows,
    classes: u32,
}

/// Clients of one kind, and what they hold.
#[derive(Default)]
struct Kind {
    work: Vec<TrainClient>,
    /// The place of each in the round.
    at: Vec<usize>,
    /// A mask each.
    masks: Vec<Vec<u32>>,
}

impl Kind {
    /// How many hold a class.
    fn holders(&self, class: u32) -> u32 {
        let holds = |mask: &&Vec<u32>| mask.get(class as usize / 32).is_some_and(|word| word >> (class % 32) & 1 != 0);
        self.masks.iter().filter(holds).count() as u32
    }
}

impl Session<'_> {
    /// Trains the clients from the shared weights, or the sub-network's part of them, and replaces each parameter by the mean over the
    /// clients that have it: those of the model in the order given, then those of the sub-network. Returns the mean loss over all local
    /// steps.
    ///
    /// # Errors
    /// As of [`Session::train_average`].
    pub fn train_hetero(
        &mut self,
        sub: &mut SubNetwork,
        samples: &Samples,
        clients: Vec<HeteroClient>,
        step: &ClientStep<'_>,
    ) -> Result<f64, EngineError> {
        self.space.begin();
        let Program { graph, windows, .. } = self.program;
        let (classes, d) = (graph.classes as u32, graph.param_count());
        let [mut whole, mut part] = [Kind::default(), Kind::default()];
        for (at, client) in clients.into_iter().enumerate() {
            let kind = if client.narrow { &mut part } else { &mut whole };
            kind.masks.push(mask(classes, client.classes));
            kind.work.push(client.work);
            kind.at.push(at);
        }
        let acc = self.space.need("sums of clients", 4 * d as u64)?;
        let sums = Sums { acc, windows, pieces: windows.pieces(d), rows: class_rows(graph.classifier()), classes };
        let SubNetwork { model, program, state, places: table, .. } = sub;
        let places = Places { table: *table, indices: &model.indices, windows: &program.windows };
        let mut recording = Recording::new();
        recording.clear(acc);
        for &piece in &sums.pieces {
            if let Some((base, vector)) = places.bound(piece, state.weights()) {
                let [table, weights] = [places.table, self.state.weights()].map(|of| windows.part(piece, of));
                take_places::record(&mut recording, piece.len as u32, base, table, weights, vector);
            }
        }
        self.space.submit(&recording)?;
        let scale = self.state.scale;
        let mut losses = self.train_kind(samples, &whole, step, &sums, None)?;
        // Clients of both kinds begin with the same scale, and it goes on from all of theirs.
        state.scale = scale;
        let mut narrow = self.space.session(program, state);
        losses.extend(narrow.train_kind(samples, &part, step, &sums, Some(&places))?);
        match (&mut self.state.scale, &state.scale) {
            (Some(wide), Some(narrow)) => wide.join(narrow),
            (wide, narrow) => *wide = wide.or(*narrow),
        }
        self.take_means([&whole, &part], &sums, &places)?;
        let all: Vec<f64> = losses.concat();
        Ok(all.iter().sum::<f64>() / all.len().max(1) as f64)
    }

    /// Trains clients of one kind, a group that fits the slots after the other, and adds them up. Returns the losses of each one's steps.
    fn train_kind(
        &mut self,
        samples: &Samples,
        kind: &Kind,
        step: &ClientStep<'_>,
        sums: &Sums<'_>,
        places: Option<&Places<'_>>,
    ) -> Result<Vec<Vec<f64>>, EngineError> {
        let mut losses = Vec::with_capacity(kind.work.len());
        if kind.work.is_empty() {
            return Ok(losses);
        }
        let mut steps = self.of_steps(step);
        let mut plan = steps.client_plan(samples, &kind.work, step)?;
        let words = sums.classes.div_ceil(32);
        let masks = steps.space.need("masks of clients", 4 * plan.slots as u64 * u64::from(words))?;
        plan.held = Some(Held { masks, stride: plan.stride });
        let moves = step.moves.map(|moves| move |client: usize, batch: usize| moves(kind.at[client], batch));
        let drops = step.masks.map(|masks| move |client: usize, batch: usize| masks(kind.at[client], batch));
        let step = ClientStep {
            moves: moves.as_ref().map(|moves| moves as &dyn Fn(usize, usize) -> Moves),
            masks: drops.as_ref().map(|masks| masks as &dyn Fn(usize, usize) -> u64),
            ..*step
        };
        for group in pack(kind.work.iter().map(|_| 1), plan.slots as u64, usize::MAX) {
            let mut recording = Recording::new();
            recording.upload(masks.buffer, masks.offset, &kind.masks[group.clone()].concat());
            steps.space.submit(&recording)?;
            losses.extend(steps.train_group(samples, (group.start, &kind.work[group.clone()]), &plan, &step)?);
            let (clients, stride) = (group.len() as u32, plan.stride);
            let mut recording = Recording::new();
            for &piece in &sums.pieces {
                // A vector that is cut is seen from the piece's first parameter on.
                let from = if sums.windows.is_whole() { 0 } else { piece.first as u32 };
                let (bound, table) = match places {
                    None => (Some((from, sums.windows.part(piece, plan.weights))), None),
                    Some(p) => (p.bound(piece, plan.weights), Some(sums.windows.part(piece, p.table))),
                };
                let Some((base, weights)) = bound else { continue };
                let holders = Holders { clients, words, masks, weights, base, stride, places: table };
                let range = [piece.first as u32, piece.len as u32];
                holder_sum::record(&mut recording, range, &sums.rows, &holders, sums.windows.part(piece, sums.acc));
            }
            steps.space.submit(&recording)?;
        }
        Ok(losses)
    }

    /// Replaces the shared weights by the means over the clients of the model and of the sub-network.
    fn take_means(&mut self, kinds: [&Kind; 2], sums: &Sums<'_>, places: &Places<'_>) -> Result<(), EngineError> {
        let holders: Vec<u32> = (0..sums.classes).flat_map(|class| kinds.map(|kind| kind.holders(class))).collect();
        let table = self.space.need("holders of classes", 4 * holders.len() as u64)?;
        let clients = kinds.map(|kind| kind.work.len() as u32);
        let mut recording = Recording::new();
        recording.upload(table.buffer, table.offset, &holders);
        for &piece in &sums.pieces {
            let vectors = [places.table, sums.acc, self.state.weights()];
            let [places, acc, weights] = vectors.map(|vector| sums.windows.part(piece, vector));
            let summed = holder_mean::Summed { clients, holders: table, places, acc };
            let range = [piece.first as u32, piece.len as u32];
            holder_mean::record(&mut recording, range, &sums.rows, &summed, weights);
        }
        self.space.submit(&recording).map(drop)
    }
}

fn class_rows(classifier: Option<Classifier>) -> ClassRows {
    let Some(Classifier { weight, bias, row }) = classifier else { return ClassRows::NONE };
    let bias = bias.unwrap_or(0..0);
    ClassRows {
        weight_first: weight.start as u32,
        weight_len: weight.len() as u32,
        row: row.max(1) as u32,
        bias_first: bias.start as u32,
        bias_len: bias.len() as u32,
    }
}
