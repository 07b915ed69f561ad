//! Which device a request names: the flag, then `ZOWARMUP_DEVICE`, then the config's `device.select`, then the best adapter.

use super::gpu::{self, Candidate};
use super::startup;
use super::{AdapterInfo, AdapterKind, Device, DeviceError};
use crate::caps::Tier;
use crate::device::ReferenceDevice;

/// A request for a device.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// An index, part of a name, a backend, `cpu` or `reference`; `None`: nobody chose.
    pub wanted: Option<String>,
    /// Bytes that all buffers together may take; `None`: what the adapter allows.
    pub memory_budget: Option<u64>,
}

impl Selection {
    /// Resolves the flag, the environment and the config key, in this order; empty strings choose nothing.
    pub fn resolve(flag: Option<&str>, config: &str, memory_budget: Option<u64>) -> Self {
        let environment = std::env::var("ZOWARMUP_DEVICE").ok();
        let wanted = [flag, environment.as_deref(), Some(config)]
            .into_iter()
            .flatten()
            .map(str::trim)
            .find(|text| !text.is_empty())
            .map(str::to_owned);
        Self { wanted, memory_budget }
    }
}

/// Every adapter and the reference device (last), and the index of the one that a selection picks.
///
/// # Errors
/// [`DeviceError::NoMatch`].
pub fn list(selection: &Selection) -> Result<(Vec<(AdapterInfo, super::Limits)>, usize), DeviceError> {
    let candidates = gpu::candidates();
    let picked = match &selection.wanted {
        None => best(&candidates).unwrap_or(candidates.len()),
        Some(wanted) => matching(&candidates, wanted).ok_or_else(|| no_match(&candidates, wanted))?,
    };
    let mut all: Vec<_> = candidates.iter().map(|c| (c.info.clone(), c.limits.clone())).collect();
    let reference = ReferenceDevice::new(None);
    all.push((reference.info().clone(), reference.limits().clone()));
    Ok((all, picked))
}

/// Opens the device a selection names. Where nobody chose and there is no adapter, the CPU twins are used, with a warning.
pub fn open(selection: &Selection) -> Result<Box<dyn Device>, DeviceError> {
    let reference = || Box::new(ReferenceDevice::new(selection.memory_budget));
    let Some(wanted) = &selection.wanted else {
        let candidates = gpu::candidates();
        return match best(&candidates) {
            Some(index) => adapter(&candidates[index], selection.memory_budget),
            None => {
                tracing::warn!("{}; going on with the CPU twins, which are slow", DeviceError::NoAdapter);
                Ok(reference())
            }
        };
    };
    if wanted.eq_ignore_ascii_case("reference") {
        return Ok(reference());
    }
    let candidates = gpu::candidates();
    match matching(&candidates, wanted) {
        Some(index) if index == candidates.len() => Ok(reference()),
        Some(index) => adapter(&candidates[index], selection.memory_budget),
        None => Err(no_match(&candidates, wanted)),
    }
}

/// Opens an adapter at its tier, or at the core tier where that one gives wrong products.
fn adapter(candidate: &Candidate, memory_budget: Option<u64>) -> Result<Box<dyn Device>, DeviceError> {
    // The check's own buffers are none of the budget's business.
    let mut device = gpu::open(candidate, candidate.info.tier, None)?;
    if candidate.info.tier == Tier::Core || startup::products_agree(&mut device)? {
        device.limit_memory(memory_budget);
        return Ok(Box::new(device));
    }
    let (name, tier) = (&candidate.info.name, candidate.info.tier.name());
    tracing::warn!("{name}: the {tier} tier gives wrong products on this driver; going on with the core tier");
    Ok(Box::new(gpu::open(candidate, Tier::Core, memory_budget)?))
}

fn no_match(candidates: &[Candidate], wanted: &str) -> DeviceError {
    let mut names: Vec<String> =
        candidates.iter().enumerate().map(|(i, c)| format!("{i}: {} ({})", c.info.name, c.info.backend)).collect();
    names.push(format!("{}: reference", candidates.len()));
    DeviceError::NoMatch { wanted: wanted.to_owned(), found: names.join("; ") }
}

/// The index that a selection names; `candidates.len()` is the reference device.
fn matching(candidates: &[Candidate], wanted: &str) -> Option<usize> {
    if wanted.eq_ignore_ascii_case("reference") {
        return Some(candidates.len());
    }
    if let Ok(index) = wanted.parse::<usize>() {
        return (index <= candidates.len()).then_some(index);
    }
    let wanted = wanted.to_lowercase();
    let of = |test: &dyn Fn(&AdapterInfo) -> bool| {
        let fitting: Vec<usize> = (0..candidates.len()).filter(|&i| test(&candidates[i].info)).collect();
        fitting.into_iter().min_by_key(|&i| (rank(&candidates[i].info), i))
    };
    match wanted.as_str() {
        "vulkan" | "gl" | "metal" | "dx12" => of(&|info| info.backend == wanted),
        "cpu" => of(&|info| info.kind == AdapterKind::Software),
        _ => of(&|info| info.name.to_lowercase().contains(&wanted)),
    }
}

fn best(candidates: &[Candidate]) -> Option<usize> {
    (0..candidates.len()).min_by_key(|&i| (rank(&candidates[i].info), i))
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
