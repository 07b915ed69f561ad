// Per probe (plus row, minus row, rows, 0): out = (mean of l+ - l-, mean of (l+ + l-) / 2) over the samples. The difference is taken
// sample by sample, before the sum: thread t takes rows t, t + 64, ..., then a tree. A workgroup a probe.
// Launch: probes workgroups, folded over x and y. Traffic: reads each loss once.
#import lib/tree.wgsl

struct Params {
    probes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probes: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= params.probes {
        return;
    }
    let probe = probes[index];
    var sums = vec2<f32>(0.0f);
    for (var r = t; r < probe.z; r += 64u) {
        let plus = loss[probe.x + r];
        let minus = loss[probe.y + r];
        sums += vec2<f32>(plus - minus, (plus + minus) * 0.5f);
    }
    let whole = tree_sum(t, sums);
    if t == 0u {
        out[index] = whole / f32(probe.z);
    }
}
