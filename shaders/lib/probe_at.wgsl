// The probes of a replay in a storage buffer (binding 1).
@group(0) @binding(1) var<storage, read> probes: array<vec4<u32>>;

fn probe_at(j: u32) -> vec4<u32> {
    return probes[j];
}
