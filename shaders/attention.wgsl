// Multi-head attention.
// Over quads: see lib/attention.wgsl.
#import lib/value_quad.wgsl
#import lib/quad2.wgsl
#import lib/attention.wgsl
