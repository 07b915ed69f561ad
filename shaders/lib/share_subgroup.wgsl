// Subgroup tier: thread j of the subgroup hands its quad to all (SHARE = the subgroup size).
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return subgroupShuffle(own, j);
}
fn shared_one(own: f32, j: u32) -> f32 {
    return subgroupShuffle(own, j);
}
