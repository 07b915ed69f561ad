// Four probes at a time, for kernels that import lib/replay.wgsl: `own_probe` before, `probe` for each. Beyond the last, zeros.
// Every invocation of the workgroup must get here.
#import lib/probe_at.wgsl

fn own_probe(j: u32) -> vec4<u32> {
    return vec4<u32>();
}

// Probe j + k, k < 4 a literal, after `own_probe(j)` gave `own`.
fn probe(own: vec4<u32>, j: u32, k: u32) -> vec4<u32> {
    return select(vec4<u32>(), probe_at(min(j + k, params.probes - 1u)), j + k < params.probes);
}
