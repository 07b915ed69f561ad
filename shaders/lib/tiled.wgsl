// A product by tiles in workgroup memory: sums by multiply-adds of a thread's own.
#import lib/workgroup_tile.wgsl
