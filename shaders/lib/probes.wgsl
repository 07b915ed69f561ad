// Four probes at a time, for kernels that import lib/replay.wgsl: `place` once, `own_probe` before each four, `probe` for each. Beyond
// the last, zeros. Every invocation of the workgroup must get here.
fn place() -> u32 {
    return 0u;
}

fn own_probe(j: u32, place: u32) -> vec4<u32> {
    return vec4<u32>();
}

// Probe j + k, k < 4 a literal, after `own_probe(j, ..)` gave `own`.
fn probe(own: vec4<u32>, j: u32, k: u32) -> vec4<u32> {
    return listed_probe(j + k);
}
