//! Sums of clients' weights, each parameter over the clients that have it.

use super::lib::class_rows::ClassRows;
use super::lib::params::ABSENT;
use super::lib::{Case, fold_grid};
use super::softmax_xent::mask;
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The define for clients that have a sub-network's parameters.
const PLACED: &str = "PLACED";

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("holder_sum", twin).with_defines(&[PLACED]);

params! {
    /// The uniform block.
    pub struct Params {
        /// Parameters.
        pub count: u32,
        /// The flat index of the first of them.
        pub first: u32,
        /// The first index of a client's vector that is bound.
        pub base: u32,
        /// f32 from one client's vector to the next's.
        pub stride: u32,
        /// Clients.
        pub clients: u32,
        /// Words of a client's mask.
        pub words: u32,
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

/// Clients whose vectors lie behind each other.
#[derive(Clone, Copy, Debug)]
pub struct Holders {
    /// How many.
    pub clients: u32,
    /// Words of a client's mask.
    pub words: u32,
    /// Their masks ([`mask`]).
    pub masks: Span,
    /// Their vectors, from index `base` on.
    pub weights: Span,
    /// The first index that is bound; not 0 only for a single client.
    pub base: u32,
    /// f32 from one vector to the next.
    pub stride: u32,
    /// The place of each summed parameter in their vectors (u32), [`ABSENT`] where they haven't it; none: its flat index.
    pub places: Option<Span>,
}

/// Records `acc[j - first] += sum of w[c][place(j)]` for the parameters `first..first + count` over the clients in order that have them.
pub fn record(rec: &mut Recording, [first, count]: [u32; 2], rows: &ClassRows, holders: &Holders, acc: Span) {
    let Holders { clients, words, base, stride, .. } = *holders;
    let ClassRows { weight_first, weight_len, row, bias_first, bias_len } = *rows;
    let params =
        Params { count, first, base, stride, clients, words, weight_first, weight_len, row, bias_first, bias_len };
    let mut bound = vec![holders.masks, holders.weights, acc];
    bound.extend(holders.places);
    let variant = holders.places.map_or_else(Variant::plain, |_| Variant::plain().define(PLACED));
    let cost = 2 * u64::from(count) * u64::from(clients);
    rec.dispatch(&KERNEL, variant, &params, &bound, fold_grid(u64::from(count), 64), cost);
}

impl Params {
    fn rows(&self) -> ClassRows {
        let Self { weight_first, weight_len, row, bias_first, bias_len, .. } = *self;
        ClassRows { weight_first, weight_len, row, bias_first, bias_len }
    }
}

/// `acc[j] += sum of w[c][place(j)]`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (masks, weights, mut acc) = (call.read::<u32>(1), call.read::<f32>(2), call.write::<f32>(3));
    let places = call.variant.defines().contains(&PLACED).then(|| call.read::<u32>(4));
    for (item, acc) in acc[..p.count as usize].iter_mut().enumerate() {
        let index = p.first + item as u32;
        let place = places.as_ref().map_or(index, |places| places[item]);
        if place == ABSENT {
            continue;
        }
        let class = p.rows().class_of(index);
        for c in 0..p.clients {
            let word = |class: u32| masks[(c * p.words + class / 32) as usize];
            if class.is_none_or(|class| word(class) >> (class % 32) & 1 != 0) {
                *acc += weights[(c * p.stride + place - p.base) as usize];
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    // Parameters, those before the first of them, clients, classes, values of a row of the classifier.
    type Sizes = (u32, u32, u32, u32, u32);
    let case = |(placed, (count, first, clients, classes, row)): (bool, Sizes)| {
        let how = if placed { "some" } else { "all" };
        Case::new(format!("holder_sum {count} weights {how} {clients} clients"), 0.0, move |f| {
            // The classifier ends the vector: its bias behind its weight.
            let (weight_len, end) = (classes * row, first + count);
            let weight_first = end - classes - weight_len;
            let rows = ClassRows { weight_first, weight_len, row, bias_first: end - classes, bias_len: classes };
            let held = f.words((clients * classes) as usize);
            let masks: Vec<u32> = held
                .chunks(classes as usize)
                .flat_map(|held| mask(classes, (0..classes).zip(held).filter(|(_, w)| *w % 2 == 0).map(|(c, _)| c)))
                .collect();
            let mut next = 0;
            let places: Vec<u32> = f
                .words(count as usize)
                .iter()
                .map(|w| {
                    let here = !w.is_multiple_of(3);
                    next += u32::from(here);
                    if here { next - 1 } else { ABSENT }
                })
                .collect();
            let (base, stride) = if placed { (0, next + 3) } else { (first, count + 3) };
            let holders = Holders {
                clients,
                words: classes.div_ceil(32),
                masks: f.buffer("masks", &masks),
                weights: f.random("weights", (clients * stride) as usize),
                base,
                stride,
                places: placed.then(|| f.buffer("places", &places)),
            };
            let acc = f.random("acc", count as usize);
            let mut rec = Recording::new();
            record(&mut rec, [first, count], &rows, &holders, acc);
            rec.read_back(acc);
            rec
        })
    };
    // Clients one after another in f32: the same additions everywhere. The last one just above 65,535 workgroups.
    let sizes: [Sizes; 4] =
        [(3, 0, 1, 1, 2), (1000, 0, 7, 10, 67), (901, 256, 5, 40, 17), (65_536 * 64 + 5, 0, 1, 10, 9)];
    [false, true].into_iter().flat_map(|placed| sizes.map(|sizes| (placed, sizes))).map(case).collect()
}
