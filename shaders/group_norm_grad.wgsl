// dx of group norm.
// Over quads: see lib/group_norm_grad.wgsl.
#import lib/value_quad.wgsl
#import lib/quad3.wgsl
#import lib/quad4.wgsl
#import lib/group_norm_grad.wgsl
