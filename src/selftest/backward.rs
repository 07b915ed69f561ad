//! Cases of gradients of products.

use super::{Case, rounding};
use crate::kernels::{conv_grad, linear_grad};
use crate::recording::Recording;

pub(super) fn cases() -> Vec<Case> {
    linear_cases().into_iter().chain(conv_cases()).collect()
}

fn linear_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // Rows of a sample: 1, or so many tokens that sums over them are split, into parts of which a block's last is the shorter one.
    for (rows, tokens, inputs, outputs) in [
        (&[1][..], 1, 1, 1),
        (&[17, 1, 40], 1, 67, 13),
        (&[9, 33], 1, 130, 35),
        (&[70, 8, 3], 1, 68, 44),
        (&[9, 1, 0, 16], 67, 67, 13),
        (&[2, 8], 64, 68, 44),
    ] {
        let rows: Vec<u32> = rows.iter().map(|samples| samples * tokens).collect();
        let text = format!("{} lanes of {tokens} tokens {inputs} to {outputs}", rows.len());
        let stride = inputs * outputs + outputs + 1;
        // A product and a sum per summand: outputs for the input's gradient, rows for the weight's, run twice.
        let of_input = rows.clone();
        cases.push(Case::new(format!("linear_grad_input {text}"), rounding(2 * outputs), move |f| {
            let (rows, lanes) = (&of_input, f.lanes(&of_input, stride));
            let n = lanes.rows as usize;
            let weights = f.random("weights", rows.len() * stride as usize);
            let (dy, dx) = (f.random("dy", n * outputs as usize), f.blank("dx", n * inputs as usize));
            let params = linear_grad::InputParams { inputs, outputs, weight_offset: 1 };
            let mut rec = Recording::new();
            linear_grad::record_input(&mut rec, &lanes, f.tiling(), &params, weights, dy, dx);
            rec.read_back(dx);
            rec
        }));
        for from_batch in [0, 1] {
            let name = format!("linear_grad_weight {text} from_batch {from_batch}");
            // 16 operations a block of rows, the blocks and parts of up to 70 of them, twice.
            let (rows, room) = (rows.clone(), if from_batch == 0 { 30 } else { 3 });
            cases.push(Case::new(name, rounding(200), move |f| {
                let lanes = f.lanes(&rows, stride).of_tokens(tokens);
                let n = lanes.rows as usize;
                let (x, dy) = (f.random("x", n * inputs as usize), f.random("dy", n * outputs as usize));
                let target = f.target(rows.len() * stride as usize, room * inputs * outputs);
                let params = |accumulate| linear_grad::WeightParams {
                    inputs,
                    outputs,
                    weight_offset: 1,
                    from_batch,
                    accumulate,
                };
                let mut rec = Recording::new();
                linear_grad::record_weight(&mut rec, &lanes, f.tiling(), &params(0), x, dy, &target);
                linear_grad::record_weight(&mut rec, &lanes, f.tiling(), &params(1), x, dy, &target);
                rec.read_back(target.gradients);
                rec
            }));
        }
    }
    // Samples, tokens, pixels; where a block has many terms its sum is split, the last one's into several parts.
    for (outputs, tokens, spatial) in
        [(1, 1, 1), (67, 1, 1), (260, 1, 1), (5, 1, 49), (3, 1, 64), (67, 67, 1), (260, 130, 1), (3, 1, 517)]
    {
        let name = format!("bias_grad {outputs} outputs {tokens} tokens {spatial} pixels");
        // A thread's share of a part, the tree, the parts of 40 samples, twice.
        cases.push(Case::new(name, rounding(200), move |f| {
            let lanes = f.lanes(&[17 * tokens, tokens, 40 * tokens], outputs + 2).of_tokens(tokens);
            let dy = f.random("dy", (58 * tokens * outputs * spatial) as usize);
            let target = f.target(3 * (outputs + 2) as usize, 7 * outputs);
            let params = |accumulate| linear_grad::BiasParams { outputs, spatial, bias_offset: 2, accumulate };
            let mut rec = Recording::new();
            linear_grad::record_bias(&mut rec, &lanes, &params(0), dy, &target);
            linear_grad::record_bias(&mut rec, &lanes, &params(1), dy, &target);
            rec.read_back(target.gradients);
            rec
        }));
    }
    cases
}

fn conv_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // (c, out_c, h, w, kernel, stride, padding)
    let shapes = [
        (1, 1, 1, 1, 1, 1, 0),
        (3, 10, 11, 9, 5, 1, 2),
        (9, 5, 7, 8, 3, 2, 1),
        (4, 9, 6, 6, 1, 2, 0),
        (2, 3, 10, 9, 4, 3, 0),
        // More than a tile of channels, quads of pixels; a border that no window reaches; one output pixel.
        (37, 70, 8, 8, 3, 1, 1),
        (35, 33, 9, 16, 3, 2, 1),
        (6, 4, 8, 8, 1, 2, 0),
        (5, 6, 3, 3, 3, 1, 0),
        // Sixteen parts a block on a GPU, five on a software adapter.
        (2, 5, 40, 34, 3, 1, 1),
    ];
    for (c, out_c, h, w, kernel, stride, padding) in shapes {
        let text = format!("{c}x{h}x{w} to {out_c} kernel {kernel} stride {stride} padding {padding}");
        let out = move |size: u32| (size + 2 * padding - kernel) / stride + 1;
        let (out_h, out_w) = (out(h), out(w));
        let params = move |from_batch, accumulate| conv_grad::Params {
            c,
            h,
            w,
            out_c,
            out_h,
            out_w,
            kernel,
            stride,
            padding,
            weight_offset: 1,
            from_batch,
            accumulate,
        };
        let weights_len = 3 * (c * out_c * kernel * kernel + 1) as usize;
        let rows = [9, 1, 20];
        let (x_len, y_len) = ((30 * c * h * w) as usize, (30 * out_c * out_h * out_w) as usize);
        let lane_stride = c * out_c * kernel * kernel + 1;
        let name = format!("conv_grad_input {text}");
        cases.push(Case::new(name, rounding(2 * out_c * kernel * kernel), move |f| {
            let lanes = f.lanes(&rows, lane_stride);
            let weights = f.random("weights", weights_len);
            let (dy, dx) = (f.random("dy", y_len), f.blank("dx", x_len));
            let mut rec = Recording::new();
            conv_grad::record_input(&mut rec, &lanes, f.tiling(), &params(0, 0), weights, dy, dx);
            rec.read_back(dx);
            rec
        }));
        // A product and a sum for each of a block's samples and pixels; three blocks, run twice. Split, a part has the fewer, at least
        // 256 terms, for the up to 16 that are added.
        for from_batch in [0, 1] {
            let name = format!("conv_grad_weight {text} from_batch {from_batch}");
            cases.push(Case::new(name, rounding(2 * 8 * out_h * out_w + 6), move |f| {
                let lanes = f.lanes(&rows, lane_stride);
                let (x, dy) = (f.random("x", x_len), f.random("dy", y_len));
                let room = if from_batch == 0 { 200 } else { 11 };
                let target = f.target(weights_len, room * (lane_stride - 1));
                let mut rec = Recording::new();
                conv_grad::record_weight(&mut rec, &lanes, f.tiling(), &params(from_batch, 0), x, dy, &target);
                conv_grad::record_weight(&mut rec, &lanes, f.tiling(), &params(from_batch, 1), x, dy, &target);
                rec.read_back(target.gradients);
                rec
            }));
        }
    }
    cases
}
