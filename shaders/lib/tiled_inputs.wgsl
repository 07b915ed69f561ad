// What a product by tiles reads of images (binding 3), channels last: places that may lie outside. IN_QUADS: channels are whole quads.
//
// A kernel that imports this defines input_place(i, k, e) -> index of element e of the thread's quad i in the slice that begins at k, or
// OUTSIDE. With IN_QUADS it is asked for the first element only.
#ifdef IN_QUADS
#operand @binding(3) inputs: vec4<f32>
#else
#operand @binding(3) inputs: f32
#endif

const OUTSIDE: u32 = 0xffffffffu;

// Quad i of the slice that begins at k; 0 outside.
#ifdef IN_QUADS
fn inputs_four(i: u32, k: u32) -> vec4<f32> {
    let place = input_place(i, k, 0u);
    let inside = place != OUTSIDE;
    return select(vec4<f32>(), inputs_at(select(0u, place / 4u, inside)), inside);
}
#else
fn input_one(place: u32) -> f32 {
    let inside = place != OUTSIDE;
    return select(0.0f, inputs_at(select(0u, place, inside)), inside);
}
fn inputs_four(i: u32, k: u32) -> vec4<f32> {
    return vec4<f32>(
        input_one(input_place(i, k, 0u)), input_one(input_place(i, k, 1u)),
        input_one(input_place(i, k, 2u)), input_one(input_place(i, k, 3u)),
    );
}
#endif
