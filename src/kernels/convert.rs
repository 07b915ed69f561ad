//! Copies between f32 and f16 in memory.

use super::lib::{Case, fold_grid, halves};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};
use crate::shaders::IN_HALVES;

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("convert", twin).with_defines(&[IN_HALVES]);

params! {
    /// The uniform block.
    pub struct Params {
        /// Values; a multiple of 8.
        pub count: u32,
    }
}

/// Records `y = x` for `count` f32 as f16.
pub fn to_halves(rec: &mut Recording, count: u32, x: Span, y: Span) {
    record(rec, Variant::plain(), count, x, y);
}

/// Records `y = x` for `count` f16 as f32.
pub fn from_halves(rec: &mut Recording, count: u32, x: Span, y: Span) {
    record(rec, Variant::plain().define(IN_HALVES), count, x, y);
}

fn record(rec: &mut Recording, variant: Variant, count: u32, x: Span, y: Span) {
    let grid = fold_grid(u64::from(count / 4), 64);
    rec.dispatch(&KERNEL, variant, &Params { count }, &[x, y], grid, u64::from(count));
}

/// `y = x`, rounded to the nearest f16 if `y` is one.
fn twin(call: &Call<'_>) {
    let count = call.params::<Params>().count as usize;
    if call.variant.defines().contains(&IN_HALVES) {
        call.write::<f32>(2)[..count].copy_from_slice(&halves::read(call, 1, IN_HALVES)[..count]);
    } else {
        for (y, x) in call.write::<u16>(2)[..count].iter_mut().zip(call.read::<f32>(1).iter()) {
            *y = half::f16::from_f32(*x).to_bits();
        }
    }
}

/// Self-test cases: there and back, bit for bit.
pub fn cases() -> Vec<Case> {
    let case = |count: u32| {
        Case::new(format!("convert {count}"), 0.0, move |f| {
            let (x, y) = (f.random("x", count as usize), f.blank("y", count as usize / 2));
            let back = f.blank("back", count as usize);
            let mut rec = Recording::new();
            to_halves(&mut rec, count, x, y);
            from_halves(&mut rec, count, y, back);
            rec.read_back(y);
            rec.read_back(back);
            rec
        })
    };
    [8, 1000].map(case).into()
}
