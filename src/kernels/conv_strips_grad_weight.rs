//! Gradients of convolutions' weights, all taps of a channel by one thread.

use super::conv_grad_weight::{Params, Uniforms, case, twin};
use super::lib::Case;
use super::lib::tiling::{Gradient, Tiling};
use crate::caps::Layout;
use crate::recording::kernel::Kernel;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Uniforms>("conv_strips_grad_weight", twin);

/// Products of a tap and sample below which a layer is sooner compiled than computed.
const SMALL: u64 = 1 << 17;

/// Its blocking for a device; none where the gradient goes by an implicit matrix product.
pub fn blocking(params: &Params, tiling: Tiling) -> Option<Tiling> {
    if tiling.strips { fitting(params, tiling) } else { None }
}

/// Its blocking on whatever device: none where a window has a single tap or many, image rows are no whole quads, or the channels leave more
/// than three threads in ten idle.
fn fitting(params: &Params, tiling: Tiling) -> Option<Tiling> {
    let share = if tiling.share > 16 { 1 } else { tiling.share };
    // More rows a thread are faster, and take twice as long to compile.
    let products: u64 = [params.c, params.out_c, params.out_h, params.out_w].map(u64::from).iter().product();
    let small = params.out_c < 64 || products < SMALL;
    let rows = if share == 1 || small { 8 } else { 16 };
    let tile_o = (rows / share).max(1);
    let fits = params.layout == Layout::ChannelsFirst
        && (2..=4).contains(&params.kernel)
        && params.stride <= 2
        && params.w.is_multiple_of(4)
        && params.out_w.is_multiple_of(4)
        && 10 * params.c >= 7 * params.c.next_multiple_of(tiling.members);
    let taps = params.kernel * params.kernel;
    fits.then(|| Tiling { teams: 1, share, tile_o, tile_q: taps, ..tiling }.for_rows(params.out_c))
}

/// Self-test cases: with parts and without, with a step, of few and many rows a thread, where it is taken on the device.
pub fn cases() -> Vec<Case> {
    let shapes = [(7, 10, 8, 8, 3, 1, 1), (8, 5, 40, 32, 3, 2, 1), (6, 70, 5, 8, 3, 1, 1), (16, 70, 12, 16, 3, 1, 1)];
    let of = |shape| {
        case("conv_strips_grad_weight", shape, Layout::ChannelsFirst, 0, 8, |f| {
            Gradient::by_shuffles(Tiling { strips: true, ..f.best_tiling() })
        })
    };
    shapes.map(of).into()
}
