//! Pipelines, made once per kernel and variant; bind groups, made once per pipeline and buffers.

use std::collections::HashMap;
use std::sync::Arc;

use super::buffers::Buffers;
use crate::device::DeviceError;
use crate::kernels::reflect::{self, Access};
use crate::kernels::shaders::{self, Tier};
use crate::kernels::{Kernel, Variant};
use crate::plan::{BufferId, Dispatch, Span};

/// A compiled kernel.
pub struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    params_bytes: u64,
    bindings: usize,
}

type GroupKey = (&'static str, Variant, Vec<Span>);

/// The caches.
pub struct Pipelines {
    tier: Tier,
    alignment: u64,
    made: HashMap<(&'static str, Variant), Arc<Pipeline>>,
    groups: HashMap<GroupKey, wgpu::BindGroup>,
}

/// Above this many bind groups the cache starts anew: chunk windows of many shapes must not pile up.
const GROUPS_KEPT: usize = 4096;

impl Pipelines {
    pub fn new(tier: Tier, alignment: u64) -> Self {
        Self { tier, alignment, made: HashMap::new(), groups: HashMap::new() }
    }

    /// Drops bind groups of a buffer that is given back.
    pub fn forget(&mut self, id: BufferId) {
        self.groups.retain(|(_, _, spans), _| spans.iter().all(|s| s.buffer != id));
    }

    /// Drops all bind groups: the uniform buffer they name was replaced.
    pub fn forget_groups(&mut self) {
        self.groups.clear();
    }

    /// The pipeline of a dispatch, compiled on first use.
    pub fn pipeline(
        &mut self,
        device: &wgpu::Device,
        kernel: &'static Kernel,
        variant: &Variant,
    ) -> Result<Arc<Pipeline>, DeviceError> {
        if let Some(found) = self.made.get(&(kernel.name, variant.clone())) {
            return Ok(Arc::clone(found));
        }
        let (source, overrides) = shaders::specialise(kernel.name, self.tier, variant)?;
        let pipeline = Arc::new(compile(device, kernel.name, &source, &overrides)?);
        self.made.insert((kernel.name, variant.clone()), Arc::clone(&pipeline));
        Ok(pipeline)
    }

    /// The bind group of a dispatch. Binding 0 is the shared uniform buffer at a dynamic offset.
    pub fn group(
        &mut self,
        device: &wgpu::Device,
        buffers: &Buffers,
        uniforms: &wgpu::Buffer,
        pipeline: &Pipeline,
        dispatch: &Dispatch,
    ) -> Result<&wgpu::BindGroup, DeviceError> {
        if dispatch.bindings.len() + 1 != pipeline.bindings || (dispatch.params.len() as u64) < pipeline.params_bytes {
            return Err(DeviceError::Internal(format!(
                "kernel {}: {} bindings and {} B of parameters given, {} and {} B declared",
                dispatch.kernel.name,
                dispatch.bindings.len(),
                dispatch.params.len(),
                pipeline.bindings - 1,
                pipeline.params_bytes
            )));
        }
        let key = (dispatch.kernel.name, dispatch.variant.clone(), dispatch.bindings.clone());
        if self.groups.len() > GROUPS_KEPT {
            self.groups.clear();
        }
        if !self.groups.contains_key(&key) {
            let mut entries = vec![entry(0, uniforms, 0, pipeline.params_bytes)];
            for (i, span) in dispatch.bindings.iter().enumerate() {
                if !span.offset.is_multiple_of(self.alignment) {
                    let (kernel, alignment) = (dispatch.kernel.name, self.alignment);
                    return Err(DeviceError::Internal(format!(
                        "kernel {kernel}: {span:?} is not aligned to {alignment}"
                    )));
                }
                entries.push(entry(i as u32 + 1, buffers.get(span.buffer)?, span.offset, span.bytes.max(4)));
            }
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some(dispatch.kernel.name),
                layout: &pipeline.layout,
                entries: &entries,
            });
            self.groups.insert(key.clone(), group);
        }
        self.groups.get(&key).ok_or_else(|| DeviceError::Internal("bind group cache".to_owned()))
    }
}

fn entry(binding: u32, buffer: &wgpu::Buffer, offset: u64, bytes: u64) -> wgpu::BindGroupEntry<'_> {
    let resource =
        wgpu::BindingResource::Buffer(wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(bytes) });
    wgpu::BindGroupEntry { binding, resource }
}

fn compile(
    device: &wgpu::Device,
    name: &str,
    source: &str,
    overrides: &[(&str, f64)],
) -> Result<Pipeline, DeviceError> {
    let interface = reflect::interface(name, source)?;
    let entries: Vec<_> = interface.bindings.iter().enumerate().map(|(i, a)| layout_entry(i as u32, *a)).collect();
    let layout =
        device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(name), entries: &entries });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(name),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let descriptor =
        wgpu::ShaderModuleDescriptor { label: Some(name), source: wgpu::ShaderSource::Wgsl(source.into()) };
    let module = if cfg!(debug_assertions) {
        device.create_shader_module(descriptor)
    } else {
        // SAFETY: the kernels' indices stay within their bindings and their loops end; the test suite, a debug build, runs
        // every kernel with all checks on, at sizes that don't divide the tiles. The checks cost up to half of the speed.
        unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
    };
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(name),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: overrides,
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    });
    Ok(Pipeline {
        pipeline,
        layout,
        params_bytes: u64::from(interface.params_bytes),
        bindings: interface.bindings.len(),
    })
}

fn layout_entry(binding: u32, access: Access) -> wgpu::BindGroupLayoutEntry {
    let ty = match access {
        Access::Uniform => wgpu::BufferBindingType::Uniform,
        Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
        Access::ReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
    };
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: access == Access::Uniform, min_binding_size: None },
        count: None,
    }
}
