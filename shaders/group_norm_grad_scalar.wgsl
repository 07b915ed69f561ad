// dx of group norm.
// Over single f32: see lib/group_norm_grad.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar3.wgsl
#import lib/scalar4.wgsl
#import lib/group_norm_grad.wgsl
