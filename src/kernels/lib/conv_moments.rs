//! Self-test cases of the convolutions that leave moments of their output.

use super::case::{layout_name, perturbation, product_tolerance};
use super::conv::{Launch, Params};
use super::geometry::Geometry;
use super::params::ABSENT;
use super::tiling::{Operands, Product, Tiling};
use super::{Case, Fixture, PERTURBED, rounding};
use crate::caps::Layout;
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// Rows of the cases' lanes; one has none.
const ROWS: [u32; 4] = [3, 1, 0, 9];

/// How a kernel records a launch: it gives the moments, where the tiling has whole parts.
pub type Record = fn(&mut Fixture<'_>, &mut Recording, Launch, (Tiling, &Geometry)) -> Option<Span>;

/// Room for the moments of all rows, `row` f32 each.
pub fn room(f: &mut Fixture<'_>, row: u32) -> Span {
    f.blank("moments", (ROWS.iter().sum::<u32>() * row) as usize)
}

/// A case for each kind of perturbation, and one with channels last. `geometry` is what they convolve, with channels first.
pub fn cases(name: &'static str, geometry: Geometry, record: Record) -> Vec<Case> {
    let signs = Some(Distribution::Rademacher);
    let first = PERTURBED.map(|how| case(name, how, geometry, record).fitted(how == signs));
    let last = case(name, signs, Geometry { layout: Layout::ChannelsLast, ..geometry }, record).fitted(true);
    first.into_iter().chain([last]).collect()
}

fn case(name: &str, how: Option<Distribution>, geometry: Geometry, record: Record) -> Case {
    // The sum of a convolution, its mean over the values, and the squares about it.
    let tolerance = 2.0 * product_tolerance(how, geometry.depth()) + rounding(2 * 128 + 20);
    Case::new(format!("{name} {}{}", perturbation(how), layout_name(geometry.layout)), tolerance, move |f| {
        let stride = (geometry.output[0] * geometry.depth()).next_multiple_of(64);
        let lanes = f.lanes(&ROWS, stride);
        let values = |shape: [u32; 3]| (ROWS.iter().sum::<u32>() * shape.iter().product::<u32>()) as usize;
        let io = Operands::by_shuffles(
            f.random("weights", ROWS.len() * stride as usize),
            f.random("x", values(geometry.input)),
            f.blank("y", values(geometry.output)),
        );
        let params = Params { weight_offset: 0, bias_offset: ABSENT, from_batch: 1, relu: 0 };
        let product = Product::by_shuffles(f.best_tiling().without_strips(), how);
        let launch = Launch::new(&lanes, &product, &geometry, &params, &io);
        let mut rec = Recording::new();
        let moments = record(f, &mut rec, launch, (product.tiling, &geometry));
        moments.into_iter().for_each(|moments| rec.read_back(moments));
        rec.read_back(io.y);
        rec
    })
}
