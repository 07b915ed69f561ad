// The entry of kernels whose threads take an item each: `items()` says how many there are, `take(item, lane)` does one, lane being the
// launch's z.
#import lib/fold.wgsl

@compute @workgroup_size(WG)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let item = item_index(group, groups, t);
    if item < items() {
        take(item, group.z);
    }
}
