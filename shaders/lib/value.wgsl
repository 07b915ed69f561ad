// Kernels over rows of f32 are written once, over `Value`s, and built twice: over quads, for rows whose length is a multiple of 4
// (QUADS), and over single f32, for any.
#ifdef QUADS
alias Value = vec4<f32>;
const WIDTH: u32 = 4u;

fn total(v: Value) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

// For functions of one f32: a Value's elements in a quad, and back.
fn to_quad(v: Value) -> vec4<f32> {
    return v;
}

fn of_quad(q: vec4<f32>) -> Value {
    return q;
}
#else
alias Value = f32;
const WIDTH: u32 = 1u;

fn total(v: Value) -> f32 {
    return v;
}

fn to_quad(v: Value) -> vec4<f32> {
    return vec4<f32>(v, 0.0f, 0.0f, 0.0f);
}

fn of_quad(q: vec4<f32>) -> Value {
    return q.x;
}
#endif
