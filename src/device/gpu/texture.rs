//! One texture that shadows a span: rows of 8192 f32, read as quads, single values or words.

use crate::recording::Span;
use crate::shaders::TEXEL_ROW;
use crate::shaders::reflect::Texel;

/// Bytes of a texture's row.
pub const ROW: u64 = 4 * TEXEL_ROW as u64;

/// A texture and the view that kernels bind.
pub struct Texture {
    texture: wgpu::Texture,
    pub view: wgpu::TextureView,
    pub texel: Texel,
    pub rows: u64,
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

/// Rows of a span's texture, in steps of at most a quarter, so that spans of about a size can take turns. Never a power of two: llvmpipe
/// compiles a kernel once for operands of such heights and once for others, in every combination.
pub fn rows(bytes: u64) -> u64 {
    let rows = bytes.div_ceil(ROW).max(1);
    let mut rows = rows.next_multiple_of((rows.next_power_of_two() / 8).max(1));
    while rows.is_power_of_two() {
        rows += (rows / 16).max(1);
    }
    rows
}

/// Whether an adapter's kernels can read texels: all three formats, in rows of 8192 f32.
pub fn able(adapter: &wgpu::Adapter) -> bool {
    let readable = |texel| {
        let features = adapter.get_texture_format_features(format(texel));
        features.allowed_usages.contains(wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_DST)
            && features.flags.contains(wgpu::TextureFormatFeatureFlags::STORAGE_READ_ONLY)
    };
    let wide = u64::from(adapter.limits().max_texture_dimension_2d) >= ROW / 4;
    wide && [Texel::Quad, Texel::Scalar, Texel::Words].into_iter().all(readable)
}

impl Texture {
    /// One of so many rows.
    pub fn new(device: &wgpu::Device, texel: Texel, rows: u64) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("texels"),
            size: extent(ROW / texel_bytes(texel), rows),
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: format(texel),
            usage: wgpu::TextureUsages::STORAGE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
        Self { texture, view, texel, rows }
    }

    /// The smallest, which stands in for any of its kind where nothing is read.
    pub fn stand_in(device: &wgpu::Device, texel: Texel) -> Self {
        Self::new(device, texel, rows(0))
    }

    /// Copies a span of a buffer into it.
    pub fn copy(&self, encoder: &mut wgpu::CommandEncoder, buffer: &wgpu::Buffer, span: &Span) {
        // The last row ends with the quad that holds the last byte; buffers are whole quads.
        let (whole, rest) = (span.bytes / ROW, (span.bytes % ROW).next_multiple_of(16));
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
            let mut target = self.texture.as_image_copy();
            target.origin.y = first as u32;
            encoder.copy_buffer_to_texture(source, target, extent(width / texel_bytes(self.texel), height));
        }
    }
}

fn extent(width: u64, height: u64) -> wgpu::Extent3d {
    wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_hold_the_span_in_coarse_steps_and_are_no_power_of_two() {
        for bytes in (0..2000).map(|i| i * 1111).chain([ROW, 2 * ROW, 64 * ROW, 1 << 27]) {
            let (rows, needed) = (rows(bytes), bytes.div_ceil(ROW));
            assert!(rows >= needed && !rows.is_power_of_two(), "{bytes}: {rows}");
            assert!(rows <= needed + needed / 4 + 3, "{bytes}: {rows} for {needed}");
        }
    }
}
