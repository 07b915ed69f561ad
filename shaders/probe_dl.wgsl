// Per probe (plus row, minus row, rows, 0): out = (mean of l+ - l-, mean of (l+ + l-) / 2) over the samples. The difference is taken
// sample by sample, before the sum, in parts of PART_SAMPLES: thread t takes rows t, t + 64, ..., then a tree. A workgroup a probe and
// part.
// Where there are several parts, out has the sum of each instead, [probe][part], for probe_mean.wgsl.
// Launch: probes workgroups, folded over x and y; z = parts. Traffic: reads each loss once.
#import lib/lanes.wgsl:tree

struct Params {
    probes: u32,
    parts: u32,
}

const PART_SAMPLES: u32 = 64u;

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
    let first = group.z * PART_SAMPLES;
    let end = min(first + PART_SAMPLES, probe.z);
    for (var r = first + t; r < end; r += 64u) {
        let plus = loss[probe.x + r];
        let minus = loss[probe.y + r];
        sums += vec2<f32>(plus - minus, (plus + minus) * 0.5f);
    }
    let whole = tree_sum(t, sums);
    if t == 0u {
        if params.parts == 1u {
            out[index] = whole / f32(probe.z);
        } else {
            out[index * params.parts + group.z] = whole;
        }
    }
}
