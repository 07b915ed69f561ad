// Which class's row of the classifier a parameter belongs to. The importer's `params` has the members weight_first, weight_len, row,
// bias_first and bias_len (`src/kernels/lib/class_rows.rs`).
const NO_CLASS: u32 = 0xffffffffu;

// The class of the parameter with this index of the flat vector; NO_CLASS where it isn't the classifier's.
fn class_of(index: u32) -> u32 {
    // Below zero modulo 2^32 before the tensor: beyond its length.
    let w = index - params.weight_first;
    if w < params.weight_len {
        return w / params.row;
    }
    let b = index - params.bias_first;
    return select(NO_CLASS, b, b < params.bias_len);
}
