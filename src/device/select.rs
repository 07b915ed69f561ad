//! Which device a request names, and opening it.

use super::gpu::{self, Candidate};
use super::{Device, DeviceError, ReferenceDevice, Selection, startup};
use crate::caps::{AdapterInfo, AdapterKind, Limits};
use crate::caps::{Matrices, Precision, Tier};

/// Every adapter and the reference device (last), and the index of the one that a selection picks.
///
/// # Errors
/// [`DeviceError::NoMatch`].
pub fn list(selection: &Selection) -> Result<(Vec<(AdapterInfo, Limits)>, usize), DeviceError> {
    let candidates = gpu::candidates();
    let mut all: Vec<_> = candidates
        .iter()
        .map(|c| (c.info_for(selection).unwrap_or_else(|_| c.info.clone()), c.limits_for(selection)))
        .collect();
    let reference = reference(selection, None);
    all.push((reference.info().clone(), reference.limits().clone()));
    let infos: Vec<&AdapterInfo> = all.iter().map(|(info, _)| info).collect();
    let picked = match &selection.wanted {
        None => best(&infos),
        Some(wanted) => matching(&infos, wanted).ok_or_else(|| no_match(&infos, wanted))?,
    };
    Ok((all, picked))
}

/// Opens the device a selection names.
///
/// # Errors
/// No such device, one that can't be opened, or that lacks the flavour asked for.
pub fn open(selection: &Selection) -> Result<Box<dyn Device>, DeviceError> {
    let reference = || Ok(Box::new(reference(selection, selection.memory_budget)) as Box<dyn Device>);
    if selection.wanted.as_deref().is_some_and(|wanted| wanted.eq_ignore_ascii_case("reference")) {
        // Without asking any driver.
        return reference();
    }
    let candidates = gpu::candidates();
    let twins = ReferenceDevice::adapter();
    let infos: Vec<&AdapterInfo> = candidates.iter().map(|c| &c.info).chain([&twins]).collect();
    let index = match &selection.wanted {
        Some(wanted) => matching(&infos, wanted).ok_or_else(|| no_match(&infos, wanted))?,
        None => best(&infos),
    };
    match candidates.get(index) {
        Some(candidate) => adapter(candidate, selection),
        None if selection.wanted.is_some() => reference(),
        None if selection.twins_if_none => {
            tracing::warn!("{}; going on with the CPU twins, which are slow", DeviceError::NoAdapter);
            reference()
        }
        None => Err(DeviceError::NoAdapter),
    }
}

/// The CPU twins; they are right by definition.
fn reference(selection: &Selection, memory: Option<u64>) -> ReferenceDevice {
    let matrices = selection.matrices(Matrices::default()).trusted(selection.precision);
    ReferenceDevice::new(memory)
        .laid_out(selection.layout.unwrap_or_default())
        .in_precision(selection.precision, matrices)
}

/// Opens an adapter at its tier, or at the core tier where that one gives wrong products and nobody insists on it.
fn adapter(candidate: &Candidate, selection: &Selection) -> Result<Box<dyn Device>, DeviceError> {
    // A software adapter's driver keeps what takes it long, the code of first launches, on disk itself.
    let software = candidate.info.kind == AdapterKind::Software;
    let pipelines = selection.pipelines.clone().filter(|_| !software);
    let selection = &Selection { pipelines, ..selection.clone() };
    let mut device = gpu::open(candidate, selection)?;
    let (name, tier) = (&candidate.info.name, device.info().tier);
    if tier == Tier::Core || startup::products_agree(&mut device)? {
        if device.info().matrices.size.is_some() {
            match startup::matrices(&mut device, selection.precision) {
                Ok(matrices) => device.rely_on(matrices),
                Err(why) => {
                    tracing::warn!("{name}: its cooperative matrices fail ({why}); going on without");
                    device = gpu::open(candidate, &selection.clone().with_precision(Precision::F32))?;
                }
            }
        }
        // The check's own buffers are none of the budget's business.
        device.limit_memory(selection.memory_budget);
        return Ok(Box::new(device));
    }
    if selection.tier.is_some() {
        let why = format!("the {} tier gives wrong products on this driver", tier.name());
        return Err(DeviceError::Unfit { adapter: name.clone(), why });
    }
    tracing::warn!("{name}: the {} tier gives wrong products on this driver; going on with the core tier", tier.name());
    let mut device = gpu::open(candidate, &Selection { tier: Some(Tier::Core), ..selection.clone() })?;
    device.limit_memory(selection.memory_budget);
    Ok(Box::new(device))
}

fn no_match(all: &[&AdapterInfo], wanted: &str) -> DeviceError {
    let names: Vec<String> = all.iter().enumerate().map(|(i, info)| format!("{i}: {}", listed(info))).collect();
    DeviceError::NoMatch { wanted: wanted.to_owned(), found: names.join("; ") }
}

/// A device as messages list it.
fn listed(info: &AdapterInfo) -> String {
    format!("{} ({})", info.name, info.backend)
}

/// The index that a selection names among the adapters and the twins.
fn matching(all: &[&AdapterInfo], wanted: &str) -> Option<usize> {
    let wanted = wanted.trim().to_lowercase();
    let of = |test: &dyn Fn(&AdapterInfo) -> bool| {
        (0..all.len()).filter(|&i| test(all[i])).min_by_key(|&i| (rank(all[i]), i))
    };
    // A whole name as it is listed says more than a part of another.
    if let Some(index) = of(&|info| info.name.to_lowercase() == wanted) {
        return Some(index);
    }
    // As messages list it, with its number or without.
    if let Some(index) = of(&|info| listed(info).to_lowercase() == wanted) {
        return Some(index);
    }
    if let Some((index, name)) = wanted.split_once(": ")
        && let Some((index, info)) = index.parse().ok().and_then(|index: usize| Some((index, all.get(index)?)))
        && listed(info).to_lowercase() == name
    {
        return Some(index);
    }
    if let Ok(index) = wanted.parse::<usize>() {
        return (index < all.len()).then_some(index);
    }
    match wanted.as_str() {
        "vulkan" | "gl" | "metal" | "dx12" | "reference" => of(&|info| info.backend == wanted),
        "cpu" => of(&|info| info.kind == AdapterKind::Software),
        _ => of(&|info| info.name.to_lowercase().contains(&wanted)),
    }
}

/// The index of the best; the twins where there is nothing else.
fn best(all: &[&AdapterInfo]) -> usize {
    (0..all.len()).min_by_key(|&i| (rank(all[i]), i)).unwrap_or_default()
}

/// Order of preference: discrete, integrated, virtual, other, software; on equal terms native backends before gl.
fn rank(info: &AdapterInfo) -> (u32, u32) {
    let kind = match info.kind {
        AdapterKind::Discrete => 0,
        AdapterKind::Integrated => 1,
        AdapterKind::Virtual => 2,
        AdapterKind::Other => 3,
        AdapterKind::Software => 4,
        AdapterKind::Reference => 5,
    };
    (kind, u32::from(info.backend == "gl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, backend: &str, kind: AdapterKind) -> AdapterInfo {
        AdapterInfo { name: name.to_owned(), backend: backend.to_owned(), kind, ..ReferenceDevice::adapter() }
    }

    #[test]
    fn every_listed_name_and_index_picks_its_device() {
        let list = [
            named("Card 7 Ti", "vulkan", AdapterKind::Discrete),
            named("Card 7", "vulkan", AdapterKind::Discrete),
            named("1", "vulkan", AdapterKind::Integrated),
            named("llvmpipe (LLVM 15.0.6, 256 bits)", "vulkan", AdapterKind::Software),
            ReferenceDevice::adapter(),
        ];
        let all: Vec<&AdapterInfo> = list.iter().collect();
        for (index, info) in list.iter().enumerate() {
            assert_eq!(matching(&all, &info.name), Some(index), "{}", info.name);
            assert_eq!(matching(&all, &info.name.to_uppercase()), Some(index), "{}", info.name);
            assert_eq!(matching(&all, &listed(info)), Some(index), "{}", listed(info));
            assert_eq!(matching(&all, &format!("{index}: {}", listed(info))), Some(index), "{}", listed(info));
            // An adapter that is called by another's number is only found by its name.
            if index != 1 {
                assert_eq!(matching(&all, &index.to_string()), Some(index));
            }
        }
        for (wanted, index) in [("card", Some(0)), ("twins", Some(4)), ("reference", Some(4)), ("cpu", Some(3))] {
            assert_eq!(matching(&all, wanted), index, "{wanted}");
        }
        for wanted in ["5", "metal", "another"] {
            assert_eq!(matching(&all, wanted), None, "{wanted}");
        }
        assert_eq!((best(&all), best(&all[3..]), best(&all[4..])), (0, 0, 0));
    }

    #[test]
    fn a_name_that_is_listed_opens() {
        let (all, _) = list(&super::super::testing::selection()).unwrap();
        for (info, _) in all {
            for name in [info.name.clone(), listed(&info)] {
                assert_eq!(open(&Selection::of(&name)).unwrap().info().name, info.name);
            }
        }
    }
}
