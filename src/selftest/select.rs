//! Which cases to run: all, or those that together leave nothing out. Most of a case's time goes into compiling its pipelines, so cases are
//! chosen by what of their kernels' variants is new.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Case;
use crate::caps::{AdapterInfo, OperandSource};
use crate::recording::kernel::{Kernel, Variant};
use crate::recording::{Command, Recording};
use crate::shaders::{Flavour, specialise};

/// What a case needs compiled: kernels and their variants.
pub type Needs = HashSet<(&'static str, Variant)>;

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

/// What is special about a kernel as it is launched: a define, or a constant with its value.
type Trait = (&'static str, &'static str, u32);

/// Values of PERTURB from here on (what is drawn for each element, and how) are one text in all flavours.
const DRAWN: u32 = 2;

fn defines(kernel: &Kernel, variant: &Variant) -> impl Iterator<Item = Trait> {
    let name = kernel.name;
    variant.defines().to_vec().into_iter().map(move |define| (name, define, 1))
}

/// Its defines, and what it makes of the [`CHOICES`].
fn choices(kernel: &Kernel, variant: &Variant) -> Vec<Trait> {
    let value = |choice: &str| match (choice, variant.get(choice, u32::MAX)) {
        ("PERTURB", value) if value != u32::MAX => value.min(DRAWN),
        (_, value) => value,
    };
    defines(kernel, variant).chain(CHOICES.map(|choice| (kernel.name, choice, value(choice)))).collect()
}

/// Its defines and all of its constants; that it is launched at all, where it has none.
fn values(kernel: &Kernel, variant: &Variant) -> Vec<Trait> {
    let constants = variant.constants().iter().map(|&(constant, value)| (kernel.name, constant, value));
    defines(kernel, variant).chain(constants).chain([(kernel.name, "", 1)]).collect()
}

/// What a software adapter is to be tried with: of tiled products the choices alone.
fn suiting(kernel: &Kernel, variant: &Variant) -> Vec<Trait> {
    if kernel.name.starts_with("tiled_") { choices(kernel, variant) } else { values(kernel, variant) }
}

/// Cases that together launch every kernel of `cases` with each of its defines and each value of the choices that they make: again and again
/// the case that brings most for each pipeline that it needs compiled, of equals the one with the largest buffers, within reason. What an
/// adapter like one of `others` would compile to the letter is left to that one.
pub fn of_each_choice(info: &AdapterInfo, others: &[AdapterInfo], cases: Vec<Case>) -> Vec<Case> {
    let mut same = HashMap::new();
    let all: Vec<&Case> = cases.iter().collect();
    let kept = covering(info, &all, |kernel, variant| {
        let key = (kernel.name, variant.clone());
        let theirs = |other: &AdapterInfo| source(other, kernel, variant) == source(info, kernel, variant);
        let known = *same.entry(key).or_insert_with(|| others.iter().any(theirs));
        if known { Vec::new() } else { choices(kernel, variant) }
    });
    cases.into_iter().enumerate().filter(|(index, _)| kept.contains(index)).map(|(_, case)| case).collect()
}

/// The indices of cases that together launch each of `cases`' kernels with each trait that any of them launches it with.
fn covering(
    info: &AdapterInfo,
    cases: &[&Case],
    mut traits: impl FnMut(&'static Kernel, &Variant) -> Vec<Trait>,
) -> BTreeSet<usize> {
    struct Open {
        index: usize,
        traits: HashSet<Trait>,
        pipelines: usize,
        bytes: u64,
    }
    let mut open: Vec<Open> = Vec::with_capacity(cases.len());
    for (index, case) in cases.iter().enumerate() {
        let planned = case.planned(info);
        let launches: HashMap<_, _> = launched(&planned.recording).map(|(k, v)| ((k.name, v), k)).collect();
        let own = launches.iter().flat_map(|((_, variant), kernel)| traits(kernel, variant)).collect();
        let bytes = planned.buffers.iter().map(|buffer| buffer.bytes).sum();
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
    kept
}

/// The cases that an adapter is tried with where nobody asks for all: on a GPU all. A software adapter takes a second to compile a
/// pipeline, and runs the cases that together launch every kernel with each of its defines and each value of each of its constants (sizes,
/// tiles, what is drawn, what follows), not with each combination of them; then what the pipelines of these can compute besides. It takes no
/// tiles in workgroup memory for its products: of their cases it runs those of [`of_each_choice`].
pub fn suited(info: &AdapterInfo, cases: Vec<Case>) -> Vec<Case> {
    if !info.kind.is_software() {
        return cases;
    }
    let all: Vec<&Case> = cases.iter().collect();
    let covering = covering(info, &all, suiting);
    let needs: Vec<Needs> = all.iter().map(|case| needs(info, case)).collect();
    let made: Needs = covering.into_iter().flat_map(|index| needs[index].iter().cloned()).collect();
    cases.into_iter().zip(needs).filter(|(_, needs)| needs.is_subset(&made)).map(|(case, _)| case).collect()
}

/// The pipelines that a case launches.
pub fn needs(info: &AdapterInfo, case: &Case) -> Needs {
    launches(info, case).into_iter().map(|(kernel, variant)| (kernel.name, variant)).collect()
}

fn launches(info: &AdapterInfo, case: &Case) -> Vec<(&'static Kernel, Variant)> {
    launched(&case.planned(info).recording).collect()
}

fn launched(recording: &Recording) -> impl Iterator<Item = (&'static Kernel, Variant)> {
    recording.commands().iter().filter_map(|command| match command {
        Command::Dispatch(d) => Some((d.kernel, d.variant.clone())),
        _ => None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caps::AdapterKind;
    use crate::device::testing;

    #[test]
    fn each_choice_is_made_and_what_other_flavours_have_is_left_to_them() {
        let info = testing::device().info().clone();
        let of = |cases: &[Case]| -> HashSet<Trait> {
            let launches = cases.iter().flat_map(|case| launches(&info, case));
            launches.flat_map(|(kernel, variant)| choices(kernel, &variant)).collect()
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
    fn a_software_adapter_leaves_out_combinations_and_nothing_else() {
        let info = AdapterInfo { kind: AdapterKind::Software, ..testing::device().info().clone() };
        let of = |cases: &[Case]| -> HashSet<Trait> {
            let launches = cases.iter().flat_map(|case| launches(&info, case));
            launches.flat_map(|(kernel, variant)| suiting(kernel, &variant)).collect()
        };
        let pipelines = |cases: &[Case]| cases.iter().flat_map(|case| needs(&info, case)).collect::<Needs>();
        let all = super::super::cases();
        let (before, expected) = (pipelines(&all), of(&all));
        let kept = suited(&info, all);
        let missing: Vec<_> = expected.difference(&of(&kept)).copied().collect();
        assert!(missing.is_empty(), "{missing:?}");
        let after = pipelines(&kept);
        assert!(after.len() * 2 < before.len(), "{} of {} pipelines", after.len(), before.len());
        // What these pipelines compute besides runs, too.
        let left = super::super::cases().into_iter().filter(|case| !kept.iter().any(|kept| kept.name == case.name));
        assert!(left.into_iter().all(|case| !needs(&info, &case).is_subset(&after)));
        let gpu = AdapterInfo { kind: AdapterKind::Discrete, ..info.clone() };
        assert_eq!(suited(&gpu, super::super::cases()).len(), super::super::cases().len());
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
