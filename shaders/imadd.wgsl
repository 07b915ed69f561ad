// The integer ceiling of the bench: multiply-adds of u32, modulo 2^32. Traffic and launch: lib/chains.wgsl.
alias Number = u32;
#import lib/chains.wgsl
