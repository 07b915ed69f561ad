// A product by tiles whose second operand is multiplied as it is loaded, with nothing added to a column.
fn b_ready(i: u32, k: u32, quad: vec4<f32>) -> vec4<f32> {
    return quad;
}
fn column_quad(n: u32) -> vec4<f32> {
    return vec4<f32>();
}
