// y[row0 + r][i] = x[x_row + r][i]: each lane's own copy of the rows that it reads of the batch, for kernels that know only rows of a
// lane. A thread an element, strided. Launch: x = elements of the largest lane / 64 (at most 65,535), z = lanes.
// Traffic: reads and writes one f32 an element.
#import lib/lanes.wgsl:lane

struct Params {
    len: u32, // f32 of a row
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> lanes: array<Lane>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let rows = lanes[group.z];
    let count = rows.rows * params.len;
    for (var i = group.x * 64u + t; i < count; i += groups.x * 64u) {
        y[rows.row0 * params.len + i] = x[rows.x_row * params.len + i];
    }
}
