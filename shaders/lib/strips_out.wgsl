// Strips of pixels into the output, [row][channel][y][x], as quads where rows are whole quads.
#ifdef QUADS
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;
#else
@group(0) @binding(4) var<storage, read_write> output: array<f32>;
#endif

// Strip b of a thread; `at` is its first pixel's place.
fn store_strip(at: u32, x: u32, width: u32, v: array<f32, 4>) {
#ifdef QUADS
    output[at >> 2u] = vec4<f32>(v[0], v[1], v[2], v[3]);
#else
    for (var p = 0u; p < 4u; p++) {
        if (x + p < width) { output[at + p] = v[p]; }
    }
#endif
}

// All strips of a thread, of channels first, first + 1, ... below `channels`, of samples from row `row0` on.
fn store_strips(row0: u32, place: Place, first: u32, channels: u32, height: u32, width: u32, sums: ptr<function, Strips>) {
    for (var f = 0u; f < TILE_O; f++) {
        for (var j = 0u; j < SHARE; j++) {
            let o = first + f * SHARE + j;
            let at = (((row0 + place.sample) * channels + o) * height + place.y) * width + place.x;
            for (var b = 0u; b < STRIPS; b++) {
                if (place.exists && o < channels && place.y + b < height) {
                    store_strip(at + b * width, place.x, width, (*sums)[f][j][b]);
                }
            }
        }
    }
}
