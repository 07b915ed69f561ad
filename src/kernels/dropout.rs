//! Dropout: values of a row that are drawn become 0, the others larger. The gradient is the same map of the slope.

use super::lib::values;
use super::lib::{Case, fold_grid};
use crate::recording::kernel::{Call, Kernel, params};
use crate::recording::{Recording, Span};
use crate::rng::philox::philox;

/// The kernel.
pub static KERNEL: Kernel = values::kernel::<Params>("dropout", twin);

/// The last word of a counter, which tells these draws from others.
const DOMAIN: u32 = 0x5EED_0004;

params! {
    /// The uniform block.
    pub struct Params {
        /// Values; a binding holds fewer than 2^32.
        pub count: u32,
        /// f32 of a row.
        pub len: u32,
        /// The layer's number among the model's dropouts.
        pub layer: u32,
        /// Words of the generator below it make a 0.
        pub threshold: u32,
        /// What the other values are multiplied by.
        pub factor: f32,
    }
}

impl Params {
    /// Of a layer that makes values 0 with probability `p`, at most 1 - 2^-32 of them.
    pub fn new(count: u32, len: u32, layer: u32, p: f64) -> Self {
        // Saturates.
        let threshold = (p * 2f64.powi(32)).round() as u32;
        Self { count, len, layer, threshold, factor: (1.0 / (1.0 - p)) as f32 }
    }
}

/// What a mask is drawn from: a row's entry in the table.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, bytemuck::Pod, bytemuck::Zeroable)]
pub struct Row {
    /// Low and high word of the seed of the row's batch.
    pub seed: [u32; 2],
    /// The row's number in its batch.
    pub row: u32,
    /// Unused.
    pub pad: u32,
}

/// Bytes of [`Row`].
pub const ROW_BYTES: u64 = size_of::<Row>() as u64;

impl Row {
    /// Those of a batch's rows.
    pub fn of_batch(seed: u64, rows: u32) -> impl Iterator<Item = Self> {
        (0..rows).map(move |row| Self { seed: [seed as u32, (seed >> 32) as u32], row, pad: 0 })
    }
}

/// Records `y = x` through the masks of the rows' entries in `rows` ([`Row`] each).
pub fn record(rec: &mut Recording, params: &Params, rows: Span, x: Span, y: Span) {
    let (variant, width) = values::of(u64::from(params.len));
    let count = u64::from(params.count);
    // Ten rounds of Philox, about six operations each, for four values.
    rec.dispatch(&KERNEL, variant, params, &[rows, x, y], fold_grid(count / u64::from(width), 64), 16 * count);
}

/// `y = factor x` where the row's word is at least the threshold, else 0.
fn twin(call: &Call<'_>) {
    let p: Params = call.params();
    let (rows, x, mut y) = (call.read::<Row>(1), call.read::<f32>(2), call.write::<f32>(3));
    let len = p.len as usize;
    for (row, of_row) in rows[..p.count as usize / len].iter().enumerate() {
        for (block, first) in (0..len).step_by(4).enumerate() {
            let words = philox(of_row.seed, [block as u32, of_row.row, p.layer, DOMAIN]);
            for (i, word) in (first..len).zip(words) {
                let at = row * len + i;
                y[at] = if word >= p.threshold { p.factor * x[at] } else { 0.0 };
            }
        }
    }
}

/// Self-test cases.
pub fn cases() -> Vec<Case> {
    let case = |(rows, len, p): (u32, u32, f64)| {
        Case::new(format!("dropout {rows} x {len} of {p}"), 0.0, move |f| {
            // Two batches, the second with rows that begin anew.
            let first = rows / 3;
            let table: Vec<Row> = Row::of_batch(u64::MAX - 5, first).chain(Row::of_batch(7, rows - first)).collect();
            let values = (rows * len) as usize;
            let (table, x, y) = (f.buffer("rows", &table), f.random("x", values), f.blank("y", values));
            let mut rec = Recording::new();
            record(&mut rec, &Params::new(rows * len, len, 3, p), table, x, y);
            rec.read_back(y);
            rec
        })
    };
    // One value; odd rows; quads; nothing and nearly all dropped; more than 65,535 workgroups.
    [(1, 1, 0.5), (70, 67, 0.3), (33, 64, 0.1), (5, 12, 0.0), (9, 9, 0.999_999), (68_765, 61, 0.5)].map(case).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_the_share_of_all_words() {
        assert_eq!(Params::new(1, 1, 0, 0.0).threshold, 0);
        assert_eq!(Params::new(1, 1, 0, 0.5).threshold, 1 << 31);
        assert_eq!(Params::new(1, 1, 0, 1.0 - 1e-12).threshold, u32::MAX);
        assert_eq!(Params::new(1, 1, 0, 0.75).factor, 4.0);
    }
}
