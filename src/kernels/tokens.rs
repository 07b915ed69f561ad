//! Images of patches to tokens with positions and a class token.

use super::lib::case::{gaussian_share, layout_name, perturbation};
use super::lib::geometry::layout_of;
use super::lib::params::{Lane, Lanes, perturb};
use super::lib::weight::weights;
use super::lib::{Case, PERTURBED, rounding};
use crate::caps::Layout;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("tokens", twin);

/// Rows of a thread: for so many its weights are perturbed once.
const ROWS: u32 = 8;

params! {
    /// Uniform block of this kernel and its gradients.
    pub struct Params {
        /// f32 of a token.
        pub dim: u32,
        /// Patches of an image, the pixels of the patches' convolution.
        pub patches: u32,
        /// Flat index of the class token `[dim]`.
        pub class_offset: u32,
        /// Flat index of the positions `[1 + patches][dim]`.
        pub position_offset: u32,
        /// 1: the gradients of positions and class token go on from what is there.
        pub accumulate: u32,
    }
}

impl Params {
    /// f32 of a row of tokens.
    pub fn elements(&self) -> u32 {
        (1 + self.patches) * self.dim
    }

    /// f32 of all rows.
    pub fn values(&self, lanes: &Lanes) -> u64 {
        lanes.rows * u64::from(self.elements())
    }

    /// A grid whose threads take `elements` of rows.
    pub fn grid(&self, lanes: &Lanes, elements: u32) -> [u32; 3] {
        lanes.grid(elements.div_ceil(64), lanes.max_rows.div_ceil(ROWS).min(65_535))
    }
}

/// Records `y[row][0] = class + position[0]` and `y[row][1 + p][d] = x[row][d][p] + position[1 + p][d]`, with weights perturbed where
/// a distribution is given: `x` `[row][dim][patches]`, or `[row][patches][dim]` with channels last, `y` `[row][1 + patches][dim]`.
#[expect(clippy::too_many_arguments, reason = "buffers of one launch, each once")]
pub fn record(
    rec: &mut Recording,
    lanes: &Lanes,
    distribution: Option<Distribution>,
    layout: Layout,
    params: &Params,
    weights: Span,
    x: Span,
    y: Span,
) {
    let variant = Variant::plain().with("PERTURB", perturb(distribution)).with("CHANNELS_LAST", layout.last());
    let bound = [lanes.table, weights, x, y];
    rec.dispatch(&KERNEL, variant, params, &bound, params.grid(lanes, params.elements()), 12 * params.values(lanes));
}

/// Class token and patches, with positions.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (perturb, layout) = (call.variant.get("PERTURB", 0), layout_of(call));
    let (lanes, all, x) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<f32>(3));
    let mut y = call.write::<f32>(4);
    let (dim, patches) = (p.dim as usize, p.patches as usize);
    for lane in &lanes[..call.grid[2] as usize] {
        let class = weights(&all, lane, perturb, p.class_offset, p.dim);
        let position = weights(&all, lane, perturb, p.position_offset, (1 + p.patches) * p.dim);
        for row in lane.chunk_rows() {
            for token in 0..=patches {
                for d in 0..dim {
                    let own = if token == 0 {
                        class[d]
                    } else {
                        x[row * dim * patches + layout.place(d, token - 1, dim, patches)]
                    };
                    y[(row * (1 + patches) + token) * dim + d] = own + position[token * dim + d];
                }
            }
        }
    }
}

/// Rows of the lanes of cases of this kernel and its gradients, and how many they are.
pub const CASE_ROWS: ([u32; 4], u32) = ([20, 1, 0, 9], 30);

/// Sizes of cases, (dim, patches).
pub const SIZES: [(u32, u32); 3] = [(1, 1), (67, 9), (24, 30)];

impl Params {
    /// Of a case: a lane's class token and positions lie from the third f32 of its weights on. Gives f32 from lane to lane, too.
    pub fn of_case(dim: u32, patches: u32) -> (Self, u32) {
        let params = Self { dim, patches, class_offset: 3, position_offset: 3 + dim, accumulate: 0 };
        (params, params.elements() + dim + 3)
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    PERTURBED
        .into_iter()
        .flat_map(|how| SIZES.map(|(dim, patches)| case(how, Layout::ChannelsFirst, dim, patches)))
        .chain([case(None, Layout::ChannelsLast, 67, 9)])
        .collect()
}

fn case(how: Option<Distribution>, layout: Layout, dim: u32, patches: u32) -> Case {
    let name = format!("tokens {} {patches} patches of {dim}{}", perturbation(how), layout_name(layout));
    // A perturbed weight and two sums.
    Case::new(name, rounding(8) + gaussian_share(how), move |f| {
        let ((rows, total), (params, stride)) = (CASE_ROWS, Params::of_case(dim, patches));
        let lanes = f.lanes(&rows, stride);
        let weights = f.random("weights", rows.len() * stride as usize);
        let x = f.random("x", (total * dim * patches) as usize);
        let y = f.blank("y", (total * params.elements()) as usize);
        let mut rec = Recording::new();
        record(&mut rec, &lanes, how, layout, &params, weights, x, y);
        rec.read_back(y);
        rec
    })
}
