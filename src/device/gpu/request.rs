//! Requesting a device of an adapter.

use crate::caps::Tier;

/// What kernels with cooperative matrices need beside the subgroup tier.
pub(super) const FOR_MATRICES: wgpu::Features =
    wgpu::Features::SHADER_F16.union(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);

/// What an adapter gives to run kernels of a flavour.
pub struct Opened {
    pub device: wgpu::Device,
    pub queue: wgpu::Queue,
    pub timestamps: bool,
}

/// Requests a device with the features of a tier, and with those of cooperative matrices, and exactly the limits that the adapter offers.
pub fn request(adapter: &wgpu::Adapter, tier: Tier, matrices: bool) -> Result<Opened, String> {
    let inside = wgpu::Features::TIMESTAMP_QUERY_INSIDE_ENCODERS | wgpu::Features::TIMESTAMP_QUERY_INSIDE_PASSES;
    let timestamps = adapter.features().contains(wgpu::Features::TIMESTAMP_QUERY);
    let wanted = wgpu::Features::TIMESTAMP_QUERY | inside | wgpu::Features::PIPELINE_CACHE;
    let mut features = adapter.features() & wanted;
    if tier == Tier::Subgroup {
        features |= wgpu::Features::SUBGROUP | wgpu::Features::SHADER_INT64;
    }
    let mut experimental_features = wgpu::ExperimentalFeatures::disabled();
    if matrices {
        features |= FOR_MATRICES;
        // SAFETY: what is experimental are cooperative matrices, which wgpu can't check: a kernel must load and store them within its arrays,
        // by a whole subgroup. Those of shaders/lib/matrix.wgsl:tile lie at constant offsets in workgroup arrays of their own, and no
        // branch around them differs within a workgroup. They are held against the CPU twins before they are used (`startup`).
        experimental_features = unsafe { wgpu::ExperimentalFeatures::enabled() };
    }
    let descriptor = wgpu::DeviceDescriptor {
        label: Some("zowarmup"),
        required_features: features,
        required_limits: adapter.limits(),
        experimental_features,
        ..Default::default()
    };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).map_err(|e| e.to_string())?;
    Ok(Opened { device, queue, timestamps })
}
