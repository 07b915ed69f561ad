//! Convolutions by strips of neighbouring pixels (`shaders/lib/strips.wgsl:sums`): how a thread's tile is cut for a device and a problem.
//!
//! A thread reads its window once for all taps, in quads where image rows are whole quads. An implicit matrix product reads it tap by tap,
//! one f32 after another: on a software adapter a third of its time, where the sums of a tile that small take a half. The sums are added
//! in the same order, so both give the same bits.

use super::geometry::Geometry;
use super::moments::{Moments, Parts};
use super::params::Lanes;
use super::tiling::{Product, Tiling};
use crate::caps::Layout;
use crate::recording::kernel::Variant;
use crate::shaders::QUADS;

/// Pixels of a strip, and of what is read for one of a gradient.
const PIXELS: u32 = 4;

/// Products of a channel and thread, at most: they are a straight line of code, which a software adapter takes seconds to compile.
const MOST_PRODUCTS: u32 = 2048;

/// How a convolution is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strips {
    /// Threads and rows of weights; `tile_q` is the pixels of a strip.
    tiling: Tiling,
    /// Strips of a thread, one below the other.
    rows: u32,
    /// Image rows are whole quads.
    quads: bool,
}

impl Strips {
    /// Of a convolution on a device; none where it goes by an implicit matrix product.
    pub fn of(tiling: Tiling, geometry: &Geometry) -> Option<Self> {
        if tiling.strips { Self::fitting(tiling, geometry) } else { None }
    }

    /// Of the gradient of a convolution's input, where that is a convolution itself.
    pub fn of_gradient(tiling: Tiling, geometry: &Geometry) -> Option<Self> {
        if tiling.strips { Self::fitting_gradient(tiling, geometry) } else { None }
    }

    /// Of a convolution, on whatever device; none where windows or subgroups are large (their products are a straight line of code),
    /// channels lie last, or more than three strips in ten would lie outside of the image.
    pub fn fitting(tiling: Tiling, geometry: &Geometry) -> Option<Self> {
        Self::cut_into(PIXELS, tiling, geometry)
    }

    /// Of such a gradient: a convolution over the output, whose pixels are a stride apart. A strip is so many quads, so that it reads one.
    pub fn fitting_gradient(tiling: Tiling, geometry: &Geometry) -> Option<Self> {
        let padding = geometry.kernel.checked_sub(1)?.checked_sub(geometry.padding)?;
        Self::cut_into(PIXELS * geometry.stride, tiling, &Geometry { padding, ..turned(geometry) })
    }

    fn cut_into(pixels: u32, tiling: Tiling, geometry: &Geometry) -> Option<Self> {
        let [channels, height, width] = geometry.output;
        // A subgroup shares 8 or 16 rows; a GPU's is too wide, and in the core tier there is none.
        let share = if tiling.share > 16 { 1 } else { tiling.share };
        let rows = if height == PIXELS || share == 1 && height.is_multiple_of(PIXELS) { 4 } else { 2 };
        let tile_o = (if share == 1 { 16 * PIXELS / (rows * pixels) } else { 8 / share }).max(1);
        let tiling = Tiling { teams: 1, share, tile_o, tile_q: pixels, ..tiling }.for_rows(channels);
        let covered = height.next_multiple_of(rows) * width.next_multiple_of(pixels);
        let taps = geometry.kernel * geometry.kernel / (pixels / PIXELS).pow(2);
        let products = taps * rows * pixels * tiling.tile_o * tiling.share;
        let fits = geometry.layout == Layout::ChannelsFirst
            && geometry.kernel <= 5
            && geometry.stride <= 2
            && products <= MOST_PRODUCTS
            && 10 * height * width >= 7 * covered;
        let quads = geometry.input[2].is_multiple_of(PIXELS) && width.is_multiple_of(PIXELS);
        fits.then_some(Self { tiling, rows, quads })
    }

    /// Threads of a sample's output image.
    fn per_sample(&self, geometry: &Geometry) -> u32 {
        geometry.output[1].div_ceil(self.rows) * geometry.output[2].div_ceil(self.tiling.tile_q)
    }

    /// Channels of a team.
    fn team_rows(&self) -> u32 {
        self.tiling.tile_o * self.tiling.share
    }

    /// The moments that it leaves of an output whose channels are in so many groups: those of each thread. None where a thread's values
    /// would mix groups or lie outside, or are few.
    pub fn moments(&self, geometry: &Geometry, groups: u32) -> Option<Moments> {
        let ([channels, height, width], values) = (geometry.output, self.team_rows() * self.rows * PIXELS);
        let whole = values >= 32
            && (channels / groups).is_multiple_of(self.team_rows())
            && height.is_multiple_of(self.rows)
            && width.is_multiple_of(PIXELS);
        whole.then(|| {
            let count = channels / groups * geometry.pixels() / values;
            Moments { parts: Parts::Groups { count, values, segment: PIXELS }, row: 2 * groups * count }
        })
    }

    /// The constants and defines of a convolution, beside those of what comes after its sums.
    pub fn variant(&self, how: &Product, geometry: &Geometry) -> Variant {
        self.cut(how.variant(self.tiling, geometry.depth()), geometry)
    }

    /// Those of the gradient of a convolution's input.
    pub fn gradient_variant(&self, geometry: &Geometry) -> Variant {
        self.cut(self.tiling.variant(), &turned(geometry)).with("FLIPPED", 1)
    }

    fn cut(&self, variant: Variant, geometry: &Geometry) -> Variant {
        let whole = |axis: usize, cut: u32| if geometry.output[axis] <= cut { geometry.input[axis] } else { 0 };
        let variant = geometry
            .window(variant)
            .with("STRIPS", self.rows)
            .with("WHOLE_H", whole(1, self.rows))
            .with("WHOLE_W", whole(2, self.tiling.tile_q))
            .in_way("strips");
        if self.quads { variant.define(QUADS) } else { variant }
    }

    /// The workgroups of a convolution.
    pub fn grid(&self, lanes: &Lanes, geometry: &Geometry) -> [u32; 3] {
        let threads = lanes.max_rows * self.per_sample(geometry);
        let tiles = geometry.output[0].div_ceil(self.tiling.tile_rows());
        [tiles, threads.div_ceil(self.tiling.members), lanes.count]
    }

    /// Those of the gradient of a convolution's input.
    pub fn gradient_grid(&self, lanes: &Lanes, geometry: &Geometry) -> [u32; 3] {
        self.grid(lanes, &turned(geometry))
    }
}

/// A convolution's output as what is read, its input as what is written.
fn turned(geometry: &Geometry) -> Geometry {
    Geometry { input: geometry.output, output: geometry.input, ..*geometry }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(input: [u32; 3], channels: u32, kernel: u32, stride: u32) -> Geometry {
        let out = |size: u32| (size + kernel / 2 * 2 - kernel) / stride + 1;
        let output = [channels, out(input[1]), out(input[2])];
        Geometry { input, output, kernel, stride, padding: kernel / 2, layout: Layout::ChannelsFirst }
    }

    #[test]
    fn small_windows_over_images_that_fill_strips_are_cut() {
        let tiling = Tiling { share: 8, members: 8, teams: 1, tile_o: 4, tile_q: 4, strips: true };
        let cut = |g: &Geometry| Strips::of(tiling, g).map(|s| (s.rows, s.quads, s.team_rows()));
        assert_eq!(cut(&geometry([64, 32, 32], 64, 3, 1)), Some((2, true, 8)));
        assert_eq!(cut(&geometry([64, 32, 32], 128, 3, 2)), Some((2, true, 8)));
        assert_eq!(cut(&geometry([512, 4, 4], 512, 3, 1)), Some((4, true, 8)));
        assert_eq!(cut(&geometry([8, 14, 14], 16, 5, 1)), Some((2, false, 8)));
        for not in [
            geometry([8, 14, 14], 16, 7, 1),
            geometry([8, 5, 5], 16, 3, 1),
            geometry([8, 30, 30], 16, 3, 3),
            Geometry { layout: Layout::ChannelsLast, ..geometry([8, 32, 32], 16, 3, 1) },
        ] {
            assert_eq!(cut(&not), None, "{not:?}");
        }
        assert_eq!(Strips::of(Tiling::CORE, &geometry([64, 32, 32], 64, 3, 1)), None);
    }

    #[test]
    fn gradients_of_a_stride_have_strips_as_much_longer() {
        let tiling = Tiling { share: 8, members: 8, teams: 1, tile_o: 4, tile_q: 4, strips: true };
        let cut = |g: &Geometry| Strips::of_gradient(tiling, g).map(|s| (s.rows, s.tiling.tile_q, s.quads));
        assert_eq!(cut(&geometry([64, 32, 32], 64, 3, 1)), Some((2, 4, true)));
        assert_eq!(cut(&geometry([64, 32, 32], 128, 3, 2)), Some((2, 8, true)));
        assert_eq!(cut(&geometry([64, 32, 32], 128, 1, 2)), Some((2, 8, true)));
        assert_eq!(cut(&geometry([64, 15, 16], 128, 5, 2)), Some((2, 8, true)));
        assert_eq!(cut(&geometry([64, 14, 14], 128, 3, 2)), Some((2, 8, false)));
        // Half of a strip would lie outside; more zeros around the output than a window has.
        assert_eq!(cut(&geometry([64, 4, 4], 64, 3, 2)), None);
        assert_eq!(cut(&Geometry { padding: 3, ..geometry([64, 32, 32], 64, 3, 1) }), None);
    }

    #[test]
    fn long_lines_of_code_are_left_to_products() {
        let cut = |share, kernel| {
            let tiling = Tiling { share, members: share, teams: 1, tile_o: 4, tile_q: 4, strips: true };
            Strips::of(tiling, &geometry([64, 32, 32], 64, kernel, 1)).is_some()
        };
        assert!(cut(8, 5) && cut(16, 3));
        assert!(!cut(16, 5));
    }

    #[test]
    fn moments_are_of_whole_parts() {
        let tiling = Tiling { share: 8, members: 8, teams: 1, tile_o: 4, tile_q: 4, strips: true };
        let of = |g: &Geometry, groups| {
            let parts = Strips::of(tiling, g)?.moments(g, groups)?.parts;
            if let Parts::Groups { count, values, .. } = parts { Some((count, values)) } else { None }
        };
        assert_eq!(of(&geometry([3, 32, 32], 64, 3, 1), 2), Some((512, 64)));
        assert_eq!(of(&geometry([3, 4, 4], 64, 3, 1), 2), Some((4, 128)));
        // Four channels a group; rows that strips don't fill.
        assert_eq!(of(&geometry([3, 32, 32], 8, 3, 1), 2), None);
        assert_eq!(of(&geometry([3, 14, 14], 16, 3, 1), 2), None);
    }
}
