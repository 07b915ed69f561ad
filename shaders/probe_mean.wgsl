// Per probe (plus row, minus row, rows, 0): out = the sum of its parts (probe_dl.wgsl), in order, over its rows. A thread a probe.
// Launch: probes / 64, folded over x and y. Traffic: reads each part once.
#import lib/lanes.wgsl:items

struct Params {
    probes: u32,
    parts: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probes: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> sums: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec2<f32>>;

fn items() -> u32 {
    return params.probes;
}

fn take(probe: u32, lane: u32) {
    // Parts behind a probe's last row are 0.
    var whole = vec2<f32>();
    for (var part = 0u; part < params.parts; part += 1u) {
        whole += sums[probe * params.parts + part];
    }
    out[probe] = whole / f32(probes[probe].z);
}
