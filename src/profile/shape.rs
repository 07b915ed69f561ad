//! What a launch works on, in words.

use crate::kernels::lib::geometry::Sizes;
use crate::kernels::tile_order::Order;
use crate::recording::Dispatch;

/// Parts of the names of members that say where or how a kernel works, not on how much.
const ASIDE: [&str; 15] = [
    "unused",
    "offset",
    "first",
    "start",
    "seed",
    "from_batch",
    "accumulate",
    "relu",
    "activation",
    "_row",
    "weight",
    "bias",
    "base",
    "end",
    "second",
];

/// The sizes in a launch's uniform block: what every launch of one layer has in common, however its rows are cut.
pub fn shape(dispatch: &Dispatch) -> String {
    let layout = dispatch.kernel.params;
    let word = |offset: u32| {
        let bytes = dispatch.params.get(offset as usize..).and_then(|rest| rest.first_chunk::<4>());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    };
    let mut parts: Vec<String> = Vec::new();
    for member in layout.members {
        if member.kind == "Order" {
            let end = member.offset as usize + size_of::<Order>();
            if let Some(bytes) = dispatch.params.get(member.offset as usize..end) {
                parts.push(tiled(&bytemuck::pod_read_unaligned(bytes)));
            }
        } else if member.kind == "Sizes" {
            let end = member.offset as usize + size_of::<Sizes>();
            if let Some(bytes) = dispatch.params.get(member.offset as usize..end) {
                parts.push(convolution(&bytemuck::pod_read_unaligned(bytes)));
            }
        } else if member.kind == "u32" && !ASIDE.iter().any(|aside| member.name.contains(aside)) {
            parts.push(format!("{} {}", member.name, word(member.offset)));
        }
    }
    if dispatch.variant.get("PERTURB", 0) > 0 {
        parts.push("perturbed".to_owned());
    }
    parts.join(", ")
}

/// The way of a launch with the sizes of its tile, a workgroup's and a thread's or subgroup's, where these were chosen among several.
pub fn way(dispatch: &Dispatch) -> String {
    let size = |name| dispatch.variant.get(name, 0);
    let way = dispatch.variant.way();
    let tile = ["BLOCK_M", "BLOCK_N", "BLOCK_K"].map(size);
    if tile[0] == 0 {
        return way.to_owned();
    }
    let [rows, columns] =
        [["THREAD_M", "GROUP_M"], ["THREAD_N", "GROUP_N"]].map(|names| names.map(size).iter().sum::<u32>());
    let stages = if size("STAGES") == 2 { " 2 stages" } else { "" };
    format!("{way} {}x{}x{} {rows}x{columns}{stages}", tile[0], tile[1], tile[2])
}

/// A tensor in the order of tiles: terms of a sum, taps among them, and columns.
fn tiled(order: &Order) -> String {
    let taps = if order.taps > 1 { format!(" of {} taps", order.taps) } else { String::new() };
    format!("{} terms{taps}, {} columns", order.depth(), order.columns)
}

fn convolution(s: &Sizes) -> String {
    let step = if s.stride == 1 { String::new() } else { format!(" step {}", s.stride) };
    format!("{0}x{0}{step}, {1}x{2}x{3} to {4}x{5}x{6}", s.kernel, s.in_c, s.in_h, s.in_w, s.out_c, s.out_h, s.out_w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::params::{Lane, Lanes};
    use crate::kernels::tile_order::TileRoom;
    use crate::kernels::tiling::{Operands, Product, Tiling};
    use crate::kernels::{copy, linear};
    use crate::recording::kernel::Variant;
    use crate::recording::{BufferId, Command, Recording, Span};
    use crate::stream::Distribution;

    #[test]
    fn sizes_are_named_and_places_are_not() {
        let span = |id: u32| Span::of(BufferId(id), 4096);
        let lanes = Lanes::new(span(0), &[Lane { rows: 3, ..Lane::default() }]);
        let mut rec = Recording::new();
        for perturbed in [None, Some(Distribution::Rademacher)] {
            let how = Product::by_shuffles(Tiling::CORE, perturbed);
            let params = linear::Params {
                inputs: 7,
                outputs: 5,
                weight_offset: 9,
                bias_offset: 44,
                from_batch: 1,
                activation: linear::RELU,
            };
            let io = Operands::by_shuffles(span(1), span(2), span(3));
            linear::record(&mut rec, &lanes, &how, &params, &io, None);
        }
        let shapes: Vec<String> = rec
            .commands()
            .iter()
            .filter_map(|command| if let Command::Dispatch(d) = command { Some(shape(d)) } else { None })
            .collect();
        assert_eq!(shapes, ["inputs 7, outputs 5", "inputs 7, outputs 5, perturbed"]);
    }

    #[test]
    fn a_way_is_named_with_its_tile() {
        let span = Span::of(BufferId(0), 64);
        let variant = Variant::plain().with("BLOCK_M", 64).with("BLOCK_N", 32).with("BLOCK_K", 16);
        let of = |variant: Variant| {
            let mut rec = Recording::new();
            rec.dispatch(&copy::KERNEL, variant, &copy::Params { quads: 4 }, &[span, span], [1; 3], 0);
            match rec.commands().first() {
                Some(Command::Dispatch(d)) => way(d),
                _ => String::new(),
            }
        };
        let block = variant.clone().in_way("block").with("THREAD_M", 8).with("THREAD_N", 4).with("STAGES", 2);
        assert_eq!(of(block), "block 64x32x16 8x4 2 stages");
        assert_eq!(of(variant.in_way("matrix").with("GROUP_M", 32).with("GROUP_N", 16)), "matrix 64x32x16 32x16");
        assert_eq!(of(Variant::plain().in_way("shuffle")), "shuffle");
        assert_eq!(of(Variant::plain()), "");
    }

    #[test]
    fn tensors_in_the_order_of_tiles_are_named_by_their_sums() {
        assert_eq!(tiled(&Order::new(64, 9, 16, 128, 1)), "576 terms of 9 taps, 128 columns");
        assert_eq!(tiled(&Order::of_linear(512, 10)), "512 terms, 10 columns");
        let span = |id: u32| Span::of(BufferId(id), 4096);
        let lanes = Lanes::new(span(0), &[Lane { rows: 3, ..Lane::default() }]);
        let mut rec = Recording::new();
        let order = Order::of_linear(7, 5);
        TileRoom::fill(
            &mut rec,
            &lanes,
            &order,
            9,
            span(1),
            &Product::by_shuffles(Tiling::CORE, Some(Distribution::Rademacher)),
            span(2),
        );
        for command in rec.commands() {
            if let Command::Dispatch(d) = command {
                assert!(shape(d).starts_with("7 terms, 5 columns"), "{}: {}", d.kernel.name, shape(d));
            }
        }
        assert_eq!(rec.commands().len(), 2);
    }

    #[test]
    fn convolutions_are_named_by_their_sizes() {
        let sizes = Sizes {
            in_c: 3,
            in_h: 32,
            in_w: 30,
            out_c: 64,
            out_h: 16,
            out_w: 15,
            kernel: 3,
            stride: 2,
            padding: 1,
            ..Sizes::default()
        };
        assert_eq!(convolution(&sizes), "3x3 step 2, 3x32x30 to 64x16x15");
    }
}
