// A convolution: see lib/conv.wgsl.
#import lib/conv.wgsl

fn after_tile(lane: Lane, first: u32, q0: u32, columns: u32, thread: u32, sums: ptr<function, Tile>) {}
