//! Finding adapters, judging their tier, opening one.

use std::sync::{Arc, Mutex};

use super::{GpuDevice, buffers, pipelines, staging, texels};
use crate::caps::Tier;
use crate::device::{AdapterInfo, AdapterKind, DeviceError, Limits};
use crate::shaders::Flavour;

/// An adapter that could be opened.
pub struct Candidate {
    /// Name and kind.
    pub info: AdapterInfo,
    /// Limits it would have.
    pub limits: Limits,
    adapter: wgpu::Adapter,
}

/// The features the engine asks for where they exist, with their names in listings.
const WANTED: [(wgpu::Features, &str); 3] = [
    (wgpu::Features::SUBGROUP, "subgroup"),
    (wgpu::Features::SHADER_INT64, "shader-int64"),
    (wgpu::Features::TIMESTAMP_QUERY, "timestamp-query"),
];

/// All adapters of the machine that have compute shaders within the core limits; those of OpenGL where there is no other.
pub fn candidates() -> Vec<Candidate> {
    let native = of_backends(wgpu::Backends::PRIMARY);
    // OpenGL only where nothing else is: asking for it makes its libraries complain on machines without a display.
    if native.is_empty() { of_backends(wgpu::Backends::GL) } else { native }
}

fn of_backends(backends: wgpu::Backends) -> Vec<Candidate> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    let adapters = pollster::block_on(instance.enumerate_adapters(backends));
    adapters.into_iter().filter_map(candidate).collect()
}

fn candidate(adapter: wgpu::Adapter) -> Option<Candidate> {
    let (info, limits, features) = (adapter.get_info(), adapter.limits(), adapter.features());
    let compute = adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS);
    let enough = limits.max_storage_buffers_per_shader_stage >= 8
        && limits.max_compute_workgroup_storage_size >= 16 << 10
        && limits.max_compute_invocations_per_workgroup >= 256
        && limits.max_storage_buffer_binding_size >= 128 << 20;
    if !compute || !enough {
        tracing::info!(
            "adapter {} ({}) is left out: it lacks compute shaders or WebGPU's default limits",
            info.name,
            info.backend
        );
        return None;
    }
    let kind = match info.device_type {
        wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
        wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
        wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
        wgpu::DeviceType::Cpu => AdapterKind::Software,
        wgpu::DeviceType::Other => AdapterKind::Other,
    };
    // A kernel of the subgroup tier is compiled for one subgroup size; adapters that vary it stay at the core tier.
    let size = info.subgroup_min_size;
    let fixed = size == info.subgroup_max_size && (4..=64).contains(&size);
    let subgroup = features.contains(wgpu::Features::SUBGROUP | wgpu::Features::SHADER_INT64) && fixed;
    let tier = if subgroup && tier_cap() >= Tier::Subgroup { Tier::Subgroup } else { Tier::Core };
    let mut names: Vec<String> =
        WANTED.iter().filter(|(f, _)| features.contains(*f)).map(|(_, name)| (*name).to_owned()).collect();
    if subgroup {
        names.push(format!("subgroup-size-{size}"));
    }
    let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
    let info = AdapterInfo {
        name: info.name,
        backend: info.backend.to_str().to_owned(),
        driver,
        kind,
        tier,
        subgroup_size: if tier == Tier::Subgroup { size } else { 0 },
        features: names,
    };
    let software = kind == AdapterKind::Software;
    let limits = Limits {
        binding: limits.max_storage_buffer_binding_size & !0xff,
        buffer: limits.max_buffer_size.min(1 << 40),
        memory: if software { 2 << 30 } else { 1 << 40 },
        alignment: u64::from(
            limits.min_storage_buffer_offset_alignment.max(limits.min_uniform_buffer_offset_alignment),
        ),
        storage_buffers: limits.max_storage_buffers_per_shader_stage.min(8),
        workgroup_memory: limits.max_compute_workgroup_storage_size,
        invocations: limits.max_compute_invocations_per_workgroup,
        submission_cost: match kind {
            AdapterKind::Discrete => 100_000_000_000,
            AdapterKind::Integrated | AdapterKind::Virtual | AdapterKind::Other => 20_000_000_000,
            AdapterKind::Software | AdapterKind::Reference => 1_500_000_000,
        },
    };
    Some(Candidate { info, limits, adapter })
}

/// `ZOWARMUP_TIER=core` keeps every adapter at the core tier, to compare tiers on one machine.
fn tier_cap() -> Tier {
    if std::env::var("ZOWARMUP_TIER").is_ok_and(|t| t == "core") { Tier::Core } else { Tier::Subgroup }
}

/// Opens an adapter at a tier (its own, or a lower one) with that tier's features and exactly the limits it offers.
pub fn open(candidate: &Candidate, tier: Tier, memory_budget: Option<u64>) -> Result<GpuDevice, DeviceError> {
    let adapter = &candidate.adapter;
    let subgroup = wgpu::Features::SUBGROUP | wgpu::Features::SHADER_INT64;
    let mut features = adapter.features() & wgpu::Features::TIMESTAMP_QUERY;
    if tier == Tier::Subgroup {
        features |= subgroup;
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("zowarmup"),
        required_features: features,
        required_limits: adapter.limits(),
        ..Default::default()
    };
    let unfit = |why: String| DeviceError::Unfit { adapter: candidate.info.name.clone(), why };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(|e| unfit(e.to_string()))?;
    let failure = Arc::new(Mutex::new(None));
    let report = |slot: &Arc<Mutex<Option<DeviceError>>>, error: DeviceError| {
        if let Ok(mut guard) = slot.lock() {
            guard.get_or_insert(error);
        }
    };
    let slot = Arc::clone(&failure);
    device.set_device_lost_callback(move |reason, text| {
        if reason != wgpu::DeviceLostReason::Destroyed {
            report(&slot, DeviceError::Lost(text));
        }
    });
    let slot = Arc::clone(&failure);
    device.on_uncaptured_error(Arc::new(move |error| report(&slot, super::typed(error))));
    let limits = candidate.limits.clone();
    let mut info = candidate.info.clone();
    if tier == Tier::Core {
        (info.tier, info.subgroup_size) = (Tier::Core, 0);
    }
    let texels = texels::Texels::new(adapter, candidate.info.kind);
    let flavour = Flavour { tier, texels: texels.wanted() };
    let mut opened = GpuDevice {
        info,
        staging: staging::Staging::new(
            features.contains(wgpu::Features::TIMESTAMP_QUERY),
            queue.get_timestamp_period(),
        ),
        pipelines: pipelines::Pipelines::new(flavour, limits.alignment),
        texels,
        buffers: buffers::Buffers::default(),
        peak: 0,
        limits,
        device,
        queue,
        failure,
    };
    opened.limit_memory(memory_budget);
    Ok(opened)
}
