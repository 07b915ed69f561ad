// What a product by tiles writes (binding 4): whole quads with QUADS, else single f32.
#import lib/value.wgsl

@group(0) @binding(4) var<storage, read_write> output: array<Value>;
