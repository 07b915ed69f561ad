// Core tier: a thread shares nothing; it computes with the rows it loaded itself (SHARE = 1).
fn shared_from(own: vec4<f32>, j: u32) -> vec4<f32> {
    return own;
}
fn shared_one(own: f32, j: u32) -> f32 {
    return own;
}
