// The arithmetic ceiling of the bench: multiply-adds of f32. Traffic and launch: lib/chains.wgsl.
alias Number = f32;
#import lib/chains.wgsl
