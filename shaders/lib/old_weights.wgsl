// The weights before a replay, by vec4: as the buffer holds them.
fn old_weights(quad: u32) -> vec4<u32> {
    return weights[quad];
}
