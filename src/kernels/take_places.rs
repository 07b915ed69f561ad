//! A sub-network's weights, taken from the model's.

use super::lib::params::ABSENT;
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("take_places", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Parameters.
        pub count: u32,
        /// The first index of the sub-network's vector that is bound.
        pub base: u32,
    }
}

/// Records `part[place(j) - base] = whole[j]` over `count` parameters; `places` (u32) are [`ABSENT`] where there is none.
pub fn record(rec: &mut Recording, count: u32, base: u32, places: Span, whole: Span, part: Span) {
    let grid = fold_grid(u64::from(count), 64);
    let params = Params { count, base };
    rec.dispatch(&KERNEL, Variant::plain(), &params, &[places, whole, part], grid, 3 * u64::from(count));
}

/// `part[place(j) - base] = whole[j]`.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (places, whole, mut part) = (call.read::<u32>(1), call.read::<f32>(2), call.write::<f32>(3));
    for (&place, &w) in places[..p.count as usize].iter().zip(&*whole) {
        if place != ABSENT {
            part[(place - p.base) as usize] = w;
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(count, base): (u32, u32)| {
        Case::new(format!("take_places {count} from {base}"), 0.0, move |f| {
            let mut next = base;
            let mut place = |w: &u32| {
                let here = !w.is_multiple_of(3);
                next += u32::from(here);
                if here { next - 1 } else { ABSENT }
            };
            let places: Vec<u32> = f.words(count as usize).iter().map(&mut place).collect();
            let (places, whole) = (f.buffer("places", &places), f.random("whole", count as usize));
            let part = f.blank("part", (next - base).max(1) as usize);
            let mut rec = Recording::new();
            record(&mut rec, count, base, places, whole, part);
            rec.read_back(part);
            rec
        })
    };
    // The last one just above 65,535 workgroups.
    [(1, 0), (1000, 64), (65_536 * 64 + 5, 0)].map(case).into()
}
