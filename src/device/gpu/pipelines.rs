//! Pipelines, made once per kernel and variant; bind groups, made once per pipeline and buffers.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use super::buffers::Buffers;
use super::texels::Texels;
use super::texture;
use crate::device::DeviceError;
use crate::recording::kernel::Variant;
use crate::recording::{BufferId, Command, Dispatch, Recording, Span};
use crate::shaders::reflect::{self, Access, Texel};
use crate::shaders::{self, Expanded, Flavour, Overrides};

/// A compiled kernel.
pub struct Pipeline {
    pub pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
    params_bytes: u64,
    /// Bindings 1, 2, ...
    accesses: Vec<Access>,
}

impl Pipeline {
    /// The layout of its bindings.
    pub fn layout(&self) -> &wgpu::BindGroupLayout {
        &self.layout
    }

    /// Bytes of its uniform block.
    pub fn params_bytes(&self) -> u64 {
        self.params_bytes
    }

    /// How it uses bindings 1, 2, ...
    pub fn accesses(&self) -> &[Access] {
        &self.accesses
    }

    /// The spans of a dispatch that the kernel reads as texels: whole quads, as textures are copied, so that kernels which count a
    /// vector's values and those which count its quads share one.
    pub fn texels<'a>(&'a self, dispatch: &'a Dispatch) -> impl Iterator<Item = (Span, Texel)> + 'a {
        self.accesses.iter().zip(&dispatch.bindings).filter_map(|(access, span)| match access {
            Access::Texels(texel) => Some((span.whole_quads(), *texel)),
            _ => None,
        })
    }

    /// The spans of a dispatch that the kernel writes.
    pub fn written<'a>(&'a self, dispatch: &'a Dispatch) -> impl Iterator<Item = Span> + 'a {
        let both = self.accesses.iter().zip(&dispatch.bindings);
        both.filter(|(access, _)| **access == Access::ReadWrite).map(|(_, span)| *span)
    }
}

/// A compiled kernel: name, variant, whether it reads texels where it can.
type PipelineKey = (&'static str, Variant, bool);
/// With the textures that its texels lie in.
type GroupKey = (PipelineKey, Vec<Span>, Vec<u32>);

/// A pipeline to be made.
pub struct Job {
    key: PipelineKey,
    source: Expanded,
    overrides: Overrides,
}

impl Job {
    /// What it takes, roughly: longer sources take longer.
    pub fn weight(&self) -> usize {
        self.source.text().len()
    }

    /// Compiles it, or finds it in a cache of the device.
    pub fn make(&self, device: &wgpu::Device, cache: Option<&wgpu::PipelineCache>) -> Result<Pipeline, DeviceError> {
        super::faults::scoped(device, || compile(device, cache, self.key.0, &self.source, &self.overrides))?
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.key.0, self.key.1)
    }
}

/// The caches.
pub struct Pipelines {
    flavour: Flavour,
    alignment: u64,
    made: HashMap<PipelineKey, Arc<Pipeline>>,
    groups: HashMap<GroupKey, wgpu::BindGroup>,
}

/// Above this many bind groups the cache starts anew: chunk windows of many shapes must not pile up.
const GROUPS_KEPT: usize = 4096;

impl Pipelines {
    pub fn new(flavour: Flavour, alignment: u64) -> Self {
        Self { flavour, alignment, made: HashMap::new(), groups: HashMap::new() }
    }

    /// Drops bind groups of a buffer that is given back.
    pub fn forget(&mut self, id: BufferId) {
        self.groups.retain(|(_, spans, _), _| spans.iter().all(|s| s.buffer != id));
    }

    /// Drops bind groups of textures that are gone.
    pub fn forget_slots(&mut self, gone: &[u32]) {
        if !gone.is_empty() {
            self.groups.retain(|(_, _, slots), _| slots.iter().all(|s| !gone.contains(s)));
        }
    }

    /// Drops all bind groups: the uniform buffer or textures they name were replaced.
    pub fn forget_groups(&mut self) {
        self.groups.clear();
    }

    /// The pipeline of a dispatch, if it was made. `texels` false: storage buffers even where the device prefers texels.
    pub fn get(&self, dispatch: &Dispatch, texels: bool) -> Option<Arc<Pipeline>> {
        let key = (dispatch.kernel.name, dispatch.variant.clone(), texels && self.flavour.texels);
        self.made.get(&key).map(Arc::clone)
    }

    /// What makes the pipeline of a dispatch.
    pub fn job(&self, dispatch: &Dispatch, texels: bool) -> Result<Job, DeviceError> {
        let flavour = Flavour { texels: texels && self.flavour.texels, ..self.flavour };
        let key = (dispatch.kernel.name, dispatch.variant.clone(), flavour.texels);
        let (source, overrides) = shaders::specialise(dispatch.kernel, flavour, &dispatch.variant)?;
        Ok(Job { key, source, overrides })
    }

    /// What makes the pipelines of recordings that aren't there, each once.
    pub fn missing(&self, recordings: &[&Recording]) -> Result<Vec<Job>, DeviceError> {
        let mut jobs = Vec::new();
        let mut seen = HashSet::new();
        for command in recordings.iter().flat_map(|recording| recording.commands()) {
            if let Command::Dispatch(dispatch) = command
                && self.get(dispatch, true).is_none()
                && seen.insert((dispatch.kernel.name, &dispatch.variant))
            {
                jobs.push(self.job(dispatch, true)?);
            }
        }
        Ok(jobs)
    }

    /// Takes a pipeline in.
    pub fn insert(&mut self, job: Job, pipeline: Arc<Pipeline>) {
        self.made.insert(job.key, pipeline);
    }

    /// The bind group of a dispatch, whose texels lie in the textures given. Binding 0 is the shared uniform buffer at a dynamic offset.
    pub fn group(
        &mut self,
        device: &wgpu::Device,
        buffers: &Buffers,
        (texels, slots): (&Texels, &[u32]),
        uniforms: &wgpu::Buffer,
        pipeline: &Pipeline,
        dispatch: &Dispatch,
    ) -> Result<&wgpu::BindGroup, DeviceError> {
        if dispatch.bindings.len() < pipeline.accesses.len() || (dispatch.params.len() as u64) < pipeline.params_bytes {
            return Err(DeviceError::Internal(format!(
                "kernel {}: {} bindings and {} B of parameters given, {} and {} B declared",
                dispatch.kernel.name,
                dispatch.bindings.len(),
                dispatch.params.len(),
                pipeline.accesses.len(),
                pipeline.params_bytes
            )));
        }
        let shadowed = pipeline.texels(dispatch).next().is_some();
        let key =
            ((dispatch.kernel.name, dispatch.variant.clone(), shadowed), dispatch.bindings.clone(), slots.to_vec());
        if self.groups.len() > GROUPS_KEPT {
            self.groups.clear();
        }
        if !self.groups.contains_key(&key) {
            let mut entries = vec![entry(0, uniforms, 0, pipeline.params_bytes)];
            let mut slots = slots.iter();
            for (i, (span, access)) in dispatch.bindings.iter().zip(&pipeline.accesses).enumerate() {
                if let Access::Texels(_) = access {
                    let slot = slots.next().ok_or_else(|| DeviceError::Internal(format!("no texels of {span:?}")))?;
                    let resource = wgpu::BindingResource::TextureView(texels.view(*slot)?);
                    entries.push(wgpu::BindGroupEntry { binding: i as u32 + 1, resource });
                    continue;
                }
                if !span.offset.is_multiple_of(self.alignment) {
                    let (kernel, alignment) = (dispatch.kernel.name, self.alignment);
                    return Err(DeviceError::Internal(format!(
                        "kernel {kernel}: {span:?} is not aligned to {alignment}"
                    )));
                }
                // Buffers are whole quads, and so are bindings: kernels may read the last values as one.
                let bytes = span.bytes.max(4).next_multiple_of(16);
                entries.push(entry(i as u32 + 1, buffers.get(span.buffer)?, span.offset, bytes));
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
    cache: Option<&wgpu::PipelineCache>,
    name: &str,
    source: &Expanded,
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
        wgpu::ShaderModuleDescriptor { label: Some(name), source: wgpu::ShaderSource::Wgsl(source.text().into()) };
    let module = if cfg!(debug_assertions) {
        device.create_shader_module(descriptor)
    } else {
        // SAFETY: each index of a kernel lies within its bindings: it is bounded by counts of the uniform block and of the lanes, or
        // clamped to them, four neighbours of a row are read from the quads that hold the row's own values
        // (shaders/lib/values.wgsl:window), and `Pipelines::group` binds whole quads. Indices that are data (labels, rows of a page) are
        // checked when they are read. Each loop ends at such a count or a constant. The test suite, a debug build, runs every kernel
        // with all checks on, at sizes that don't divide the tiles; the self-test, also of a release build, with NaN around each span.
        // The checks cost up to half of the speed.
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
        cache,
    });
    Ok(Pipeline {
        pipeline,
        layout,
        params_bytes: u64::from(interface.params_bytes),
        accesses: interface.bindings[1..].to_vec(),
    })
}

fn layout_entry(binding: u32, access: Access) -> wgpu::BindGroupLayoutEntry {
    let buffer =
        |ty| wgpu::BindingType::Buffer { ty, has_dynamic_offset: access == Access::Uniform, min_binding_size: None };
    let ty = match access {
        Access::Uniform => buffer(wgpu::BufferBindingType::Uniform),
        Access::Read => buffer(wgpu::BufferBindingType::Storage { read_only: true }),
        Access::ReadWrite => buffer(wgpu::BufferBindingType::Storage { read_only: false }),
        Access::Texels(texel) => wgpu::BindingType::StorageTexture {
            access: wgpu::StorageTextureAccess::ReadOnly,
            format: texture::format(texel),
            view_dimension: wgpu::TextureViewDimension::D2,
        },
    };
    wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::COMPUTE, ty, count: None }
}
