// A row of `classes` logits, from `first` on: its first maximum, and the sum over the other classes, in order, of exp(logit - maximum).
// The importer declares the operand `logits`. Four classes a step: llvmpipe ends the loops of an invocation, without a word, after
// 65,535 steps in all of them together.
// MASKED: a class that the lane's client doesn't hold counts as the lowest number, whose exponential is 0. The importer declares `masks`, a
// bit a class in whole words a client, and sets `mask_first`, the lane's first word.
#import lib/math.wgsl

struct Row {
    best: u32,
    most: f32,
    sum: f32,
}

#ifdef MASKED
var<private> mask_first: u32;

fn logit(first: u32, c: u32) -> f32 {
    let held = (masks[mask_first + (c >> 5u)] >> (c & 31u)) & 1u;
    return select(-3.4028235e38f, logits_at(first + c), held != 0u);
}
#else
fn logit(first: u32, c: u32) -> f32 {
    return logits_at(first + c);
}
#endif

// exp(logit - maximum) of a class; 0 for the maximum and beyond the last class.
fn other_exp(row: Row, first: u32, c: u32, classes: u32) -> f32 {
    let e = exp_f32(logit(first, min(c, classes - 1u)) - row.most);
    return select(e, 0.0f, c == row.best || c >= classes);
}

// A class beyond the last reads the last again, which is no larger than itself.
fn larger(row: Row, first: u32, c: u32, classes: u32) -> Row {
    let v = logit(first, min(c, classes - 1u));
    if v > row.most {
        return Row(c, v, 0.0f);
    }
    return row;
}

fn softmax_row(first: u32, classes: u32) -> Row {
    var row = Row(0u, logit(first, 0u), 0.0f);
    for (var c = 1u; c < classes; c += 4u) {
        row = larger(row, first, c, classes);
        row = larger(row, first, c + 1u, classes);
        row = larger(row, first, c + 2u, classes);
        row = larger(row, first, c + 3u, classes);
    }
    var sum = 0.0f;
    for (var c = 0u; c < classes; c += 4u) {
        sum += other_exp(row, first, c, classes);
        sum += other_exp(row, first, c + 1u, classes);
        sum += other_exp(row, first, c + 2u, classes);
        sum += other_exp(row, first, c + 3u, classes);
    }
    row.sum = sum;
    return row;
}
