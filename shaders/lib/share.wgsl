// Thread j of a team hands its quad to all of them: SHARE is the size of the subgroup that the team is. In the core tier a thread shares
// nothing; it computes with the rows that it loaded itself (SHARE 1).
#ifdef SUBGROUP
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return subgroupShuffle(own, j);
}
fn shared_one(own: f32, j: u32) -> f32 {
    return subgroupShuffle(own, j);
}
#else
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return own;
}
fn shared_one(own: f32, j: u32) -> f32 {
    return own;
}
#endif
