//! A golden federation, twice: the rule alone, fed the recorded numbers, and the whole simulation.

use super::report::relative_error;
use super::{TensorReport, VerifyError};
use crate::data::{Dataset, Normalisation, Part};
use crate::engine::{Engine, SampleSet, Samples};
use crate::fed::dense;
use crate::fed::experiment::{Experiment, narrow_of};
use crate::fed::warmup::Warmup;
use crate::fed::zo::ZoPhase;
use crate::golden::{CasePhase, FederationGolden, Tolerances};
use crate::ledger::{Entry, Round};
use crate::rule::{Rule, Server};
use crate::split::Split;
use crate::stream::replay::sanitize_base;

/// Goes through a case both ways, on the case's base. The samples that it leaves on the device come with the reports.
pub(super) fn compare(
    engine: &mut Engine,
    golden: &FederationGolden,
) -> Result<(Vec<TensorReport>, Samples), VerifyError> {
    let mut reports = Vec::new();
    if golden.ledger.is_some() {
        apply(engine, golden, &mut reports)?;
    }
    let samples = simulate(engine, golden, &mut reports)?;
    Ok((reports, samples))
}

fn report(name: &str, error: f64, tolerance: f64) -> TensorReport {
    TensorReport { name: name.to_owned(), error, tolerance }
}

/// The rule alone: rounds of the ledger on its base. Where every bit counts, what doesn't agree is counted.
fn apply(engine: &mut Engine, golden: &FederationGolden, reports: &mut Vec<TensorReport>) -> Result<(), VerifyError> {
    let Some(ledger) = &golden.ledger else { return Ok(()) };
    let rule = Rule::of(&ledger.header);
    let (exact, path) = (rule.exact, golden.dir.join("ledger.jsonl"));
    let mut server = Server::new(rule.clone());
    let (mut settled, mut fingerprints) = (0u32, 0u32);
    for round in &ledger.rounds {
        let mut ours = round.clone();
        (ours.scale_exp, ours.skipped) = (None, round.skipped && !exact);
        ours.probes.iter_mut().for_each(|p| p.q = None);
        rule.settle(&mut ours);
        settled += u32::from(ours.probes != round.probes || ours.scale_exp != round.scale_exp);
        let dense = dense::read(&path, &golden.graph.tensors, round)?;
        let after = server.apply(engine, round, dense.as_deref())?;
        fingerprints += u32::from(after.value != round.fingerprint);
    }
    let weights = engine.weights()?;
    let tolerance = golden.tolerances.rule.unwrap_or(0.0);
    if tolerance == 0.0 {
        let bits = weights.iter().zip(&golden.last).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        reports.push(report("rule/numbers", f64::from(settled), 0.0));
        reports.push(report("rule/fingerprints", f64::from(fingerprints), 0.0));
        reports.push(report("rule/bits", bits as f64, 0.0));
    } else {
        reports.push(report("rule/weights", relative_error(&weights, &golden.last), tolerance));
    }
    Ok(())
}

/// The whole simulation, from the starting weights, data, clients, participants and run seed.
fn simulate(
    engine: &mut Engine,
    golden: &FederationGolden,
    reports: &mut Vec<TensorReport>,
) -> Result<Samples, VerifyError> {
    let experiment = experiment(golden)?;
    let start = golden.init.as_ref().unwrap_or(&golden.base);
    engine.set_weights(start)?;
    let input = golden.graph.input;
    let train = engine.upload(&SampleSet::of_floats(&golden.x, &golden.y, (input.c, input.spatial())))?;
    let (first, mut phase) = (Warmup::new(engine, &experiment)?, ZoPhase::new(&experiment));
    let mut off = Off::default();
    let recorded = golden.ledger.iter().flat_map(|ledger| &ledger.rounds);
    let mut recorded = recorded.map(|round| (round.round, round)).collect::<std::collections::HashMap<_, _>>();
    for round in &golden.rounds {
        match round.phase {
            CasePhase::Warmup => {
                first.round(engine, &experiment, &train, round.round)?;
                if round.round + 1 == experiment.config.warmup.rounds {
                    let mut weights = engine.weights()?;
                    sanitize_base(&mut weights);
                    engine.set_weights(&weights)?;
                }
            }
            CasePhase::Zo => {
                let ours = phase.round(engine, &experiment, &train, round.round)?.ledger;
                off.follow(&ours, recorded.remove(&round.round));
            }
        }
    }
    // Rounds of the ledger that the case doesn't list.
    off.entries += recorded.len() as u32;
    let weights = engine.weights()?;
    off.report(&golden.tolerances, golden.ledger.is_some(), reports);
    let moved = |to: &[f32]| to.iter().zip(start).map(|(to, from)| to - from).collect::<Vec<f32>>();
    reports.push(report("change", relative_error(&moved(&weights), &moved(&golden.last)), golden.tolerances.change));
    Ok(train)
}

/// A case as an experiment: its samples lie on the device alone.
fn experiment(golden: &FederationGolden) -> Result<Experiment, VerifyError> {
    let classes = golden.graph.classes as u32;
    let histogram = |indices: &[u32]| {
        let mut counts = vec![0; classes as usize];
        indices.iter().for_each(|&i| counts[golden.y[i as usize] as usize] += 1);
        counts
    };
    let held: std::collections::HashSet<u32> = golden.clients.iter().flat_map(|c| c.indices.iter().copied()).collect();
    let input = golden.graph.input;
    let none = || Part::new(input.len());
    Ok(Experiment {
        validation: None,
        config: golden.config.clone(),
        data: Dataset {
            name: "golden".to_owned(),
            shape: [input.c, input.h, input.w],
            classes,
            train: none(),
            test: none(),
            normalisation: Normalisation { divisor: 1.0, mean: vec![0.0; input.c], std: vec![1.0; input.c] },
            test_indices: None,
            clients: None,
        },
        split: Split {
            classes,
            clients: golden.clients.iter().map(|c| c.indices.clone()).collect(),
            high: golden.clients.iter().map(|c| c.high).collect(),
            histograms: golden.clients.iter().map(|c| histogram(&c.indices)).collect(),
            leftover: (0..golden.y.len() as u32).filter(|i| !held.contains(i)).collect(),
            test: None,
        },
        model: golden.spec.to_json(),
        graph: golden.graph.clone(),
        narrow: narrow_of(&golden.config, &golden.spec)?,
        initial: golden.init.clone().unwrap_or_else(|| golden.base.clone()),
        notes: Vec::new(),
        given: golden.rounds.iter().map(|r| (r.round, r.participants.clone())).collect(),
    })
}

/// How far a simulation's rounds are off.
#[derive(Default)]
struct Off {
    /// Entries whose client, seed, weight, step or pool index differ.
    entries: u32,
    /// Of the worst round.
    dl: f64,
    lr: f64,
}

impl Off {
    fn follow(&mut self, ours: &Round, theirs: Option<&Round>) {
        let Some(theirs) = theirs.filter(|theirs| theirs.probes.len() == ours.probes.len()) else {
            self.entries += ours.probes.len().max(1) as u32;
            return;
        };
        let pairs = || ours.probes.iter().zip(&theirs.probes);
        let same = |a: &Entry, b: &Entry| {
            (a.client, a.seed, a.step, a.k, a.dl.is_some()) == (b.client, b.seed, b.step, b.k, b.dl.is_some())
                // A quotient or two, in whichever order.
                && (a.weight - b.weight).abs() <= 4.0 * f64::EPSILON * b.weight
        };
        self.entries += pairs().filter(|(a, b)| !same(a, b)).count() as u32;
        let numbers = |round: &Round| round.probes.iter().map(|p| p.dl.unwrap_or(0.0)).collect::<Vec<f32>>();
        self.dl = self.dl.max(relative_error(&numbers(ours), &numbers(theirs)));
        self.lr = self.lr.max(((ours.lr - theirs.lr) / theirs.lr).abs());
    }

    fn report(&self, tolerances: &Tolerances, ledger: bool, reports: &mut Vec<TensorReport>) {
        if ledger {
            reports.push(report("entries", f64::from(self.entries), 0.0));
        }
        reports.extend(tolerances.dl.map(|tolerance| report("dl", self.dl, tolerance)));
        reports.extend(tolerances.lr.map(|tolerance| report("lr", self.lr, tolerance)));
    }
}
