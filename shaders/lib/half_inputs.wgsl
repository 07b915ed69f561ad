// Activations of a forward product by tiles that are f16 in memory (binding 3): eights as they lie, which matrices take, else quads.
#ifdef MATRIX
#operand @binding(3) inputs: vec4<u32>
#else
#import lib/halves.wgsl
#operand @binding(3) inputs: Halves
#endif
