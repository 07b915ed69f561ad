//! The order in which products by tiles read weights: term by term, a row of columns each, so that neighbouring threads read neighbouring
//! weights (`shaders/lib/tiled_weights.wgsl:order`, `shaders/lib/tiled_weights.wgsl:slabs`).

use super::geometry::Geometry;
use super::params::Lanes;
use super::tiling::Product;
use crate::kernels::{half_weights, packed_signs, tile_weights};
use crate::recording::kernel::params;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

params! {
    /// How a tensor's weights are reordered.
    #[derive(Default)]
    pub struct Order {
        /// Channels of the sum.
        pub channels: u32,
        /// Taps of the sum; 1 in linear layers.
        pub taps: u32,
        /// Channels of a slab.
        pub slab: u32,
        /// Columns of the product.
        pub columns: u32,
        /// 1: the tensor is `[column][channel][tap]`, 0: `[channel][column][tap]`.
        pub across: u32,
        /// A uniform block's struct ends on a multiple of 16 bytes.
        pub unused: u32,
        /// Alike.
        pub also_unused: u32,
        /// Alike.
        pub still_unused: u32,
    }
}

impl Order {
    /// Of its parts.
    pub const fn new(channels: u32, taps: u32, slab: u32, columns: u32, across: u32) -> Self {
        Self { channels, taps, slab, columns, across, unused: 0, also_unused: 0, still_unused: 0 }
    }

    /// Of a linear layer's forward pass.
    pub fn of_linear(inputs: u32, outputs: u32) -> Self {
        Self::new(inputs, 1, inputs, outputs, 1)
    }

    /// Of a convolution's forward pass, in slices of so many terms.
    pub fn of_conv(geometry: &Geometry, depth: u32) -> Self {
        let (channels, taps) = (geometry.input[0], geometry.kernel * geometry.kernel);
        Self::new(channels, taps, slab(channels, depth), geometry.output[0], 1)
    }

    /// Of the gradient of a convolution's input.
    pub fn of_conv_input(geometry: &Geometry, depth: u32) -> Self {
        let (channels, taps) = (geometry.output[0], geometry.kernel * geometry.kernel);
        Self::new(channels, taps, slab(channels, depth), geometry.input[0], 0)
    }

    /// Terms of a sum.
    pub fn depth(&self) -> u32 {
        self.channels * self.taps
    }

    /// Where weight (k, n) lies in its tensor.
    pub fn place(&self, k: u32, n: u32) -> u32 {
        let Self { slab, taps, .. } = *self;
        let in_slab = k % (slab * taps);
        let (channel, tap) = (k / (slab * taps) * slab + in_slab % slab, in_slab / slab);
        let outer = if self.across == 1 { n * self.channels + channel } else { channel * self.columns + n };
        outer * taps + tap
    }

    /// Quads of a copy of the weights.
    pub fn quads(&self) -> u32 {
        self.depth() * self.columns.div_ceil(4)
    }

    /// f16 of a lane's weights, columns of whole 64 terms.
    pub fn halves(&self) -> u64 {
        u64::from(self.columns) * u64::from(self.depth().next_multiple_of(64))
    }

    /// Words of a lane's signs.
    pub fn words(&self) -> u32 {
        self.depth() * self.columns.div_ceil(32)
    }
}

/// Channels of a slab in slices of so many terms (`shaders/lib/tiled_weights.wgsl:slabs`).
fn slab(channels: u32, depth: u32) -> u32 {
    let slab = depth.max(16);
    if channels.is_multiple_of(slab) { slab } else { channels }
}

/// Room for a layer's weights and signs in the order of tiles, filled before each product that reads it.
#[derive(Clone, Copy, Debug)]
pub struct TileRoom {
    /// Copies of the weights.
    pub weights: Span,
    /// Signs of each lane.
    pub signs: Span,
}

impl TileRoom {
    /// Bytes of both parts for so many lanes, with weights of their own or not.
    pub fn bytes(order: &Order, lanes: u64, own: bool) -> [u64; 2] {
        let copies = if own { lanes } else { 1 };
        [16 * copies * u64::from(order.quads()), 4 * lanes * u64::from(order.words())]
            .map(|bytes| bytes.next_multiple_of(256))
    }

    /// The same where weights are f16: the lanes' copies are perturbed.
    pub fn half_bytes(order: &Order) -> u64 {
        2 * order.halves()
    }

    /// Records what a product with this order reads, into a span that has room for it: the weights, and signs where those perturb them, or
    /// weights in f16 for matrices that take them as they lie.
    pub fn fill(
        rec: &mut Recording,
        lanes: &Lanes,
        order: &Order,
        offset: u32,
        weights: Span,
        how: &Product,
        room: Span,
    ) -> Self {
        let perturbed = how.perturbed;
        if how.moves_halves() {
            let copies = if lanes.own_weights || perturbed.is_some() { u64::from(lanes.count) } else { 1 };
            let span = Span { bytes: copies * Self::half_bytes(order), ..room };
            let room = Self { weights: span, signs: span };
            half_weights::record(rec, lanes, order, offset, weights, perturbed, &room);
            return room;
        }
        let room = Self::within(room, order, lanes);
        tile_weights::record(rec, lanes, order, offset, weights, &room);
        if perturbed == Some(Distribution::Rademacher) {
            packed_signs::record(rec, lanes, order, offset, &room);
        }
        room
    }

    /// The parts of a span that has room for both.
    fn within(span: Span, order: &Order, lanes: &Lanes) -> Self {
        let [weights, signs] = Self::bytes(order, u64::from(lanes.count), lanes.own_weights);
        Self {
            weights: Span { bytes: weights, ..span },
            signs: Span { buffer: span.buffer, offset: span.offset + weights, bytes: signs },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_has_one_place() {
        for (channels, taps, slab, columns) in [(3, 9, 3, 5), (32, 9, 16, 7), (16, 1, 16, 33), (20, 4, 20, 2)] {
            for across in [0, 1] {
                let order = Order::new(channels, taps, slab, columns, across);
                let mut places: Vec<u32> =
                    (0..order.depth()).flat_map(|k| (0..columns).map(move |n| order.place(k, n))).collect();
                places.sort_unstable();
                assert!(places.into_iter().eq(0..order.depth() * columns), "{order:?}");
            }
        }
    }
}
