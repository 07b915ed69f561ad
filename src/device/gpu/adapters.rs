//! Finding adapters and judging their tier.

use super::request::FOR_MATRICES;
use super::{memory, texture};
use crate::caps::{AdapterInfo, AdapterKind, Layout, Limits, Matrices, MatrixSize, OperandSource, Precision, Tier};
use crate::device::{DeviceError, Selection};

/// An adapter that could be opened.
pub struct Candidate {
    /// Name, kind, and the flavour of kernels that suits it.
    pub info: AdapterInfo,
    /// Limits it would have.
    pub limits: Limits,
    pub(super) adapter: wgpu::Adapter,
    /// Its subgroup size, where the subgroup tier runs on it.
    subgroup: Option<u32>,
    /// Whether kernels can read texels.
    texels: bool,
}

impl Candidate {
    /// What it would be for a selection.
    ///
    /// # Errors
    /// [`DeviceError::Lacks`].
    pub fn info_for(&self, selection: &Selection) -> Result<AdapterInfo, DeviceError> {
        let lacks = |what: &str| DeviceError::Lacks { adapter: self.info.name.clone(), what: what.to_owned() };
        let (tier, operands) =
            (selection.tier.unwrap_or(self.info.tier), selection.operands.unwrap_or(self.info.operands));
        if operands == OperandSource::Texel && !self.texels {
            return Err(lacks("storage textures of f32 to read operands as texels from"));
        }
        let subgroup_size = match tier {
            Tier::Core => 0,
            Tier::Subgroup => self.subgroup.ok_or_else(|| {
                lacks(
                    "subgroup operations of one fixed size with native 64-bit integers, which the subgroup tier needs",
                )
            })?,
        };
        let own = if tier == Tier::Subgroup { self.info.matrices } else { Matrices::default() };
        // Channels last suit what GPUs compute products with.
        let suits = if self.info.kind == AdapterKind::Software { Layout::ChannelsFirst } else { Layout::ChannelsLast };
        let layout = selection.layout.unwrap_or(suits);
        let (precision, matrices) = (selection.precision, selection.matrices(own));
        Ok(AdapterInfo { tier, subgroup_size, operands, layout, precision, matrices, ..self.info.clone() })
    }

    /// The limits that it has for a selection.
    pub fn limits_for(&self, selection: &Selection) -> Limits {
        let watched =
            selection.watchdog.unwrap_or_else(|| !unwatched(&self.info, |name| std::env::var_os(name).is_some()));
        let short = self.limits.submission_cost;
        // A desktop's share of a second, or a few seconds of a slow card's: some drivers give up on work after ten.
        let submission_cost = if watched { short } else { short.saturating_mul(UNWATCHED) };
        Limits { submission_cost, ..self.limits.clone() }
    }
}

/// How much longer submissions are where no watchdog waits for them.
const UNWATCHED: u64 = 40;

/// Whether nothing ends work that takes an adapter long: a card of its own, under Vulkan, in a Linux system on which no display server runs,
/// as far as this process can see. `set` tells which environment variables are set.
fn unwatched(info: &AdapterInfo, set: impl Fn(&str) -> bool) -> bool {
    let card = info.kind == AdapterKind::Discrete && info.backend == "vulkan";
    cfg!(target_os = "linux") && card && !set("DISPLAY") && !set("WAYLAND_DISPLAY")
}

/// The features the engine asks for where they exist, with their names in listings.
const WANTED: [(wgpu::Features, &str); 5] = [
    (wgpu::Features::SUBGROUP, "subgroup"),
    (wgpu::Features::SHADER_INT64, "shader-int64"),
    (wgpu::Features::SHADER_F16, "shader-f16"),
    (wgpu::Features::TIMESTAMP_QUERY, "timestamp-query"),
    (wgpu::Features::PIPELINE_CACHE, "pipeline-cache"),
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
    let able = features.contains(wgpu::Features::SUBGROUP | wgpu::Features::SHADER_INT64) && fixed;
    let subgroup = able.then_some(size);
    let texels = texture::able(&adapter);
    let mut names: Vec<String> =
        WANTED.iter().filter(|(f, _)| features.contains(*f)).map(|(_, name)| (*name).to_owned()).collect();
    if able {
        names.push(format!("subgroup-size-{size}"));
    }
    let matrices =
        Matrices { size: if subgroup == Some(32) { matrix_size(&adapter) } else { None }, ..Matrices::default() };
    names.extend(matrices.name().map(str::to_owned));
    let software = kind == AdapterKind::Software;
    let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
    let info = AdapterInfo {
        name: info.name,
        backend: info.backend.to_str().to_owned(),
        driver,
        kind,
        tier: if able { Tier::Subgroup } else { Tier::Core },
        subgroup_size: subgroup.unwrap_or(0),
        operands: if software && texels { OperandSource::Texel } else { OperandSource::Buffer },
        layout: Layout::default(),
        features: names,
        precision: Precision::default(),
        matrices,
    };
    let limits = Limits {
        binding: limits.max_storage_buffer_binding_size & !0xff,
        buffer: limits.max_buffer_size.min(1 << 40),
        memory: if software { 2 << 30 } else { memory::of_card(&adapter, kind).unwrap_or(1 << 40) },
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
    Some(Candidate { info, limits, adapter, subgroup, texels })
}

/// The cooperative matrices of f16 with sums in f32 that kernels know, of those that an adapter lists.
fn matrix_size(adapter: &wgpu::Adapter) -> Option<MatrixSize> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let listed =
        if adapter.features().contains(FOR_MATRICES) { adapter.cooperative_matrix_properties() } else { Vec::new() };
    let has = |size: u32| {
        let fits = |p: &wgpu::CooperativeMatrixProperties| [p.m_size, p.n_size, p.k_size] == [size; 3];
        listed.iter().any(|p| fits(p) && (p.ab_type, p.cr_type) == (F16, F32))
    };
    [(16, MatrixSize::Sixteens), (8, MatrixSize::Eights)].into_iter().find(|(size, _)| has(*size)).map(|(_, size)| size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ReferenceDevice;

    #[test]
    fn only_cards_of_their_own_without_a_display_are_unwatched() {
        let info =
            |kind, backend: &str| AdapterInfo { kind, backend: backend.to_owned(), ..ReferenceDevice::adapter() };
        let linux = cfg!(target_os = "linux");
        assert_eq!(unwatched(&info(AdapterKind::Discrete, "vulkan"), |_| false), linux);
        for name in ["DISPLAY", "WAYLAND_DISPLAY"] {
            assert!(!unwatched(&info(AdapterKind::Discrete, "vulkan"), |set| set == name));
        }
        for (kind, backend) in [
            (AdapterKind::Discrete, "gl"),
            (AdapterKind::Integrated, "vulkan"),
            (AdapterKind::Software, "vulkan"),
            (AdapterKind::Virtual, "vulkan"),
        ] {
            assert!(!unwatched(&info(kind, backend), |_| false), "{kind:?} {backend}");
        }
    }

    #[test]
    fn a_watchdog_that_is_told_of_decides() {
        for candidate in candidates() {
            let with = |watchdog| candidate.limits_for(&Selection { watchdog, ..Selection::default() }).submission_cost;
            assert_eq!(with(Some(true)), candidate.limits.submission_cost);
            assert_eq!(with(Some(false)), UNWATCHED * candidate.limits.submission_cost);
        }
    }
}
