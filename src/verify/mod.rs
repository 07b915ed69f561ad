//! Recomputing golden files on a device: forward and backward passes, differences, and whole federations.

mod error;
mod federation;
mod passes;
mod report;

pub use error::VerifyError;
pub use report::{FileReport, Report, TensorReport};

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::device::{Device, Selection, open};
use crate::engine::{Engine, Workspace};
use crate::golden::{FederationGolden, Golden, PassGolden, SpsaGolden};
use crate::model::{Graph, ModelSpec};

/// How far a run over files is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Files so far, with the one at hand.
    pub done: usize,
    /// Files in all.
    pub of: usize,
}

/// Recomputes the files on the selected device, or on several devices like it, one a core. All of them are read before anything is
/// computed. Reports come to `tell` as they are there, and are returned in the order of the files; `tell` can stop the rest by an error.
///
/// # Errors
/// A file that is malformed or of a kind that is not available; a failing device; what `tell` returned.
pub fn run<E: From<VerifyError>>(
    files: &[PathBuf],
    selection: &Selection,
    mut tell: impl FnMut(&FileReport, Count) -> Result<(), E>,
) -> Result<Report, E> {
    let golden = files.iter().map(|path| Ok((path, Work::read(path)?))).collect::<Result<Vec<_>, VerifyError>>()?;
    let device = open(selection).map_err(VerifyError::from)?;
    let name = device.info().name.clone();
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(golden.len());
    let selection = if cores > 1 { &Selection { compile_cores: Some(1), ..selection.clone() } } else { selection };
    // Those with most parameters first, so that none of them is left to one core at the end.
    let mut order: Vec<usize> = (0..golden.len()).collect();
    order.sort_by_key(|&i| Reverse(golden[i].1.model().1.param_count()));
    let (next, stop, (sender, receiver)) = (AtomicUsize::new(0), AtomicBool::new(false), mpsc::channel());
    let mut reports: Vec<Option<FileReport>> = golden.iter().map(|_| None).collect();
    let mut failed = Ok(());
    std::thread::scope(|scope| {
        let mut first = Some(device);
        for _ in 0..cores {
            let (mut first, sender) = (first.take(), sender.clone());
            let (golden, order, next, stop) = (&golden, &order, &next, &stop);
            scope.spawn(move || {
                // Pipelines of one file are there for the next.
                let mut kept = None;
                while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed))
                    && !stop.load(Ordering::Relaxed)
                {
                    let (path, work) = &golden[index];
                    let report = kept.take().map_or_else(|| workspace(first.take(), selection), Ok).and_then(|space| {
                        let (report, space) = compare(space, path, work)?;
                        kept = Some(space);
                        Ok(report)
                    });
                    if sender.send((index, report)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (done, (index, report)) in receiver.iter().enumerate() {
            let told = report.map_err(E::from).and_then(|report| {
                tell(&report, Count { done: done + 1, of: golden.len() })?;
                reports[index] = Some(report);
                Ok(())
            });
            if told.is_err() {
                failed = told;
                stop.store(true, Ordering::Relaxed);
                break;
            }
        }
    });
    failed?;
    let files: Vec<FileReport> = reports.into_iter().flatten().collect();
    let passed = files.iter().all(|file| file.passed);
    Ok(Report { device: name, files, passed })
}

/// A workspace on the device that is open, else on one more.
fn workspace(open_already: Option<Box<dyn Device>>, selection: &Selection) -> Result<Workspace, VerifyError> {
    let device = open_already.map_or_else(|| open(selection), Ok)?;
    Ok(Workspace::new(device)?)
}

/// Recomputes one file, and gives the workspace back.
fn compare(space: Workspace, path: &Path, work: &Work) -> Result<(FileReport, Workspace), VerifyError> {
    let weights = match work {
        Work::Pass(golden) | Work::Spsa(_, golden) => &golden.weights,
        Work::Federation(golden) => &golden.base,
    };
    let mut engine = Engine::on(space, work.model().1.clone(), weights)?;
    let (tensors, samples) = match work {
        Work::Pass(golden) => passes::compare_pass(&mut engine, golden)?,
        Work::Spsa(spsa, golden) => (passes::compare_spsa(&mut engine, spsa, golden)?, None),
        Work::Federation(golden) => {
            let (tensors, samples) = federation::compare(&mut engine, golden)?;
            (tensors, Some(samples))
        }
    };
    let passed = tensors.iter().all(TensorReport::passed);
    let report = FileReport { file: path.display().to_string(), kind: work.model().0.kind(), passed, tensors };
    Ok((report, engine.into_workspace(samples)))
}

/// A golden file with all that its computation needs.
enum Work {
    Pass(Box<PassGolden>),
    Spsa(SpsaGolden, Box<PassGolden>),
    Federation(Box<FederationGolden>),
}

impl Work {
    fn read(path: &Path) -> Result<Self, VerifyError> {
        match Golden::read(path)? {
            Golden::Pass(pass) => Ok(Work::Pass(pass)),
            Golden::Federation(federation) => Ok(Work::Federation(federation)),
            Golden::Spsa(spsa) => {
                let pass = PassGolden::read(&spsa.golden)?;
                let params = pass.graph.param_count();
                if params != spsa.params {
                    let (expected, found) = (params, spsa.params);
                    return Err(VerifyError::Params { path: path.to_owned(), pass: spsa.golden, expected, found });
                }
                Ok(Work::Spsa(spsa, Box::new(pass)))
            }
        }
    }

    fn model(&self) -> (&ModelSpec, &Graph) {
        match self {
            Work::Pass(pass) | Work::Spsa(_, pass) => (&pass.spec, &pass.graph),
            Work::Federation(federation) => (&federation.spec, &federation.graph),
        }
    }
}
