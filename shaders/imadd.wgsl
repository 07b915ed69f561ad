// The integer ceiling of the bench: multiply-adds of u32, modulo 2^32 (lib/chains.wgsl).
alias Number = u32;
#import lib/chains.wgsl
