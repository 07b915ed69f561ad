//! Twin of `gather`.

use crate::kernels::gather::{Params, UNTOUCHED};
use crate::recording::kernel::Call;

/// `x[out_row + r] = table[channel][pixels[index[r]]]`.
pub fn gather(call: &Call<'_>) {
    let p: Params = call.params();
    let (index, pixels, table) = (call.read::<u32>(1), call.read::<u8>(2), call.read::<f32>(3));
    let mut x = call.write::<f32>(4);
    for r in 0..p.rows as usize {
        if index[r] == UNTOUCHED {
            continue;
        }
        let from = index[r] as usize * p.row_words as usize * 4;
        let to = (p.out_row as usize + r) * p.features as usize;
        for f in 0..p.features as usize {
            x[to + f] = table[f / p.spatial as usize * 256 + usize::from(pixels[from + f])];
        }
    }
}
