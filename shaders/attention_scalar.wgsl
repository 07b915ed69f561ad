// Multi-head attention.
// Over single f32: see lib/attention.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar2.wgsl
#import lib/attention.wgsl
