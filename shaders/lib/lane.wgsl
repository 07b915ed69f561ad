// One lane of a chunk; the twin of Lane in src/kernels/params.rs, which says what the fields mean.
struct Lane {
    weight_base: u32,
    seed_lo: u32,
    seed_hi: u32,
    coef: f32,
    x_row: u32,
    row0: u32,
    rows: u32,
    out_row: u32,
}
