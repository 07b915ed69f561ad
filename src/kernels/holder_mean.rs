//! Means of clients' weights, each parameter over the clients that have it.

use super::lib::class_rows::ClassRows;
use super::lib::params::ABSENT;
use super::lib::{Case, fold_grid, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("holder_mean", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Parameters.
        pub count: u32,
        /// The flat index of the first of them.
        pub first: u32,
        /// Clients of the whole model.
        pub whole: u32,
        /// Clients of the sub-network.
        pub part: u32,
        /// As in [`ClassRows`].
        pub weight_first: u32,
        /// As in [`ClassRows`].
        pub weight_len: u32,
        /// As in [`ClassRows`].
        pub row: u32,
        /// As in [`ClassRows`].
        pub bias_first: u32,
        /// As in [`ClassRows`].
        pub bias_len: u32,
    }
}

/// The clients that were summed, and where.
#[derive(Clone, Copy, Debug)]
pub struct Summed {
    /// Clients of the whole model, and of the sub-network.
    pub clients: [u32; 2],
    /// How many of either hold a class: two u32 a class.
    pub holders: Span,
    /// The place of each parameter in the sub-network (u32), [`ABSENT`] where it hasn't it.
    pub places: Span,
    /// The sums.
    pub acc: Span,
}

/// Records `w = acc / n` for the parameters `first..first + count`; `w` stays where `n` is 0.
pub fn record(rec: &mut Recording, [first, count]: [u32; 2], rows: &ClassRows, summed: &Summed, weights: Span) {
    let ClassRows { weight_first, weight_len, row, bias_first, bias_len } = *rows;
    let [whole, part] = summed.clients;
    let params = Params { count, first, whole, part, weight_first, weight_len, row, bias_first, bias_len };
    let bound = [summed.holders, summed.places, summed.acc, weights];
    rec.dispatch(&KERNEL, Variant::plain(), &params, &bound, fold_grid(u64::from(count), 64), 8 * u64::from(count));
}

/// `w = acc / n`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let Params { weight_first, weight_len, row, bias_first, bias_len, .. } = p;
    let rows = ClassRows { weight_first, weight_len, row, bias_first, bias_len };
    let (holders, places, acc) = (call.read::<u32>(1), call.read::<u32>(2), call.read::<f32>(3));
    let mut weights = call.write::<f32>(4);
    for (item, w) in weights[..p.count as usize].iter_mut().enumerate() {
        let class = rows.class_of(p.first + item as u32).map(|c| c as usize);
        let [whole, part] = class.map_or([p.whole, p.part], |c| [holders[2 * c], holders[2 * c + 1]]);
        let n = whole + if places[item] == ABSENT { 0 } else { part };
        if n > 0 {
            *w = acc[item] / n as f32;
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, first, classes, row): (u32, u32, u32, u32)| {
        // WGSL's division is within 2.5 units in the last place.
        Case::new(format!("holder_mean {count} weights {classes} classes"), rounding(5), move |f| {
            let (weight_len, end) = (classes * row, first + count);
            let weight_first = end - classes - weight_len;
            let rows = ClassRows { weight_first, weight_len, row, bias_first: end - classes, bias_len: classes };
            // Of some classes nobody holds any.
            let holders: Vec<u32> = f.words(2 * classes as usize).iter().map(|w| w % 3).collect();
            let place = |(i, w): (usize, &u32)| if w % 3 == 0 { ABSENT } else { i as u32 };
            let places: Vec<u32> = f.words(count as usize).iter().enumerate().map(place).collect();
            let summed = Summed {
                clients: [2, 5],
                holders: f.buffer("holders", &holders),
                places: f.buffer("places", &places),
                acc: f.random("acc", count as usize),
            };
            let weights = f.random("weights", count as usize);
            let mut rec = Recording::new();
            record(&mut rec, [first, count], &rows, &summed, weights);
            rec.read_back(weights);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [(3, 0, 1, 2), (1000, 0, 10, 67), (901, 256, 40, 17), (65_536 * 64 + 5, 0, 10, 9)].map(case).into()
}
