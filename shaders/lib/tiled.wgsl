// A product by tiles in workgroup memory: sums by multiply-adds of a thread's own, or by cooperative matrices.
#ifdef MATRIX
#import lib/matrix_quads.wgsl
#import lib/matrix_tile.wgsl
#else
#import lib/workgroup_tile.wgsl
#endif
