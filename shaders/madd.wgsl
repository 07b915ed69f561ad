// The arithmetic ceiling of the bench: multiply-adds of f32 (lib/chains.wgsl).
alias Number = f32;
#import lib/chains.wgsl
