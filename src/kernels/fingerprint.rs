//! Fingerprint of a weight vector: order-free sums of mixed bits (perturbation-stream, Ledger).

use super::lib::replay_cases::{WINDOWS, test_weights};
use super::lib::{Case, fold_grid, vec4_bytes};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{BufferId, Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("fingerprint", twin);

params! {
    /// The uniform block.
    pub struct Params {
        /// Elements that are bound.
        pub weights: u32,
        /// Index of the first of them in the weight vector, a multiple of 4.
        pub first: u32,
    }
}

/// Adds up the fingerprint of `params` f32 that lie `offset` bytes (aligned as bindings are) into `weights`, which has room for
/// [`vec4_bytes`]`(params)` there. `sums` gets two u32, low word first, and the count of what isn't finite; it is cleared here.
pub fn record(rec: &mut Recording, weights: BufferId, offset: u64, params: u32, sums: Span) {
    rec.clear(sums);
    record_part(rec, weights, offset, 0, params, sums);
}

/// As [`record`], of a vector's elements from `first` (a multiple of 4) on, and added to what `sums` holds.
pub fn record_part(rec: &mut Recording, weights: BufferId, offset: u64, first: u32, params: u32, sums: Span) {
    let bindings = [Span { buffer: weights, offset, bytes: vec4_bytes(params) }, sums];
    let grid = fold_grid(u64::from(params.div_ceil(4)), 1024);
    rec.dispatch(
        &KERNEL,
        Variant::plain(),
        &Params { weights: params, first },
        &bindings,
        grid,
        u64::from(params) * 20,
    );
}

/// Adds both sums over all weights, and the count of those that aren't finite, to binding 2.
fn twin(call: &Call<'_>) {
    let params: Params = call.params();
    let weights = call.read::<u32>(1);
    let mut sums = call.write::<u32>(2);
    for (i, &b) in (params.first..).zip(&weights[..params.weights as usize]) {
        let low = mixed(b ^ i.wrapping_mul(0x9E37_79B9));
        let high = mixed(b.wrapping_add(i.wrapping_mul(0x85EB_CA77)).wrapping_add(0x1656_67B1));
        sums[0] = sums[0].wrapping_add(low);
        sums[1] = sums[1].wrapping_add(high);
        sums[2] += u32::from(!f32::from_bits(b).is_finite());
    }
}

/// murmur3's finaliser.
fn mixed(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ h >> 16
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = [1, 4_095, 4_097, 100_003].map(case).into();
    cases.push(Case::new("fingerprint windows", 0.0, |f| {
        let weights = f.buffer("weights", &test_weights(WINDOWS.iter().map(|(_, params)| params).sum())).buffer;
        let sums = f.buffer("sums", &[0u32; 3]);
        let mut rec = Recording::new();
        for (first, params) in WINDOWS {
            record_part(&mut rec, weights, 4 * u64::from(first), first, params, sums);
        }
        rec.read_back(sums);
        rec
    }));
    cases
}

fn case(params: u32) -> Case {
    Case::new(format!("fingerprint {params}"), 0.0, move |f| {
        let weights = f.buffer("weights", &test_weights(params)).buffer;
        let sums = Span::of(f.unwritten("sums", 12), 12);
        let mut rec = Recording::new();
        record(&mut rec, weights, 0, params, sums);
        rec.read_back(sums);
        rec
    })
}
