//! Running cases on all cores: a device a core, and cases that share pipelines on one of them, since most of the time goes into compiling.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use super::select::{Needs, needs};
use super::{Case, CheckResult, check};
use crate::device::{Device, Selection, open};

/// Devices at once, at most: each has memory of its own.
const DEVICES: usize = 16;

/// How far a run of cases is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// Results so far, with the one at hand.
    pub done: usize,
    /// Cases in all.
    pub of: usize,
}

/// Runs cases on the selected device and on the CPU twins. `device` is the device, open already; more like it are opened, one for each
/// other core. Results come to `tell` as they are there and are returned in the order of the cases; `tell` can stop the rest by an error.
///
/// # Errors
/// What `tell` returned. A device that fails in a case is that case's result.
pub fn run<E>(
    device: Box<dyn Device>,
    selection: &Selection,
    cases: &[Case],
    mut tell: impl FnMut(&CheckResult, Count) -> Result<(), E>,
) -> Result<Vec<CheckResult>, E> {
    let info = device.info().clone();
    let needs = cases.iter().map(|case| needs(&info, case)).collect();
    let work = Mutex::new(Work { needs, left: (0..cases.len()).collect(), claimed: HashSet::new() });
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let selection = Selection { compile_cores: Some(1), ..selection.clone() };
    let stop = AtomicBool::new(false);
    let (sender, receiver) = mpsc::channel();
    let mut results: Vec<Option<CheckResult>> = cases.iter().map(|_| None).collect();
    let mut told = Ok(());
    std::thread::scope(|scope| {
        let mut first = Some(device);
        for _ in 0..cores.min(DEVICES).min(cases.len()) {
            let (first, sender, work, stop, selection) = (first.take(), sender.clone(), &work, &stop, &selection);
            scope.spawn(move || {
                // Where a further device can't be had the others do its share.
                let Some(mut device) = first.or_else(|| open(selection).ok()) else { return };
                let mut made = Needs::new();
                while !stop.load(Ordering::Relaxed) {
                    let Some(index) = lock(work).next(&mut made) else { return };
                    if sender.send((index, check(device.as_mut(), &cases[index]))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        for (done, (index, result)) in receiver.iter().enumerate() {
            told = tell(&result, Count { done: done + 1, of: cases.len() });
            if told.is_err() {
                stop.store(true, Ordering::Relaxed);
                break;
            }
            results[index] = Some(result);
        }
    });
    told.map(|()| results.into_iter().flatten().collect())
}

/// Cases that wait.
struct Work {
    /// Of each case.
    needs: Vec<Needs>,
    left: Vec<usize>,
    /// What some worker has compiled or is compiling.
    claimed: Needs,
}

impl Work {
    /// The next case for a worker that has `made` its pipelines: one that needs nothing more, else one that leaves the others' pipelines
    /// alone, else any; of equals the first.
    fn next(&mut self, made: &mut Needs) -> Option<usize> {
        let cost = |case: &usize| {
            let missing: Vec<_> = self.needs[*case].iter().filter(|n| !made.contains(*n)).collect();
            (missing.iter().filter(|n| self.claimed.contains(**n)).count(), !missing.is_empty())
        };
        let place = (0..self.left.len()).min_by_key(|&place| cost(&self.left[place]))?;
        let case = self.left.remove(place);
        made.extend(self.needs[case].iter().cloned());
        self.claimed.extend(self.needs[case].iter().cloned());
        Some(case)
    }
}

fn lock(work: &Mutex<Work>) -> std::sync::MutexGuard<'_, Work> {
    work.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::testing;
    use crate::recording::kernel::Variant;

    #[test]
    fn workers_keep_to_their_own_pipelines_and_take_every_case_once() {
        let of = |names: &[&'static str]| names.iter().map(|n| (*n, Variant::plain())).collect::<Needs>();
        let needs = vec![of(&["a"]), of(&["a"]), of(&["b"]), of(&["a", "b"]), of(&["b"]), of(&["c"])];
        let mut work = Work { left: (0..needs.len()).collect(), needs, claimed: Needs::new() };
        let (mut one, mut other) = (Needs::new(), Needs::new());
        assert_eq!(work.next(&mut one), Some(0));
        assert_eq!(work.next(&mut other), Some(2));
        assert_eq!(work.next(&mut other), Some(4));
        assert_eq!(work.next(&mut other), Some(5));
        assert_eq!(work.next(&mut one), Some(1));
        assert_eq!((work.next(&mut one), work.next(&mut one)), (Some(3), None));
    }

    #[test]
    fn results_come_one_by_one_and_in_order() {
        let case = |name: &str| super::super::cases().into_iter().find(|c| c.name.starts_with(name));
        let cases: Vec<Case> = ["fill", "copy", "add"].into_iter().filter_map(case).collect();
        assert!(cases.len() > 1);
        let mut seen = Vec::new();
        let results = run(testing::device(), &testing::selection(), &cases, |result, count| {
            assert_eq!((count.done, count.of), (seen.len() + 1, cases.len()));
            seen.push(result.name.clone());
            Ok::<(), ()>(())
        })
        .unwrap();
        assert!(results.iter().all(|r| r.passed), "{results:?}");
        let names = |list: &[CheckResult]| list.iter().map(|r| r.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&results), cases.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
        seen.sort();
        let mut sorted = names(&results);
        sorted.sort();
        assert_eq!(seen, sorted);
        assert_eq!(run(testing::device(), &testing::selection(), &cases, |_, _| Err("stop")).unwrap_err(), "stop");
    }
}
