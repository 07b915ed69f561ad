// A whole block of four numbers of a distribution given by its stream number. Called with a constant, only that branch remains.
#import lib/stream.wgsl

fn stream_quad(dist: u32, key: vec2<u32>, block: vec2<u32>) -> vec4<f32> {
    if dist == BINOMIAL {
        return binomial_block(key, block.x, block.y);
    } else if dist == GAUSSIAN {
        return gaussian_block(key, block.x, block.y);
    }
    return uniform_block(key, block.x, block.y);
}
