// y[i] = factor x[i]. One Value a thread; params.count is in f32.
// Launch: count / WIDTH items, folded over x and y. Traffic: reads one value, writes one.
#import lib/value.wgsl
#import lib/fold.wgsl

struct Params {
    count: u32,
    factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
#operand @binding(1) x: Value
@group(0) @binding(2) var<storage, read_write> y: array<Value>;

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = item_index(group, groups, t);
    if item >= params.count / WIDTH {
        return;
    }
    y[item] = params.factor * x_at(item);
}
