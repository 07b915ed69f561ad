// What a forward product by tiles reads of images (binding 3), channels last: f32 or, with IN_HALVES, f16 whose channels are whole eights
// (and quads, IN_QUADS).
#ifdef IN_HALVES
#import lib/half_inputs.wgsl
#import lib/input_pieces.wgsl
#else
#import lib/tiled_inputs.wgsl
#endif
