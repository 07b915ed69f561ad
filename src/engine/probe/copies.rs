//! Copies of the weights, one a client, and how they are moved.

use super::steps::LocalUpdate;
use crate::device::DeviceError;
use crate::engine::counts::at_most;
use crate::engine::{EngineError, Session, State};
use crate::kernels::params::{Lane, Lanes};
use crate::kernels::replay::{Owners, Probe};
use crate::kernels::{own_rows, replaying};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The key of the config that asks for copies.
const KEY: &str = "zo.local_steps";

/// Copies of the weights and running statistics, `stride` f32 apart, in the place of the shared ones.
pub struct Copies {
    state: State,
    stride: u32,
    count: usize,
}

/// A client's copy, the seeds of its step, and the numbers to move it by.
pub struct Move<'a> {
    /// Which copy.
    pub slot: usize,
    /// Its step's seeds.
    pub seeds: &'a [u64],
    /// A number each.
    pub by: LocalUpdate,
}

impl Copies {
    /// Room for as many copies as fit, `wanted` at most. They have no values yet.
    ///
    /// # Errors
    /// A single copy that doesn't fit.
    pub fn new(session: &mut Session<'_>, wanted: usize) -> Result<Self, EngineError> {
        let stride = session.program.graph.state_len().next_multiple_of(64) as u64;
        // Lanes count f32 from the first copy on; vectors that are bound in windows have one place.
        let fit = if session.program.windows.is_whole() {
            (session.space.working_memory() / 4).min(session.space.binding()) / (4 * stride)
        } else {
            1
        };
        let count = fit.clamp(1, (wanted as u64).clamp(1, 65_535));
        let state =
            State::with(session.space, "client weights", (count * stride) as usize).map_err(|error| match error {
                EngineError::Device(DeviceError::OverBudget { bytes, allocated, budget, .. }) => {
                    EngineError::Copy { bytes, missing: (allocated + bytes).saturating_sub(budget), key: KEY }
                }
                other => other,
            })?;
        Ok(Self { state, stride: stride as u32, count: count as usize })
    }

    /// Where all of them lie.
    pub fn weights(&self) -> Span {
        self.state.weights()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Where a copy starts, for its lanes.
    pub fn base(&self, slot: usize) -> u32 {
        slot as u32 * self.stride
    }

    /// A session on the copies: kernels find a lane's by its base.
    pub fn session<'a>(&'a mut self, session: &'a mut Session<'_>) -> Session<'a> {
        Session { space: session.space, program: session.program, state: &mut self.state }
    }

    /// The first `count` copies become the shared weights.
    pub fn start(&mut self, session: &mut Session<'_>, count: usize) -> Result<(), EngineError> {
        let mut recording = Recording::new();
        let places = self.place(session, &mut recording, count, 0)?;
        self.record_start(&mut recording, session.state.weights(), &places, session.space.binding());
        session.space.submit(&recording).map(drop)
    }

    /// Records the upload of where the values from `first` on of the first `count` copies lie.
    pub fn place(
        &self,
        session: &mut Session<'_>,
        recording: &mut Recording,
        count: usize,
        first: usize,
    ) -> Result<Lanes, EngineError> {
        let (first, end) = (first as u32, session.program.graph.state_len() as u32);
        let of = |slot| Lane { rows: end - first, x_row: first, row0: self.base(slot) + first, ..Lane::default() };
        let places: Vec<Lane> = (0..count).map(of).collect();
        let table = session.space.need("places of copies", size_of_val(&places[..]) as u64)?;
        recording.upload(table.buffer, table.offset, &places);
        Ok(Lanes::new(table, &places))
    }

    /// Records the upload of where the copies' running statistics lie, of models that have some.
    pub fn place_statistics(
        &self,
        session: &mut Session<'_>,
        recording: &mut Recording,
    ) -> Result<Option<Lanes>, EngineError> {
        let (params, values) = (session.program.graph.param_count(), session.program.graph.state_len());
        (params < values).then(|| self.place(session, recording, self.count, params)).transpose()
    }

    /// Records the shared weights' copies at these places: one launch where a binding of so many bytes has them all, else one by one.
    pub fn record_start(&self, recording: &mut Recording, from: Span, places: &Lanes, binding: u64) {
        let all = self.state.weights();
        if from.bytes.max(all.bytes) <= binding {
            return own_rows::record(recording, places, 1, from, all);
        }
        for slot in 0..places.count as usize {
            let offset = all.offset + 4 * u64::from(self.base(slot));
            recording.copy(from, Span { offset, bytes: from.bytes, ..all });
        }
    }

    /// Moves copies, each by its own seeds: the bits of [`Session::update`] on each alone.
    pub fn apply(
        &mut self,
        session: &mut Session<'_>,
        distribution: Distribution,
        moves: &[Move<'_>],
    ) -> Result<(), EngineError> {
        let exact: Vec<&Move<'_>> = moves.iter().filter(|m| matches!(m.by, LocalUpdate::Exact { .. })).collect();
        let float: Vec<&Move<'_>> = moves.iter().filter(|m| matches!(m.by, LocalUpdate::Float { .. })).collect();
        let how = session.space.exact;
        self.replay(session, &exact, |rec, to| replaying::record_exact_owners(rec, distribution, to, how))?;
        self.replay(session, &float, |rec, to| replaying::record_float_owners(rec, distribution, to))
    }

    fn replay(
        &self,
        session: &mut Session<'_>,
        moves: &[&Move<'_>],
        record: impl Fn(&mut Recording, &Owners),
    ) -> Result<(), EngineError> {
        let most = moves.iter().map(|m| m.seeds.len() as u64).max().unwrap_or(0);
        let binding = session.space.binding();
        at_most(most, binding / 16 - 1, "probes of a step of a client", "zo.probes")?;
        let memory = session.space.working_memory() / 16;
        let at_once = (binding.min(memory) / Owners::table_bytes(1, most)).clamp(1, 65_535);
        for moves in moves.chunks(at_once as usize) {
            let table: Vec<Probe> = moves.iter().flat_map(|m| self.entries(m, most as usize)).collect();
            let probes = session.space.need("replayed probes", 16 * table.len() as u64)?;
            let mut recording = Recording::new();
            recording.upload(probes.buffer, 0, &table);
            for piece in session.program.windows.pieces(session.program.graph.param_count()) {
                let weights = session.program.windows.part(piece, self.state.weights());
                let to = Owners {
                    table: probes.buffer,
                    owners: moves.len() as u32,
                    count: most as u32,
                    weights: weights.whole_quads(),
                    from: None,
                    first: piece.first as u32,
                    params: piece.len as u32,
                };
                record(&mut recording, &to);
            }
            session.space.submit(&recording)?;
        }
        Ok(())
    }

    /// What stands in the table for a move: its header and `most` probes, those beyond its own zeros.
    fn entries(&self, m: &Move<'_>, most: usize) -> Vec<Probe> {
        let first = self.base(m.slot);
        let (scale_exp, mut probes): (i32, Vec<Probe>) = match &m.by {
            LocalUpdate::None => (0, Vec::new()),
            LocalUpdate::Exact { q, scale_exp } => {
                (*scale_exp, m.seeds.iter().zip(q).map(|(&seed, &q)| Probe::exact(seed, q)).collect())
            }
            LocalUpdate::Float { a } => (0, m.seeds.iter().zip(a).map(|(&seed, &a)| Probe::float(seed, a)).collect()),
        };
        probes.resize(most, Probe::default());
        std::iter::once(Probe::header(scale_exp, first)).chain(probes).collect()
    }
}
