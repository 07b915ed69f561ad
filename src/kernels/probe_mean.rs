//! Loss difference and mean loss of a probe from the sums of its parts.

use super::lib::{Case, fold_grid};
use super::probe_dl::Params;
use crate::recording::kernel::{Call, Kernel, Variant};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Params>("probe_mean", twin);

/// Records the means from (difference, mean loss) f32 per (probe, part); see [`super::probe_dl::record`].
pub fn record(rec: &mut Recording, params: &Params, table: Span, sums: Span, out: Span) {
    let grid = fold_grid(u64::from(params.probes), 64);
    let cost = 2 * u64::from(params.parts) * u64::from(params.probes);
    rec.dispatch(&KERNEL, Variant::plain(), params, &[table, sums, out], grid, cost);
}

/// The parts' sums in order, divided by the samples.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (probes, sums) = (call.read::<[u32; 4]>(1), call.read::<[f32; 2]>(2));
    let mut out = call.write::<[f32; 2]>(3);
    let parts = sums.chunks(p.parts as usize).take(p.probes as usize);
    for ((&[_, _, rows, _], parts), out) in probes.iter().zip(parts).zip(out.iter_mut()) {
        let whole = parts.iter().fold([0.0f32; 2], |[a, b], part| [a + part[0], b + part[1]]);
        *out = whole.map(|sum| sum / rows as f32);
    }
}

/// Self-test cases: none of its own. Those of `probe_dl` with more samples than a part run it.
pub fn cases() -> Vec<Case> {
    Vec::new()
}
