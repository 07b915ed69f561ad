//! Softmax and cross-entropy: loss and hit per row. Over all classes, or over those that a lane's client holds: the others' logits count as
//! -infinity (the masked cross-entropy of HeteroFL).

use super::lib::math::{exp_f32, log1p_f32};
use super::lib::params::{Lane, Lanes};
use super::lib::{Case, Fixture, rounding};
use crate::recording::kernel::{Call, Kernel, Variant, params};
use crate::recording::{Recording, Span};

/// The kernel.
pub static KERNEL: Kernel = Kernel::new::<Launch>("softmax_xent", twin).with_defines(&[MASKED, FEW]);

/// The define of kernels built for few classes, whose logits are read once.
const FEW: &str = "FEW";

/// Most of such.
const FEW_CLASSES: u32 = 16;

/// The define of this kernel and its gradient for clients that don't hold all classes.
pub const MASKED: &str = "MASKED";

params! {
    /// Uniform block of this kernel: [`Params`], and what workgroups go over.
    pub struct Launch {
        /// Classes.
        pub classes: u32,
        /// As in [`Params`].
        pub stride: u32,
        /// Rows of each lane, where workgroups go over the rows of all; else 0.
        pub each: u32,
        /// Lanes.
        pub lanes: u32,
    }

    /// Uniform block of the gradient.
    pub struct Params {
        /// Classes.
        pub classes: u32,
        /// f32 from one client's weights to the next's: by that a lane's client is known. 1 without masks.
        pub stride: u32,
    }
}

/// The classes that clients hold.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// A bit a class in [`mask`]s, client after client (u32).
    pub masks: Span,
    /// f32 from one client's weights to the next's.
    pub stride: u32,
}

/// A client's mask: bit `c % 32` of word `c / 32` for each class c that it holds.
pub fn mask(classes: u32, held: impl IntoIterator<Item = u32>) -> Vec<u32> {
    let mut words = vec![0; classes.div_ceil(32) as usize];
    for c in held.into_iter().filter(|&c| c < classes) {
        words[c as usize / 32] |= 1 << (c % 32);
    }
    words
}

/// f32 between clients of cases.
pub(super) const STRIDE: u32 = 5;

/// How this kernel or its gradient is built and called; the masks are bound last.
pub fn masked(classes: u32, held: Option<Held>, bound: &mut Vec<Span>) -> (Variant, Params) {
    let Some(Held { masks, stride }) = held else { return (Variant::plain(), Params { classes, stride: 1 }) };
    bound.push(masks);
    (Variant::plain().define(MASKED), Params { classes, stride })
}

/// Grid and cost of this kernel and its gradient, of workgroups of so many threads, at `per_value` operations a logit.
pub fn launch(lanes: &Lanes, threads: u32, classes: u32, per_value: u64) -> ([u32; 3], u64) {
    (lanes.grid(lanes.max_rows.div_ceil(threads).min(65_535), 1), lanes.rows * u64::from(classes) * per_value)
}

/// Logits `[rows][classes]` and labels (u32), the former by a lane's `row0`, the latter by its `x_row`, and the classes that clients hold,
/// where that isn't all. A row's label is one that its client holds.
#[derive(Clone, Copy, Debug)]
pub struct Scored {
    /// Classes.
    pub classes: u32,
    /// The logits.
    pub logits: Span,
    /// The labels.
    pub labels: Span,
    /// The classes that clients hold; none: all.
    pub held: Option<Held>,
    /// Threads of a workgroup ([`Tiling::row_threads`](super::tiling::Tiling::row_threads)).
    pub threads: u32,
}

/// Records `loss` (f32) and `correct` (u32, 0 or 1) at the lanes' `out_row`s.
pub fn record(rec: &mut Recording, lanes: &Lanes, scored: &Scored, loss: Span, correct: Span) {
    let (mut grid, cost) = launch(lanes, scored.threads, scored.classes, 25);
    // Lanes whose last workgroups have idle threads go together where all have as many rows.
    let (most, threads) = (u64::from(lanes.max_rows), u64::from(scored.threads));
    let groups = lanes.rows.div_ceil(threads);
    let together = lanes.rows == most * u64::from(lanes.count) && !most.is_multiple_of(threads) && groups <= 65_535;
    if together {
        grid = [groups as u32, 1, 1];
    }
    let mut bound = vec![lanes.table, scored.logits, scored.labels, loss, correct];
    let (mut variant, Params { classes, stride }) = masked(scored.classes, scored.held, &mut bound);
    if classes <= FEW_CLASSES {
        variant = variant.define(FEW).with("CLASSES", classes);
    }
    let params = Launch { classes, stride, each: if together { lanes.max_rows } else { 0 }, lanes: lanes.count };
    rec.dispatch(&KERNEL, variant.with("THREADS", scored.threads), &params, &bound, grid, cost);
}

/// What a twin sees of a row's logits, from `first` on: those of classes that the lane's client doesn't hold are the lowest number.
/// `masks` is the binding of the masks.
pub fn row(call: &Call<'_>, lane: &Lane, logits: &[f32], first: usize, masks: usize) -> Vec<f32> {
    let Params { classes, stride } = call.params();
    let mut row = logits[first..][..classes as usize].to_vec();
    if call.variant.defines().contains(&MASKED) {
        let words = classes.div_ceil(32) as usize;
        let mask = &call.read::<u32>(masks)[(lane.weight_base / stride) as usize * words..][..words];
        for (c, logit) in row.iter_mut().enumerate() {
            *logit = if mask[c / 32] >> (c % 32) & 1 == 0 { f32::MIN } else { *logit };
        }
    }
    row
}

/// The first maximum's class and, over the other classes, the sum of `exp(logit - maximum)`.
pub fn best_and_sum(logits: &[f32]) -> (usize, f32) {
    let best = (1..logits.len()).fold(0, |best, c| if logits[c] > logits[best] { c } else { best });
    let mut sum = 0.0;
    for (c, &l) in logits.iter().enumerate() {
        if c != best {
            sum += exp_f32(l - logits[best]);
        }
    }
    (best, sum)
}

/// Loss and hit per row.
fn twin(call: &Call<'_>) {
    let Launch { classes, lanes: count, .. } = call.params();
    let classes = classes as usize;
    let (lanes, logits, labels) = (call.read::<Lane>(1), call.read::<f32>(2), call.read::<u32>(3));
    let (mut loss, mut correct) = (call.write::<f32>(4), call.write::<u32>(5));
    for lane in &lanes[..count as usize] {
        for r in 0..lane.rows as usize {
            let logits = row(call, lane, &logits, (lane.row0 as usize + r) * classes, 6);
            let label = labels[lane.x_row as usize + r] as usize;
            let (best, sum) = best_and_sum(&logits);
            loss[lane.out_row as usize + r] = (logits[best] - logits[label]) + log1p_f32(sum);
            correct[lane.out_row as usize + r] = u32::from(best == label);
        }
    }
}

/// What a case scores: lanes with weights `STRIDE` apart, whose clients hold all classes, or some.
pub fn input(f: &mut Fixture<'_>, lanes: &[u32], classes: u32, some: bool) -> (Lanes, Scored) {
    let table = f.lanes(lanes, STRIDE);
    let n = table.rows as usize;
    let logits: Vec<f32> = f.values(n * classes as usize).iter().map(|v| v * 8.0).collect();
    let mut labels = f.words(n);
    let (mut masks, mut after) = (Vec::new(), n);
    for &rows in lanes {
        // Each third class or so, and always the last.
        let held: Vec<u32> = f
            .words(classes as usize)
            .iter()
            .zip(0..classes)
            .filter(|(w, c)| *w % 3 == 0 || c + 1 == classes)
            .map(|(_, c)| c)
            .collect();
        masks.extend(mask(classes, held.iter().copied()));
        // A fixture's lanes have their inputs in the opposite order.
        let of_lane = &mut labels[after - rows as usize..after];
        of_lane.iter_mut().for_each(|w| *w = if some { held[*w as usize % held.len()] } else { *w % classes });
        after -= rows as usize;
    }
    let held = some.then(|| Held { masks: f.buffer("masks", &masks), stride: STRIDE });
    let threads = f.best_tiling().row_threads();
    (table, Scored { classes, logits: f.buffer("logits", &logits), labels: f.buffer("labels", &labels), held, threads })
}

/// Lanes and classes of the cases: as many of the latter as a data set may have.
pub const CASES: [(&[u32], u32, bool); 9] = [
    (&[1], 1, false),
    (&[1], 10, false),
    (&[70, 3, 130], 10, false),
    (&[2, 5], 103, false),
    (&[2], 65_535, false),
    // As many rows a lane: they go together.
    (&[19, 19, 19], 3, false),
    // One class alone: no loss.
    (&[3], 1, true),
    (&[70, 3, 130], 10, true),
    (&[2, 0, 5], 103, true),
];

/// The name of a case of a kernel.
pub fn name(kernel: &str, (lanes, classes, some): (&[u32], u32, bool)) -> String {
    format!("{kernel} {} lanes {classes} classes{}", lanes.len(), if some { " of which some are held" } else { "" })
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(rows, classes, some): (&'static [u32], u32, bool)| {
        // Per class an exponential (few ulp) and a sum; the logarithm's few.
        Case::new(name("softmax_xent", (rows, classes, some)), rounding(classes + 40), move |f| {
            let (lanes, scored) = input(f, rows, classes, some);
            let (loss, correct) = (f.blank("loss", lanes.rows as usize), f.blank("correct", lanes.rows as usize));
            let mut rec = Recording::new();
            record(&mut rec, &lanes, &scored, loss, correct);
            rec.read_back(loss);
            rec.read_back(correct);
            rec
        })
    };
    CASES.map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_a_bit_a_class() {
        assert_eq!(mask(40, [0, 31, 32, 39, 40]), [1 << 31 | 1, 1 << 7 | 1]);
        assert_eq!(mask(32, []), [0]);
    }
}
