//! Replaying a ledger on its base: weights from numbers alone, each round checked against its fingerprint.

use std::path::Path;

use serde::Serialize;

use super::error::FedError;
use super::origin;
use super::{base, dense};
use crate::device::{Selection, open};
use crate::engine::Engine;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Graph, ModelSpec, ParamTensor};
use crate::rule::{Rule, RuleError, Server};

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Rounds applied.
    pub rounds: usize,
    /// Length of the flat parameter vector.
    pub params: usize,
    /// Fingerprint of the weights after them, 16 hex digits.
    pub fingerprint: String,
    /// Whether every fingerprint agrees; null for a ledger that is not exact.
    pub matches: Option<bool>,
    /// The first round whose fingerprint differs.
    pub first_difference: Option<u32>,
    /// A last line without its line end was left out.
    pub truncated: bool,
}

/// A replay and its weights.
#[derive(Debug)]
pub struct Replay {
    /// What was found.
    pub result: Replayed,
    /// The weights after the last round applied (flat order, then the running statistics).
    pub weights: Vec<f32>,
    /// The model's tensors.
    pub tensors: Vec<ParamTensor>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// Replays the rounds of a ledger through round `until` (absolute), or all of them; ends early at the first that differs.
///
/// # Errors
/// A ledger or base that is malformed, don't belong together or aren't the run's beside them; a failing device.
pub fn replay(
    ledger_path: &Path,
    base_path: &Path,
    until: Option<u32>,
    selection: &Selection,
) -> Result<Replay, FedError> {
    let ledger = Ledger::read(ledger_path)?;
    let header = &ledger.header;
    let graph = model(ledger_path, &ledger)?;
    let rule = Rule::of(header);
    origin::check_base(ledger_path, header)?;
    let base = base::load(base_path, ledger_path, header, &graph.tensors)?;
    let mut notes: Vec<String> = base.notes.iter().map(ToString::to_string).collect();
    if ledger.truncated {
        let (path, complete) = (ledger_path.display(), ledger.rounds.len());
        notes.push(format!("{path}: the last line has no line end and is left out; {complete} rounds are complete"));
    }
    if header.norm_statistics.is_some() {
        let base = base_path.display();
        notes.push(format!(
            "running statistics are not in a ledger: those of {base} are kept, only parameters are rebuilt"
        ));
    }
    let (tensors, params) = (graph.tensors.clone(), graph.param_count());
    let mut engine = Engine::new(open(selection)?, graph, &base.values)?;
    let mut server = Server::new(rule);
    let mut fingerprint = engine.fingerprint()?.value;
    let (mut rounds, mut first_difference) = (0, None);
    for round in ledger.rounds.iter().take_while(|r| until.is_none_or(|until| r.round <= until)) {
        rounds += 1;
        let dense = dense::read(ledger_path, &tensors, round)?;
        match server.replay(&mut engine, round, dense.as_deref(), false) {
            Ok(after) => fingerprint = after.value,
            Err(RuleError::Differs { round, found, .. }) => {
                (fingerprint, first_difference) = (found, Some(round));
                break;
            }
            Err(source) => return Err(FedError::Rule { path: ledger_path.to_owned(), source: Box::new(source) }),
        }
    }
    let result = Replayed {
        rounds,
        params,
        fingerprint: format!("{fingerprint:016x}"),
        matches: header.exact.then_some(first_difference.is_none()),
        first_difference,
        truncated: ledger.truncated,
    };
    Ok(Replay { result, weights: engine.weights()?, tensors, notes })
}

fn line_1(path: &Path, message: String) -> LedgerError {
    LedgerError::Line { path: path.to_owned(), line: 1, message }
}

/// The ledger's model.
fn model(path: &Path, ledger: &Ledger) -> Result<Graph, LedgerError> {
    let spec = ModelSpec::from_json(&ledger.header.model).map_err(|e| line_1(path, e.to_string()))?;
    let graph = spec.graph().map_err(|e| line_1(path, e.to_string()))?;
    let (params, found) = (graph.param_count(), ledger.header.params);
    if params as u64 != found {
        return Err(line_1(path, format!("params: expected {params}, as the model has, found {found}")));
    }
    Ok(graph)
}
