// y = act(x * a + b [+ residual]).
// Over single f32: see lib/norm_apply.wgsl.
#import lib/value_scalar.wgsl
#import lib/scalar2.wgsl
#import lib/scalar3.wgsl
#import lib/norm_apply.wgsl
