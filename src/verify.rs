//! Recomputing golden files on a device: forward and backward passes, and two-sided differences.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use serde::Serialize;

use crate::device::{Device, DeviceError, Selection, open};
use crate::engine::{Engine, EngineError, ProbeSettings, Sides};
use crate::golden::{Golden, GoldenError, Mode, PassGolden, SpsaGolden};

/// Largest relative error of logits, loss and statistics (docs/models.md, Golden files).
const FORWARD_TOLERANCE: f64 = 1e-4;
/// Largest relative error of a gradient.
const GRADIENT_TOLERANCE: f64 = 1e-3;

/// What can go wrong in the check of golden files.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A golden file.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// A file of differences and its pass are of different models.
    #[error("{}: params: expected {expected}, as {} has, found {found}", path.display(), pass.display())]
    Params {
        /// The file of differences.
        path: PathBuf,
        /// The pass it names.
        pass: PathBuf,
        /// Parameters of the pass's model.
        expected: usize,
        /// As the file says.
        found: usize,
    },
    /// A device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What was found, as `verify --json` prints it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The device's name.
    pub device: String,
    /// A file each.
    pub files: Vec<FileReport>,
    /// All of them passed.
    pub passed: bool,
}

/// One golden file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Its path as given.
    pub file: String,
    /// The model's kind.
    pub kind: &'static str,
    /// All tensors are within their tolerance.
    pub passed: bool,
    /// What was compared.
    pub tensors: Vec<TensorReport>,
}

/// One comparison.
#[derive(Clone, Debug, Serialize)]
pub struct TensorReport {
    /// The golden tensor's name, or a difference's distribution and step.
    pub name: String,
    /// Relative error of a tensor; absolute error of a difference.
    pub error: f64,
    /// The most it may be.
    pub tolerance: f64,
}

impl TensorReport {
    /// Whether the error is within the tolerance; one that is no number isn't.
    pub fn passed(&self) -> bool {
        self.error <= self.tolerance
    }
}

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
    order.sort_by_key(|&i| Reverse(golden[i].1.pass().graph.param_count()));
    let (next, stop, (sender, receiver)) = (AtomicUsize::new(0), AtomicBool::new(false), mpsc::channel());
    let mut reports: Vec<Option<FileReport>> = golden.iter().map(|_| None).collect();
    let mut failed = Ok(());
    std::thread::scope(|scope| {
        let mut first = Some(device);
        for _ in 0..cores {
            let (first, sender) = (first.take(), sender.clone());
            let (golden, order, next, stop) = (&golden, &order, &next, &stop);
            scope.spawn(move || {
                let mut first = first;
                while let Some(&index) = order.get(next.fetch_add(1, Ordering::Relaxed))
                    && !stop.load(Ordering::Relaxed)
                {
                    let (path, work) = &golden[index];
                    let device = first.take().map_or_else(|| open(selection), Ok);
                    let report = device.map_err(VerifyError::from).and_then(|device| compare(device, path, work));
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

/// Recomputes one file.
fn compare(device: Box<dyn Device>, path: &Path, work: &Work) -> Result<FileReport, VerifyError> {
    let pass = work.pass();
    let mut engine = Engine::new(device, pass.graph.clone(), &pass.weights)?;
    let tensors = match work {
        Work::Pass(pass) => compare_pass(&mut engine, pass)?,
        Work::Spsa(spsa, pass) => compare_spsa(&mut engine, spsa, pass)?,
    };
    let passed = tensors.iter().all(TensorReport::passed);
    Ok(FileReport { file: path.display().to_string(), kind: pass.spec.kind(), passed, tensors })
}

/// A golden file with all that its computation needs.
enum Work {
    Pass(Box<PassGolden>),
    Spsa(SpsaGolden, Box<PassGolden>),
}

impl Work {
    fn read(path: &Path) -> Result<Self, VerifyError> {
        match Golden::read(path)? {
            Golden::Pass(pass) => Ok(Work::Pass(pass)),
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

    fn pass(&self) -> &PassGolden {
        match self {
            Work::Pass(pass) | Work::Spsa(_, pass) => pass,
        }
    }
}

fn compare_pass(engine: &mut Engine, golden: &PassGolden) -> Result<Vec<TensorReport>, VerifyError> {
    let batch_statistics = golden.mode == Mode::Train;
    let outputs = engine.outputs(&golden.x, &golden.y, batch_statistics)?;
    let backward = engine.gradients(&golden.x, &golden.y, batch_statistics)?;
    let tensor = |name: String, ours: &[f32], theirs: &[f32], tolerance| TensorReport {
        name,
        error: relative_error(ours, theirs),
        tolerance,
    };
    let mut list = vec![
        tensor("out/logits".to_owned(), &outputs.logits, &golden.logits, FORWARD_TOLERANCE),
        tensor("out/loss".to_owned(), &[outputs.loss], &[golden.loss], FORWARD_TOLERANCE),
    ];
    for p in golden.graph.params() {
        let range = p.offset..p.offset + p.len;
        let ours = backward.gradients.get(range.clone()).unwrap_or_default();
        list.push(tensor(format!("grad/{}", p.name), ours, &golden.grads[range], GRADIENT_TOLERANCE));
    }
    if !golden.out_buffers.is_empty() {
        let first = golden.graph.param_count();
        for p in golden.graph.buffers() {
            let range = p.offset - first..p.offset - first + p.len;
            let ours = backward.statistics.get(range.clone()).unwrap_or_default();
            list.push(tensor(format!("out_buffer/{}", p.name), ours, &golden.out_buffers[range], FORWARD_TOLERANCE));
        }
    }
    Ok(list)
}

fn compare_spsa(engine: &mut Engine, spsa: &SpsaGolden, golden: &PassGolden) -> Result<Vec<TensorReport>, VerifyError> {
    let mut list = Vec::new();
    for case in &spsa.cases {
        let settings = ProbeSettings {
            distribution: case.distribution,
            tau: spsa.tau,
            epsilon: case.epsilon,
            sides: Sides::Two,
            batch_statistics: spsa.mode == Mode::Train,
        };
        let (_, _, dl) = engine.probe_given(&golden.x, &golden.y, spsa.seed, &settings)?;
        list.push(TensorReport {
            name: format!("{} {}", case.distribution, case.epsilon),
            error: (f64::from(dl) - case.dl).abs(),
            tolerance: case.tolerance(),
        });
    }
    Ok(list)
}

/// `||ours - theirs|| / ||theirs||`, of an all-zero tensor `||ours||`; infinite where lengths differ.
fn relative_error(ours: &[f32], theirs: &[f32]) -> f64 {
    if ours.len() != theirs.len() {
        return f64::INFINITY;
    }
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut ours.iter().zip(theirs).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    let size = norm(&mut theirs.iter().map(|b| f64::from(*b)));
    if size > 0.0 { difference / size } else { difference }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_to_the_golden_norm() {
        assert_eq!(relative_error(&[3.0, 4.5], &[3.0, 4.0]), 0.1);
        assert_eq!(relative_error(&[0.25], &[0.0]), 0.25);
        assert_eq!(relative_error(&[1.0], &[]), f64::INFINITY);
        let nan = TensorReport { name: String::new(), error: f64::NAN, tolerance: 1.0 };
        assert!(!nan.passed());
    }
}
