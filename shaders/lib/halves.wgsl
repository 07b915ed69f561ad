// Four f16 in two words, which operands of `Halves` read: as f32, those of element i of two in a texel, and back.
fn halves_as(words: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}

fn halves_in(texel: vec4<u32>, i: u32) -> vec4<f32> {
    return halves_as(select(texel.xy, texel.zw, (i & 1u) == 1u));
}

fn halves_of(v: vec4<f32>) -> vec2<u32> {
    return vec2<u32>(pack2x16float(v.xy), pack2x16float(v.zw));
}
