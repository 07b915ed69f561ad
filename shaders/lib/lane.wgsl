// One evaluation of a chunk: client x probe x sign, or a client with weights of its own (src/kernels/params.rs).
struct Lane {
    // f32 index of the lane's own weights, 0 where all lanes share one copy.
    weight_base: u32,
    seed_lo: u32,
    seed_hi: u32,
    // Factor of the stream's element: +-eps * tau * scale.
    coef: f32,
    // First row in the input batch, shared by probes and signs.
    x_row: u32,
    // First row in the chunk's activation buffers.
    row0: u32,
    rows: u32,
    // First row in per-sample results.
    out_row: u32,
}
