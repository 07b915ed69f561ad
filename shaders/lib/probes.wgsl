// Four probes at a time, for kernels that import lib/replay.wgsl: `place` once, `own_probe` before each four, `probe` for each:
// probe(own, j, k) is probe j + k, k < 4 a literal, after own_probe(j, ..) gave `own`. Beyond the last, zeros. Every invocation of the
// workgroup must get here.
#ifdef SUBGROUP
// An invocation loads one of the four and the subgroup, of at least four, shares it. A load from a storage buffer costs a software
// adapter as much as ten Philox blocks.
#import lib/subgroup_place.wgsl

fn place() -> u32 {
    return subgroup_place() & 3u;
}

fn own_probe(j: u32, place: u32) -> vec4<u32> {
    return listed_probe(j + place);
}

fn probe(own: vec4<u32>, j: u32, k: u32) -> vec4<u32> {
    switch k {
        case 0u: { return subgroupBroadcast(own, 0u); }
        case 1u: { return subgroupBroadcast(own, 1u); }
        case 2u: { return subgroupBroadcast(own, 2u); }
        default: { return subgroupBroadcast(own, 3u); }
    }
}
#else
fn place() -> u32 {
    return 0u;
}

fn own_probe(j: u32, place: u32) -> vec4<u32> {
    return vec4<u32>();
}

fn probe(own: vec4<u32>, j: u32, k: u32) -> vec4<u32> {
    return listed_probe(j + k);
}
#endif
