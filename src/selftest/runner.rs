//! Running cases on all cores: a device a core, and cases that share pipelines on one of them, since most of the time goes into compiling.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};

use super::{Case, CheckResult, check};
use crate::caps::{AdapterInfo, OperandSource};
use crate::device::{Device, Selection, open};
use crate::recording::Command;
use crate::recording::kernel::{Kernel, Variant};
use crate::shaders::{Flavour, specialise};

/// Devices at once, at most: each has memory of its own.
const DEVICES: usize = 16;

/// What a case needs compiled: kernels and their variants.
type Needs = HashSet<(&'static str, Variant)>;

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

/// Cases that together launch every kernel of `cases`: of each kernel the first case that brings it.
pub fn quick(info: &AdapterInfo, cases: Vec<Case>) -> Vec<Case> {
    let mut seen = HashSet::new();
    let brings_more = |case: &Case| {
        let before = seen.len();
        seen.extend(needs(info, case).into_iter().map(|(kernel, _)| kernel));
        seen.len() > before
    };
    let mut brings_more = brings_more;
    cases.into_iter().filter(|case| brings_more(case)).collect()
}

/// Constants that choose how operands are read and what is drawn.
const CHOICES: [&str; 7] = ["PERTURB", "DIST", "SOFT_ADD", "INPUT_QUADS", "WEIGHT_QUADS", "DY_QUADS", "UNALIGNED"];

/// Buffers of a case of so many bytes are enough to cut anything.
const MODERATE: u64 = 1 << 20;

/// What is special about a kernel as it is launched: a define, or one of [`CHOICES`] with its value.
type Trait = (&'static str, &'static str, u32);

/// Values of PERTURB from here on (what is drawn for each element, and how) are one text in all flavours.
const DRAWN: u32 = 2;

fn traits(kernel: &Kernel, variant: &Variant) -> impl Iterator<Item = Trait> {
    let name = kernel.name;
    let defines = variant.defines().to_vec().into_iter().map(move |define| (name, define, 1));
    let value = |choice: &str| match (choice, variant.get(choice, u32::MAX)) {
        ("PERTURB", value) if value != u32::MAX => value.min(DRAWN),
        (_, value) => value,
    };
    let choices = CHOICES.map(|choice| (name, choice, value(choice)));
    defines.chain(choices)
}

/// Cases that together launch every kernel of `cases` with each of its defines and each value of the choices that they make: again and again
/// the case that brings most for each pipeline that it needs compiled, of equals the one with the largest buffers, within reason. What an
/// adapter like one of `others` would compile to the letter is left to that one.
pub fn of_each_choice(info: &AdapterInfo, others: &[AdapterInfo], cases: Vec<Case>) -> Vec<Case> {
    struct Open {
        index: usize,
        traits: HashSet<Trait>,
        pipelines: usize,
        bytes: u64,
    }
    let mut same = HashMap::new();
    let mut open: Vec<Open> = Vec::with_capacity(cases.len());
    for (index, case) in cases.iter().enumerate() {
        let launches: HashMap<_, _> = launches(info, case).into_iter().map(|(k, v)| ((k.name, v), k)).collect();
        let mut own = HashSet::new();
        for (key, kernel) in &launches {
            let theirs = |other: &AdapterInfo| source(other, kernel, &key.1) == source(info, kernel, &key.1);
            let known = *same.entry(key.clone()).or_insert_with(|| others.iter().any(theirs));
            own.extend(traits(kernel, &key.1).filter(|_| !known));
        }
        let bytes = case.planned(info).buffers.iter().map(|buffer| buffer.bytes).sum();
        open.push(Open { index, traits: own, pipelines: launches.len().max(1), bytes });
    }
    let worth = |case: &Open| {
        (
            case.traits.len() * 64 / case.pipelines,
            case.bytes <= MODERATE,
            case.bytes.min(MODERATE),
            usize::MAX - case.index,
        )
    };
    let mut kept = BTreeSet::new();
    open.retain(|case| !case.traits.is_empty());
    while let Some(place) = (0..open.len()).max_by_key(|&place| worth(&open[place])) {
        let taken = open.swap_remove(place);
        for case in &mut open {
            case.traits.retain(|known| !taken.traits.contains(known));
        }
        open.retain(|case| !case.traits.is_empty());
        kept.insert(taken.index);
    }
    cases.into_iter().enumerate().filter(|(index, _)| kept.contains(index)).map(|(_, case)| case).collect()
}

/// The cases that an adapter is tried with where nobody asks for all. A software adapter takes no tiles in workgroup memory for its products, and
/// each of their pipelines takes it a second or more to compile: of their cases it runs those of [`of_each_choice`].
pub fn suited(info: &AdapterInfo, cases: Vec<Case>) -> Vec<Case> {
    if !info.kind.is_software() {
        return cases;
    }
    let by_tiles = |case: &Case| launches(info, case).iter().any(|(kernel, _)| kernel.name.starts_with("tiled_"));
    let (tiles, mut others): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(by_tiles);
    others.extend(of_each_choice(info, &[], tiles));
    others
}

/// The pipelines that a case launches.
fn needs(info: &AdapterInfo, case: &Case) -> Needs {
    launches(info, case).into_iter().map(|(kernel, variant)| (kernel.name, variant)).collect()
}

fn launches(info: &AdapterInfo, case: &Case) -> Vec<(&'static Kernel, Variant)> {
    let recording = case.planned(info).recording;
    let launched = recording.commands().iter().filter_map(|command| match command {
        Command::Dispatch(d) => Some((d.kernel, d.variant.clone())),
        _ => None,
    });
    launched.collect()
}

/// What a kernel's shader is to the letter on an adapter like this, with the constants that are set beside it.
fn source(info: &AdapterInfo, kernel: &Kernel, variant: &Variant) -> String {
    let flavour = Flavour { tier: info.tier, texels: info.operands == OperandSource::Texel };
    match specialise(kernel, flavour, variant) {
        Ok((source, constants)) => format!("{}{constants:?}", source.text()),
        Err(why) => why.to_string(),
    }
}

/// The sources of the shaders that a case launches on an adapter like this, each with the constants that are set beside it.
pub fn shaders(info: &AdapterInfo, case: &Case) -> BTreeSet<String> {
    launches(info, case).into_iter().map(|(kernel, variant)| source(info, kernel, &variant)).collect()
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

    #[test]
    fn each_choice_is_made_and_what_other_flavours_have_is_left_to_them() {
        let info = testing::device().info().clone();
        let of = |cases: &[Case]| -> HashSet<Trait> {
            let launches = cases.iter().flat_map(|case| launches(&info, case));
            launches.flat_map(|(kernel, variant)| traits(kernel, &variant).collect::<Vec<_>>()).collect()
        };
        let all = super::super::cases();
        let (before, expected) = (all.len(), of(&all));
        let kept = of_each_choice(&info, &[], all);
        assert_eq!(of(&kept), expected);
        assert!(kept.len() < before / 3, "{} of {before}", kept.len());
        // An adapter like it has nothing to add; one that reads otherwise has, and the kernels that read nothing otherwise are left out.
        assert!(of_each_choice(&info, std::slice::from_ref(&info), super::super::cases()).is_empty());
        let operands =
            if info.operands == OperandSource::Buffer { OperandSource::Texel } else { OperandSource::Buffer };
        let other = AdapterInfo { operands, ..info.clone() };
        let kept = of_each_choice(&other, std::slice::from_ref(&info), super::super::cases());
        let kernels: HashSet<_> = kept.iter().flat_map(|case| launches(&other, case)).map(|(k, _)| k.name).collect();
        assert!(kernels.contains("linear") && !kernels.contains("fingerprint"), "{kernels:?}");
    }

    #[test]
    fn a_quick_run_leaves_no_kernel_out() {
        let info = testing::device().info().clone();
        let kernels = |cases: &[Case]| {
            let all = cases.iter().flat_map(|case| needs(&info, case));
            all.map(|(kernel, _)| kernel).collect::<HashSet<_>>()
        };
        let all = super::super::cases();
        let (before, expected) = (all.len(), kernels(&all));
        let quick = quick(&info, all);
        assert_eq!(kernels(&quick), expected);
        assert!(quick.len() < before / 2);
    }
}
