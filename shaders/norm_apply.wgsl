// y = act(x * a + b [+ residual]).
// Over quads: see lib/norm_apply.wgsl.
#import lib/value_quad.wgsl
#import lib/quad2.wgsl
#import lib/quad3.wgsl
#import lib/norm_apply.wgsl
