// Kernels over rows of f32 are written once, over `Value`s: here single f32, for rows of any length.
alias Value = f32;
const WIDTH: u32 = 1u;

fn total(v: Value) -> f32 {
    return v;
}

// For functions of one f32: a Value's elements in a quad, and back.
fn to_quad(v: Value) -> vec4<f32> {
    return vec4<f32>(v, 0.0f, 0.0f, 0.0f);
}

fn of_quad(q: vec4<f32>) -> Value {
    return q.x;
}
