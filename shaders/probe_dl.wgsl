// Per probe (plus row, minus row, rows, 0): out = (mean of l+ - l-, mean of (l+ + l-) / 2) over the samples. The difference is taken
// sample by sample, before the sum, in parts of PART_SAMPLES: sum s < 64 takes rows s, s + 64, ..., then the sums are added by the tree of
// lib/lanes.wgsl:tree. A team of 8 threads a probe and part: thread m keeps sums m, m + 8, ..., of which the tree adds up its own first, so
// that a workgroup meets once for all its teams.
// Where there are several parts, out has the sum of each instead, [probe][part], for probe_mean.wgsl.
// Launch: probes / 8 workgroups, folded over x and y; z = parts. Traffic: reads each loss once.

struct Params {
    probes: u32,
    parts: u32,
}

const PART_SAMPLES: u32 = 64u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> probes: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> loss: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<vec2<f32>>;

// What the threads of the teams have summed.
var<workgroup> sums: array<vec2<f32>, 64>;

// Difference and mean of a row's losses; of rows from `end` on 0.
fn losses_of(probe: vec4<u32>, r: u32, end: u32) -> vec2<f32> {
    if r >= end {
        return vec2<f32>();
    }
    let plus = loss[probe.x + r];
    let minus = loss[probe.y + r];
    return vec2<f32>(plus - minus, (plus + minus) * 0.5f);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let index = (group.y * groups.x + group.x) * 8u + t / 8u;
    let member = t % 8u;
    let probe = select(vec4<u32>(), probes[min(index, params.probes - 1u)], index < params.probes);
    let first = group.z * PART_SAMPLES;
    let end = min(first + PART_SAMPLES, probe.z);
    // Sums member, member + 8, ... by name: no index is left to run time.
    var a = vec2<f32>();
    var b = vec2<f32>();
    var c = vec2<f32>();
    var d = vec2<f32>();
    var e = vec2<f32>();
    var f = vec2<f32>();
    var g = vec2<f32>();
    var h = vec2<f32>();
    for (var r = first + member; r < end; r += 64u) {
        a += losses_of(probe, r, end);
        b += losses_of(probe, r + 8u, end);
        c += losses_of(probe, r + 16u, end);
        d += losses_of(probe, r + 24u, end);
        e += losses_of(probe, r + 32u, end);
        f += losses_of(probe, r + 40u, end);
        g += losses_of(probe, r + 48u, end);
        h += losses_of(probe, r + 56u, end);
    }
    // Steps 32, 16 and 8 of the tree, then 4, 2 and 1 over the team.
    sums[t] = ((a + e) + (c + g)) + ((b + f) + (d + h));
    workgroupBarrier();
    if member == 0u && index < params.probes {
        let even = (sums[t] + sums[t + 4u]) + (sums[t + 2u] + sums[t + 6u]);
        let odd = (sums[t + 1u] + sums[t + 5u]) + (sums[t + 3u] + sums[t + 7u]);
        let whole = even + odd;
        if params.parts == 1u {
            out[index] = whole / f32(probe.z);
        } else {
            out[index * params.parts + group.z] = whole;
        }
    }
}
