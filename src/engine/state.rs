//! What lives on a device from round to round: named vectors of f32, saved and restored as one.

use super::loss_scale::LossScale;
use super::{EngineError, NamedValues, Program, Workspace};
use crate::device::as_f32;
use crate::recording::lease::Lease;
use crate::recording::{Recording, Span};

struct Vector {
    name: String,
    span: Span,
    /// Whether it is saved and restored; else it is worth something only within a round.
    kept: bool,
    /// The buffer lives as long as the vector.
    lease: Lease,
}

/// The vectors of a model that live: its weights, and what is added to them (a server's momentum, clients' own weights).
pub struct State {
    /// The weights first.
    vectors: Vec<Vector>,
    /// What clients multiply their loss by; none: nothing asked for it yet.
    pub(super) scale: Option<LossScale>,
}

impl State {
    /// The name of the weight vector: the parameters in flat order, then the running statistics.
    pub const WEIGHTS: &'static str = "weights";

    /// The name of what a server is about to add to the weights, as long as these; not saved.
    pub const STEP: &'static str = "step";

    /// The name of a running mean of the weights, as long as these; not saved, it follows from the rounds.
    pub const AVERAGE: &'static str = "average";

    /// A state of a program with weights that have no values yet.
    pub fn new(space: &mut Workspace, program: &Program) -> Result<Self, EngineError> {
        Self::with(space, Self::WEIGHTS, program.graph().state_len())
    }

    /// A state whose weights lie in a vector of `len` f32 of this name, that have no values yet.
    pub(super) fn with(space: &mut Workspace, name: &str, len: usize) -> Result<Self, EngineError> {
        let mut state = Self { vectors: Vec::new(), scale: None };
        state.add(space, name, len)?;
        Ok(state)
    }

    /// These weights as the first copy of a client's own: passes on it are those on copies.
    pub(super) fn as_copy(&self) -> Self {
        let weights = &self.vectors[0];
        let copy = Vector { name: "start".to_owned(), span: weights.span, kept: false, lease: weights.lease.clone() };
        Self { vectors: vec![copy], scale: None }
    }

    /// Adds a vector of `len` f32 that have no values yet.
    ///
    /// # Errors
    /// A name that there is already; a buffer that doesn't fit.
    pub fn add(&mut self, space: &mut Workspace, name: &str, len: usize) -> Result<Span, EngineError> {
        if self.find(name).is_some() {
            return Err(EngineError::State { name: name.to_owned(), why: "is there already".to_owned() });
        }
        self.make(space, name, len, true)
    }

    /// Where [`State::STEP`] lies; without values where it is new.
    pub(super) fn step(&mut self, space: &mut Workspace) -> Result<Span, EngineError> {
        let len = (self.weights().bytes / 4) as usize;
        self.find(Self::STEP).map_or_else(|| self.make(space, Self::STEP, len, false), Ok)
    }

    /// Where [`State::STEP`] lies, which has values.
    ///
    /// # Errors
    /// It was never set.
    pub(super) fn set_step(&self) -> Result<Span, EngineError> {
        let error = || EngineError::State { name: Self::STEP.to_owned(), why: "was never set".to_owned() };
        self.find(Self::STEP).ok_or_else(error)
    }

    /// Where [`State::AVERAGE`] lies; without values where it is new.
    pub(super) fn average(&mut self, space: &mut Workspace) -> Result<Span, EngineError> {
        let len = (self.weights().bytes / 4) as usize;
        self.find(Self::AVERAGE).map_or_else(|| self.make(space, Self::AVERAGE, len, false), Ok)
    }

    /// Where [`State::AVERAGE`] lies, which has values.
    ///
    /// # Errors
    /// It was never begun.
    pub(super) fn begun_average(&self) -> Result<Span, EngineError> {
        let error = || EngineError::State { name: Self::AVERAGE.to_owned(), why: "was never begun".to_owned() };
        self.find(Self::AVERAGE).ok_or_else(error)
    }

    /// Has the weights and a vector of their length change places; nothing is copied.
    pub(super) fn exchange(&mut self, name: &str) {
        if let Some(other) = self.vectors.iter().position(|v| v.name == name && v.span.bytes == self.weights().bytes) {
            let (mine, theirs) = (self.vectors[0].span, self.vectors[other].span);
            (self.vectors[0].span, self.vectors[other].span) = (theirs, mine);
        }
    }

    /// Gives back all that would be saved but the weights and the vectors of the given names.
    pub(super) fn keep_only(&mut self, names: &[&str]) {
        self.scale = None;
        let stays = |v: &Vector| v.name == Self::WEIGHTS || !v.kept || names.contains(&v.name.as_str());
        self.vectors.retain(stays);
    }

    fn make(&mut self, space: &mut Workspace, name: &str, len: usize, kept: bool) -> Result<Span, EngineError> {
        let bytes = len as u64 * 4;
        // Kernels read and write whole vec4: the buffer ends on one.
        let (span, lease) = space.buffer(name, bytes.next_multiple_of(256))?;
        let span = Span { bytes, ..span };
        self.vectors.push(Vector { name: name.to_owned(), span, kept, lease });
        Ok(span)
    }

    /// Where a vector lies.
    pub fn find(&self, name: &str) -> Option<Span> {
        self.vectors.iter().find(|v| v.name == name).map(|v| v.span)
    }

    /// Whether all lanes see the same weights; else clients have copies of their own, one or several.
    pub(super) fn is_shared(&self) -> bool {
        self.vectors[0].name == Self::WEIGHTS
    }

    /// Where the weights lie.
    pub(super) fn weights(&self) -> Span {
        self.vectors[0].span
    }

    /// Reads all vectors back but for [`State::STEP`], and the loss's scale where there is one.
    pub fn save(&self, space: &mut Workspace) -> Result<Vec<NamedValues>, EngineError> {
        let mut recording = Recording::new();
        self.kept().for_each(|v| recording.read_back(v.span));
        let read = space.submit(&recording)?;
        let named = |(v, bytes): (&Vector, &Vec<u8>)| NamedValues { name: v.name.clone(), values: as_f32(bytes) };
        Ok(self.kept().zip(&read).map(named).chain(self.scale.map(LossScale::to_saved)).collect())
    }

    fn kept(&self) -> impl Iterator<Item = &Vector> {
        self.vectors.iter().filter(|v| v.kept)
    }

    /// Replaces all vectors by those saved, and the loss's scale where there is one.
    ///
    /// # Errors
    /// Vectors that are missing, unknown or of another length, or a scale that is none; nothing is replaced then.
    pub fn restore(&mut self, space: &mut Workspace, saved: &[NamedValues]) -> Result<(), EngineError> {
        let error = |name: &str, why: String| EngineError::State { name: name.to_owned(), why };
        if let Some(v) = self.kept().find(|v| saved.iter().all(|s| s.name != v.name)) {
            return Err(error(&v.name, "is missing in what was saved".to_owned()));
        }
        let (mut recording, mut scale) = (Recording::new(), None);
        for NamedValues { name, values } in saved {
            if name == LossScale::NAME {
                let read = LossScale::of_saved(values);
                scale = Some(read.ok_or_else(|| error(name, format!("is none: {values:?} was saved")))?);
                continue;
            }
            let span = self
                .kept()
                .find(|v| v.name == *name)
                .map(|v| v.span)
                .ok_or_else(|| error(name, "is no part of this state".to_owned()))?;
            let (expected, found) = (span.bytes / 4, values.len());
            if expected != found as u64 {
                return Err(error(name, format!("has {expected} values, {found} were saved")));
            }
            recording.upload(span.buffer, span.offset, values);
        }
        self.scale = scale;
        space.submit(&recording).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;
    use crate::model::ModelSpec;
    use serde_json::json;

    #[test]
    fn a_state_is_saved_and_restored_as_one() {
        let mut space = Workspace::new(Box::new(ReferenceDevice::new(None))).unwrap();
        let table = json!({"kind": "mlp", "input": 3, "hidden": [2], "classes": 2});
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        let program = Program::new(&mut space, graph).unwrap();
        let mut state = State::new(&mut space, &program).unwrap();
        state.add(&mut space, "momentum", 5).unwrap();
        assert!(state.add(&mut space, "momentum", 5).is_err());
        let named = |name: &str, len: usize| NamedValues {
            name: name.to_owned(),
            values: (0..len).map(|i| i as f32 - 2.5).collect(),
        };
        let saved = vec![named(State::WEIGHTS, program.graph().state_len()), named("momentum", 5)];
        state.restore(&mut space, &saved).unwrap();
        assert_eq!(state.save(&mut space).unwrap(), saved);
        for (wrong, part) in [
            (vec![saved[0].clone()], "momentum is missing"),
            (vec![saved[0].clone(), named("momentum", 4)], "momentum has 5 values, 4"),
            (vec![saved[0].clone(), saved[1].clone(), named("variance", 1)], "variance is no part"),
            (vec![saved[0].clone(), saved[1].clone(), named(LossScale::NAME, 2)], "loss scale is none"),
        ] {
            let error = state.restore(&mut space, &wrong).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(state.save(&mut space).unwrap(), saved);
        let with_scale: Vec<NamedValues> = saved.iter().cloned().chain([LossScale::default().to_saved()]).collect();
        state.restore(&mut space, &with_scale).unwrap();
        assert_eq!(state.save(&mut space).unwrap(), with_scale);
        state.keep_only(&["momentum"]);
        assert_eq!(state.save(&mut space).unwrap(), saved);
        let held = space.device().allocated_bytes();
        drop(state);
        space.clear();
        assert!(space.device().allocated_bytes() < held);
    }
}
