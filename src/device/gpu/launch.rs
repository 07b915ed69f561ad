//! Launching pipelines for the first time, on operands that stand in for real ones.

use super::faults::scoped;
use super::pipelines::Pipeline;
use super::texture::Texture;
use crate::device::DeviceError;
use crate::shaders::reflect::{Access, Texel};

/// Bytes of a buffer that stands in for an operand: more than any block or element that a shader declares.
const STAND_IN: u64 = 4096;

/// Bindings that are made ready to be stood in for: the uniform block and the most storage buffers that a kernel has.
const STAND_INS: usize = 9;

/// Launches pipelines without workgroups: nothing is computed, but the driver must have their code.
pub struct Launcher {
    device: wgpu::Device,
    queue: wgpu::Queue,
    buffers: Vec<wgpu::Buffer>,
    textures: Vec<Texture>,
}

impl Launcher {
    /// On a device.
    pub fn new(device: wgpu::Device, queue: wgpu::Queue) -> Result<Self, DeviceError> {
        let (buffers, textures) = scoped(&device, || {
            let buffer = |_| {
                device.create_buffer(&wgpu::BufferDescriptor {
                    label: Some("stand-in"),
                    size: STAND_IN,
                    usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM,
                    mapped_at_creation: false,
                })
            };
            let texture = |texel| Texture::stand_in(&device, texel);
            let textures = [Texel::Quad, Texel::Scalar, Texel::Words].map(texture).into();
            ((0..STAND_INS).map(buffer).collect(), textures)
        })?;
        Ok(Self { device, queue, buffers, textures })
    }

    /// The device.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// Launches a pipeline and waits for it.
    pub fn launch(&self, pipeline: &Pipeline) -> Result<(), DeviceError> {
        let missing = || DeviceError::Internal("a kernel with more bindings than stand-ins".to_owned());
        let resource = |(index, access): (usize, &Access)| match access {
            Access::Texels(texel) => {
                let found = self.textures.iter().find(|t| t.texel == *texel).ok_or_else(missing)?;
                Ok(wgpu::BindingResource::TextureView(&found.view))
            }
            _ => Ok(self.buffers.get(index + 1).ok_or_else(missing)?.as_entire_binding()),
        };
        let uniform = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
            buffer: self.buffers.first().ok_or_else(missing)?,
            offset: 0,
            size: std::num::NonZeroU64::new(pipeline.params_bytes()),
        });
        let others = pipeline.accesses().iter().enumerate().map(resource).collect::<Result<Vec<_>, DeviceError>>()?;
        let entries: Vec<_> = [uniform]
            .into_iter()
            .chain(others)
            .enumerate()
            .map(|(i, resource)| wgpu::BindGroupEntry { binding: i as u32, resource })
            .collect();
        scoped(&self.device, || {
            let group = self.device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("stand-ins"),
                layout: pipeline.layout(),
                entries: &entries,
            });
            let mut encoder =
                self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("first launch") });
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                pass.set_pipeline(&pipeline.pipeline);
                pass.set_bind_group(0, &group, &[0]);
                pass.dispatch_workgroups(0, 0, 0);
            }
            self.queue.submit([encoder.finish()]);
        })?;
        self.device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| DeviceError::Lost(e.to_string()))?;
        Ok(())
    }
}
