// Gradient of a bias: sum of dy over the lane's rows and pixels, in parts (lib/lanes.wgsl:parts). FLAT 1 (units are rows, or pixels of them
// whose channels lie beside each other): four neighbouring outputs a thread, rows in order or dealt to row teams
// (lib/lanes.wgsl:row_teams); launch x = outputs / (4 TEAM_COLUMNS). FLAT 0 (units are quads of pixels, a sample's last filled up with 0):
// one output a workgroup; thread t sums a part's quads t, t + 64, ..., then a tree; launch x = outputs. z = lanes, or lanes and parts.
// Traffic: reads dy once.
#import lib/lanes.wgsl:parts
#import lib/lanes.wgsl:row_teams
#import lib/lanes.wgsl:tree
#import lib/values.wgsl:gradient

struct Params {
    cut: Cut,
    outputs: u32,
    spatial: u32,
    // Of the bias in what is summed into.
    bias_offset: u32,
    accumulate: u32,
}

override FLAT: u32 = 0u;

alias TeamValue = vec4<f32>;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(3) var<storage, read_write> gradients: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let work = work_of(params.cut, group.z, params.outputs);
    let lane = lanes[work.lane];
    let slot = work.base + params.bias_offset;
    if FLAT == 1u {
        let own = (group.x * TEAM_COLUMNS + t % TEAM_COLUMNS) * 4u;
        let o = min(own, (params.outputs - 1u) / 4u * 4u);
        let count = min(params.outputs - o, 4u);
        var total = vec4<f32>(0.0f);
        if params.accumulate == 1u {
            for (var i = 0u; i < count; i += 1u) {
                total[i] = gradients[slot + o + i];
            }
        }
        for (var part = work.first; part < work.end; part += 1u) {
            let units = part_units(params.cut, lane.rows, part);
            var sum = vec4<f32>(0.0f);
            for (var r = units.x + t / TEAM_COLUMNS; r < units.y; r += ROW_TEAMS) {
                sum += dy_four((lane.row0 * params.cut.row + r) * params.outputs + o, params.outputs - o);
            }
            total += over_teams(t, sum);
        }
        if own < params.outputs && t < TEAM_COLUMNS {
            for (var i = 0u; i < count; i += 1u) {
                gradients[slot + o + i] = total[i];
            }
        }
        return;
    }
    let o = group.x;
    var total = select(0.0f, gradients[slot + o], params.accumulate == 1u);
    let quads = params.cut.row;
    for (var part = work.first; part < work.end; part += 1u) {
        let units = part_units(params.cut, lane.rows, part);
        var sum = vec4<f32>(0.0f);
        for (var u = units.x + t; u < units.y; u += 64u) {
            let sample = u / quads;
            let pixel = (u - sample * quads) * 4u;
            let row = lane.row0 + sample;
            sum += dy_four((row * params.outputs + o) * params.spatial + pixel, params.spatial - pixel);
        }
        total += tree_sum(t, vec2<f32>((sum.x + sum.y) + (sum.z + sum.w), 0.0f)).x;
    }
    if t == 0u {
        gradients[slot + o] = total;
    }
}
