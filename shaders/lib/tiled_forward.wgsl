// A product by tiles of activations and weights, and how the weights lie before it. Activations lie along k.
// IN_HALVES: activations are f16 in memory; matrices then have weights that are, too.
const A_ALONG_K: u32 = 1u;
#ifdef MATRIX
#ifdef IN_HALVES
const B_ALONG_K: u32 = 1u;
#import lib/matrix_halves.wgsl
#import lib/matrix_tile.wgsl
#import lib/half_weights.wgsl
#else
const B_ALONG_K: u32 = 0u;
#import lib/tiled.wgsl
#import lib/tiled_weights.wgsl
#endif
#else
const B_ALONG_K: u32 = 0u;
#import lib/tiled.wgsl
#import lib/tiled_weights.wgsl
#endif
