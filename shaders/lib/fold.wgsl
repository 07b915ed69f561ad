// One-dimensional launches folded over x and y, so that no dimension passes 65,535 workgroups.
const WG: u32 = 64u;

// The number of this work item; those beyond the launch's count have nothing to do.
fn item_index(group: vec3<u32>, groups: vec3<u32>, local: u32) -> u32 {
    return (group.y * groups.x + group.x) * WG + local;
}
