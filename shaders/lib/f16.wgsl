// f32 as f16 without f16 in the language.

// The f16 that is next to each, ties to even, as f32; infinite beyond the largest.
fn nearest_f16(v: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(v);
    let rounded = (bits + vec4<u32>(0xfffu) + ((bits >> vec4<u32>(13u)) & vec4<u32>(1u))) & vec4<u32>(0xffffe000u);
    // f16 below 2^-14 are multiples of 2^-24.
    let small = round(v * 16777216.0f) * 5.9604645e-8f;
    let magnitude = bits & vec4<u32>(0x7fffffffu);
    let within = select(rounded, (bits & vec4<u32>(0x80000000u)) | vec4<u32>(0x7f800000u), magnitude >= vec4<u32>(0x477ff000u));
    return select(bitcast<vec4<f32>>(within), small, magnitude < vec4<u32>(0x38800000u));
}

// The first 11 binary digits of each, rounded: an f16 where no exponent of it is passed. In integers, since a compiler may hold an f32
// that is made an f16 and an f32 again for the f32.
fn high_part(v: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>((bitcast<vec4<u32>>(v) + vec4<u32>(0x1000u)) & vec4<u32>(0xffffe000u));
}
