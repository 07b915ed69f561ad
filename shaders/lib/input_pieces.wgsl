// Pieces of images in memory that a product by tiles reads, of places that may lie outside.
//
// A kernel that imports this declares the operand `inputs`, pieces with IN_QUADS, else single f32, and defines
// input_place(i, k, e) -> index of element e of the thread's piece i in the slice that begins at k, or OUTSIDE. With IN_QUADS it is asked
// for the first element only.
const OUTSIDE: u32 = 0xffffffffu;

// Piece i of the slice that begins at k; 0 outside.
#ifdef IN_QUADS
fn input_piece(i: u32, k: u32) -> Piece {
    let place = input_place(i, k, 0u);
    let inside = place != OUTSIDE;
    return select(Piece(), inputs_at(select(0u, place / PIECE, inside)), inside);
}
#else
fn input_one(place: u32) -> f32 {
    let inside = place != OUTSIDE;
    return select(0.0f, inputs_at(select(0u, place, inside)), inside);
}
fn input_piece(i: u32, k: u32) -> vec4<f32> {
    return vec4<f32>(
        input_one(input_place(i, k, 0u)), input_one(input_place(i, k, 1u)),
        input_one(input_place(i, k, 2u)), input_one(input_place(i, k, 3u)),
    );
}
#endif
