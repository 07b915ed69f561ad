//! Texels: storage textures that shadow spans of buffers, for kernels that read their operands with `textureLoad`.
//!
//! A texture has rows of 8192 f32. It is copied from its span before a dispatch that reads it, if the span was written since the last
//! copy. Software adapters gather a storage buffer's vec4 lane by lane and load a texel in a tenth of that time, so they use texels;
//! GPUs don't. `ZOWARMUP_TEXELS=0` or `=1` decides for every adapter instead. A span that doesn't fit a texture, or whose
//! texture doesn't fit the memory budget, is read as a storage buffer.

use std::collections::HashMap;

use super::buffers::Buffers;
use crate::device::{AdapterKind, DeviceError};
use crate::kernels::reflect::Texel;
use crate::plan::{BufferId, Span};

/// Bytes of a texture's row, 8192 f32.
const ROW: u64 = 32 << 10;

/// Above this many textures all are dropped before the next recording: chunk windows of many shapes must not pile up.
const KEPT: usize = 256;

struct Shadow {
    texture: wgpu::Texture,
    view: wgpu::TextureView,
    stale: bool,
}

/// The textures.
#[derive(Default)]
pub struct Texels {
    /// Most rows of a texture; 0: the adapter reads storage buffers.
    max_rows: u32,
    shadows: HashMap<(Span, Texel), Shadow>,
    bytes: u64,
}

/// wgpu's name of a texel's format.
pub fn format(texel: Texel) -> wgpu::TextureFormat {
    match texel {
        Texel::Quad => wgpu::TextureFormat::Rgba32Float,
        Texel::Scalar => wgpu::TextureFormat::R32Float,
        Texel::Words => wgpu::TextureFormat::Rgba32Uint,
    }
}

fn texel_bytes(texel: Texel) -> u64 {
    match texel {
        Texel::Quad | Texel::Words => 16,
        Texel::Scalar => 4,
    }
}

fn rows(span: &Span) -> u64 {
    span.bytes.div_ceil(ROW).max(1)
}

impl Texels {
    /// No textures yet; whether there will be any depends on the adapter and `ZOWARMUP_TEXELS`.
    pub fn new(adapter: &wgpu::Adapter, kind: AdapterKind) -> Self {
        let wanted = match std::env::var("ZOWARMUP_TEXELS").as_deref() {
            Ok("0") => false,
            Ok("1") => true,
            _ => kind == AdapterKind::Software,
        };
        let readable = |texel| {
            let features = adapter.get_texture_format_features(format(texel));
            features.allowed_usages.contains(wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_DST)
                && features.flags.contains(wgpu::TextureFormatFeatureFlags::STORAGE_READ_ONLY)
        };
        let side = adapter.limits().max_texture_dimension_2d;
        let able = [Texel::Quad, Texel::Scalar, Texel::Words].into_iter().all(readable) && u64::from(side) >= ROW / 4;
        Self { max_rows: if wanted && able { side } else { 0 }, ..Self::default() }
    }

    /// Whether kernels read texels on this device.
    pub fn wanted(&self) -> bool {
        self.max_rows > 0
    }

    /// Bytes of all textures.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether so many textures were made that they had better be dropped.
    pub fn crowded(&self, memory: u64) -> bool {
        self.shadows.len() > KEPT || self.bytes > memory / 4
    }

    /// Drops all textures.
    pub fn clear(&mut self) {
        self.shadows.clear();
        self.bytes = 0;
    }

    /// Drops the textures of a buffer that is given back.
    pub fn forget(&mut self, id: BufferId) {
        self.shadows.retain(|(span, _), _| span.buffer != id);
        self.bytes = self.shadows.keys().map(|(span, _)| rows(span) * ROW).sum();
    }

    /// Makes the textures that are missing. False, and nothing made, where one passes the adapter's size or all together would
    /// take more than `free` bytes, or where a span does not start on a texel.
    pub fn make(&mut self, device: &wgpu::Device, wanted: &[(Span, Texel)], free: u64) -> bool {
        let missing: Vec<_> = wanted.iter().filter(|key| !self.shadows.contains_key(*key)).collect();
        let more: u64 = missing.iter().map(|(span, _)| rows(span) * ROW).sum();
        let fits =
            |(span, _): &&(Span, Texel)| span.offset.is_multiple_of(16) && rows(span) <= u64::from(self.max_rows);
        if self.bytes + more > free || !missing.iter().all(fits) {
            return false;
        }
        for (span, texel) in missing {
            let texture = device.create_texture(&wgpu::TextureDescriptor {
                label: Some("texels"),
                size: extent(ROW / texel_bytes(*texel), rows(span)),
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format: format(*texel),
                usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            });
            let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
            let shadow = Shadow { texture, view, stale: true };
            if self.shadows.insert((*span, *texel), shadow).is_none() {
                self.bytes += rows(span) * ROW;
            }
        }
        true
    }

    /// The view that a kernel binds; [`Self::make`] came before.
    pub fn view(&self, span: Span, texel: Texel) -> Result<&wgpu::TextureView, DeviceError> {
        let found = self.shadows.get(&(span, texel));
        found.map(|s| &s.view).ok_or_else(|| DeviceError::Internal(format!("no texels of {span:?}")))
    }

    /// Notes that a span was written.
    pub fn written(&mut self, by: &Span) {
        for ((span, _), shadow) in &mut self.shadows {
            let apart = span.offset + span.bytes <= by.offset || by.offset + by.bytes <= span.offset;
            shadow.stale |= span.buffer == by.buffer && !apart;
        }
    }

    /// Whether none of them needs a copy.
    pub fn fresh(&self, wanted: &[(Span, Texel)]) -> bool {
        wanted.iter().all(|key| self.shadows.get(key).is_some_and(|s| !s.stale))
    }

    /// Copies the spans that were written since their last copy.
    pub fn refresh(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        buffers: &Buffers,
        wanted: &[(Span, Texel)],
    ) -> Result<(), DeviceError> {
        for key in wanted {
            let Some(shadow) = self.shadows.get_mut(key).filter(|s| s.stale) else {
                continue;
            };
            let (span, texel) = key;
            let (buffer, whole) = (buffers.get(span.buffer)?, span.bytes / ROW);
            // The last row ends with the quad that holds the last byte; buffers are whole quads.
            let rest = (span.bytes % ROW).next_multiple_of(16);
            let parts = [(0, ROW, whole), (whole, rest, u64::from(rest > 0))];
            for (first, width, height) in parts.into_iter().filter(|(_, _, height)| *height > 0) {
                let source = wgpu::TexelCopyBufferInfo {
                    buffer,
                    layout: wgpu::TexelCopyBufferLayout {
                        offset: span.offset + first * ROW,
                        bytes_per_row: Some(ROW as u32),
                        rows_per_image: None,
                    },
                };
                let mut target = shadow.texture.as_image_copy();
                target.origin.y = first as u32;
                encoder.copy_buffer_to_texture(source, target, extent(width / texel_bytes(*texel), height));
            }
            shadow.stale = false;
        }
        Ok(())
    }
}

fn extent(width: u64, height: u64) -> wgpu::Extent3d {
    wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 }
}

#[cfg(test)]
mod tests {
    use crate::device::{Device, Selection, as_f32, open};
    use crate::kernels::linear::{self, Params};
    use crate::kernels::params::{ABSENT, Lane, Lanes};
    use crate::kernels::tiling::{Operands, Product, Tiling};
    use crate::plan::{Recording, Span};
    use crate::reference::ReferenceDevice;

    const ROWS: u32 = 150;
    const WIDTH: u32 = 70;

    fn values(n: u32, factor: u32) -> Vec<f32> {
        (0..n).map(|i| (i.wrapping_mul(factor) >> 8) as f32 / 16_777_216.0 - 0.5).collect()
    }

    /// Three layers of the same weights, which an upload changes in the middle before the last; then all again with other inputs.
    fn layers(device: &mut dyn Device) -> Vec<f32> {
        let mut make = |n: u32| Span::of(device.create_buffer("values", u64::from(n) * 4).unwrap(), u64::from(n) * 4);
        // Texture rows hold 8192 values: all operands take one whole row and part of another.
        let (w, x, y, z, table) =
            (make(3 * WIDTH * WIDTH), make(ROWS * WIDTH), make(ROWS * WIDTH), make(ROWS * WIDTH), make(8));
        let lane = [Lane { rows: ROWS, ..Lane::default() }];
        let lanes = Lanes::new(table, &lane);
        let how = Product { tiling: Tiling::of(device.info()), perturbed: None };
        let layer = |rec: &mut Recording, weight_offset: u32, from: Span, to: Span| {
            let params =
                Params { inputs: WIDTH, outputs: WIDTH, weight_offset, bias_offset: ABSENT, from_batch: 1, relu: 1 };
            linear::record(rec, &lanes, &how, &params, &Operands { weights: w, x: from, y: to });
        };
        let mut results = Vec::new();
        let mut rec = Recording::new();
        rec.upload(table.buffer, 0, &lane);
        rec.upload(w.buffer, 0, &values(3 * WIDTH * WIDTH, 2_654_435_761));
        for round in 0..2 {
            rec.upload(x.buffer, 0, &values(ROWS * WIDTH, 2_246_822_519 + 2 * round));
            layer(&mut rec, 0, x, y);
            layer(&mut rec, WIDTH * WIDTH, y, z);
            rec.upload(w.buffer, 4 * u64::from(2 * WIDTH * WIDTH), &values(WIDTH, 97 + round));
            layer(&mut rec, 2 * WIDTH * WIDTH, z, y);
            rec.copy(y, x);
            layer(&mut rec, 0, x, z);
            rec.read_back(z);
            results.extend(device.run(&rec).unwrap().into_iter().flat_map(|bytes| as_f32(&bytes)));
            rec = Recording::new();
        }
        results
    }

    #[test]
    fn texels_follow_every_kind_of_write() {
        let Ok(mut device) = open(&Selection::default()) else {
            println!("skipped: no adapter");
            return;
        };
        let (found, twins) = (layers(device.as_mut()), layers(&mut ReferenceDevice::new(None)));
        assert_eq!(found.len(), twins.len());
        // Four products of 70 terms below 1/4 each, rounded in another order at worst.
        for (i, (a, b)) in found.iter().zip(&twins).enumerate() {
            assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{i}: {a} and {b}");
        }
    }

    #[test]
    fn commands_on_unknown_buffers_are_refused() {
        let Ok(mut device) = open(&Selection::default()) else {
            println!("skipped: no adapter");
            return;
        };
        let known = device.create_buffer("known", 64).unwrap();
        let gone = device.create_buffer("gone", 64).unwrap();
        device.destroy_buffer(gone);
        let (known, gone) = (Span::of(known, 64), Span::of(gone, 64));
        let refused = |fill: &dyn Fn(&mut Recording)| {
            let mut rec = Recording::new();
            fill(&mut rec);
            rec
        };
        for rec in [
            refused(&|rec| rec.upload(gone.buffer, 0, &[1u32])),
            refused(&|rec| rec.clear(gone)),
            refused(&|rec| rec.copy(known, gone)),
            refused(&|rec| rec.copy(gone, known)),
            refused(&|rec| rec.read_back(gone)),
        ] {
            assert!(matches!(device.run(&rec), Err(crate::device::DeviceError::NoBuffer(_))), "{rec}");
        }
    }
}
