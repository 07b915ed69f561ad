//! Self-test cases of convolutions that leave moments of their output.

use super::case::{layout_name, perturbation, product_tolerance};
use super::conv::Params;
use super::geometry::Geometry;
use super::halves::Halves;
use super::moments::Moments;
use super::params::ABSENT;
use super::tiling::{Operands, Product};
use super::way::Way;
use super::{Case, PERTURBED, rounding};
use crate::caps::Layout;
use crate::kernels::conv;
use crate::recording::Recording;
use crate::stream::Distribution;

/// Rows of the cases' lanes; one has none.
const ROWS: [u32; 4] = [3, 1, 0, 9];

/// A convolution of a case.
#[derive(Clone, Copy)]
pub struct Leaving {
    /// What perturbs its weights.
    pub how: Option<Distribution>,
    /// Its sizes.
    pub geometry: Geometry,
    /// Its way.
    pub way: Way,
    /// Whether what it reads is f16 in memory.
    pub halves: bool,
    /// What lies on all channels, and takes the values as far from 0. Weights and inputs are multiples of an eighth then, so that sums are exact,
    /// and what the moments' own sums lose shows.
    pub bias: f32,
    /// Groups of channels whose moments it leaves, where its parts are whole; none: those of channels.
    pub groups: Option<u32>,
}

/// A case for each kind of perturbation, and one with channels last. `geometry` is what they convolve, with channels first.
pub fn cases(name: &'static str, geometry: Geometry, groups: Option<u32>) -> Vec<Case> {
    let signs = Some(Distribution::Rademacher);
    let of = |how, geometry| case(name, Leaving { how, geometry, way: Way::Shuffle, halves: false, bias: 0.0, groups });
    let first = PERTURBED.map(|how| of(how, geometry).fitted(how == signs));
    let last = of(signs, Geometry { layout: Layout::ChannelsLast, ..geometry }).fitted(true);
    first.into_iter().chain([last]).collect()
}

/// A case.
pub fn case(name: &str, of: Leaving) -> Case {
    let Leaving { how, geometry, way, bias, .. } = of;
    let exact = bias != 0.0;
    // The sum of a convolution, its mean over the values, and the squares about it.
    let sum = if exact { 0.0 } else { 2.0 * product_tolerance(how, geometry.depth()) };
    let tolerance = sum + rounding(2 * 128 + 20);
    let name = format!("{name} {}{}", perturbation(how), layout_name(geometry.layout));
    let case = Case::new(name, tolerance, move |f| {
        let bias_offset = geometry.output[0] * geometry.depth();
        let stride = (bias_offset + geometry.output[0]).next_multiple_of(64);
        let lanes = f.lanes(&ROWS, stride);
        let rows = ROWS.iter().sum::<u32>();
        let count = |shape: [u32; 3]| (rows * shape.iter().product::<u32>()) as usize;
        let (weights, x) = if exact {
            let eighths = |values: Vec<f32>| values.into_iter().map(|value| (8.0 * value).round() / 8.0);
            let mut weights: Vec<f32> = eighths(f.values(ROWS.len() * stride as usize)).collect();
            for lane in weights.chunks_mut(stride as usize) {
                lane[bias_offset as usize..].iter_mut().for_each(|value| *value += bias);
            }
            let x: Vec<f32> = eighths(f.values(count(geometry.input))).collect();
            (f.buffer("weights", &weights), f.buffer("x", &x))
        } else {
            let weights = f.random("weights", ROWS.len() * stride as usize);
            (weights, f.random_halves("x", count(geometry.input), of.halves))
        };
        let y = f.blank("y", count(geometry.output));
        let room = f.conv_room(way, &geometry, &lanes);
        let bias_offset = if exact { bias_offset } else { ABSENT };
        let params = Params { weight_offset: 0, bias_offset, from_batch: 1, relu: 0 };
        let tiling = f.best_tiling().without_strips();
        let halves = Halves { x: of.halves, ..Halves::default() };
        let product = Product { way: way.on(f.info()), halves, ..Product::by_shuffles(tiling, how) };
        let moments = match of.groups {
            Some(groups) => Moments::of_groups(&product, &geometry, groups),
            None => Some(Moments::of_channels(&product, &geometry)),
        };
        let left = moments.map(|of| (of, f.blank("moments", (rows * of.row) as usize)));
        let mut rec = Recording::new();
        conv::record(&mut rec, &lanes, &product, &geometry, &params, &Operands { weights, x, y, room }, left);
        left.into_iter().for_each(|(_, left)| rec.read_back(left));
        rec.read_back(y);
        rec
    });
    case.by(way, how)
}
