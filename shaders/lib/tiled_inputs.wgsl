// What a product by tiles reads of images (binding 3), channels last (lib/input_pieces.wgsl). IN_QUADS: channels are whole quads.
#ifdef IN_QUADS
#operand @binding(3) inputs: vec4<f32>
#else
#operand @binding(3) inputs: f32
#endif
#import lib/input_pieces.wgsl
