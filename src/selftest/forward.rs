//! Cases of forward kernels.

use super::{Case, rounding};
use crate::kernels::activation::{self, Kind};
use crate::kernels::gather::{self, UNTOUCHED};
use crate::kernels::own_rows;
use crate::kernels::pool::{self, Mode};
use crate::kernels::softmax_xent;
use crate::recording::Recording;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, channels, spatial) in [(1, 1, 1), (5, 3, 25), (65_536 * 64 + 3, 1, 1)] {
        cases.push(gather_case(rows, channels, spatial));
    }
    for (rows, len) in [(&[1][..], 1), (&[70, 1, 0, 9], 67), (&[5, 65_600], 64)] {
        cases.push(Case::new(&format!("own_rows {} lanes of {len}", rows.len()), 0.0, move |f| {
            let lanes = f.lanes(rows, 0)?;
            let values = lanes.rows as usize * len as usize;
            let (x, y) = (f.random("x", values)?, f.blank("y", values)?);
            let mut rec = Recording::new();
            own_rows::record(&mut rec, &lanes, len, x, y);
            rec.read_back(y);
            Ok(rec)
        }));
    }
    for (mode, text) in [(Mode::Max, "max"), (Mode::Average, "average")] {
        for (planes, h, w, kernel, stride) in
            [(1, 1, 1, 1, 1), (7, 9, 11, 2, 2), (3, 8, 7, 3, 2), (40_000, 13, 11, 1, 1)]
        {
            if planes > 1000 && mode == Mode::Average {
                continue;
            }
            // Average: a sum of kernel^2 values and a division of 2.5 units.
            let tolerance = if mode == Mode::Max { 0.0 } else { rounding(kernel * kernel + 5) };
            let name = format!("pool {text} {planes}x{h}x{w} kernel {kernel} stride {stride}");
            cases.push(Case::new(&name, tolerance, move |f| {
                let params = pool::Params::square(planes, h, w, kernel, stride);
                // Whole numbers, so that there are ties.
                let x: Vec<f32> = f.values((planes * h * w) as usize).iter().map(|v| (v * 4.0).floor()).collect();
                let x = f.buffer("x", &x)?;
                let y = f.blank("y", (planes * params.out_h * params.out_w) as usize)?;
                let mut rec = Recording::new();
                pool::record(&mut rec, mode, &params, x, y);
                rec.read_back(y);
                Ok(rec)
            }));
        }
    }
    // Polynomials: their operations are fewer than 32, of falling weight.
    for (kind, tolerance) in [(Kind::Relu, 0.0), (Kind::Gelu, rounding(32)), (Kind::Tanh, rounding(32))] {
        for count in [1, 1000, if kind == Kind::Relu { 65_536 * 64 + 5 } else { 129 }, 4 * 65_537] {
            cases.push(Case::new(&format!("activation {kind:?} {count}"), tolerance, move |f| {
                let x: Vec<f32> = f.values(count as usize).iter().map(|v| v * 5.0).collect();
                let (x, y) = (f.buffer("x", &x)?, f.blank("y", count as usize)?);
                let mut rec = Recording::new();
                activation::record(&mut rec, kind, count, x, y);
                rec.read_back(y);
                Ok(rec)
            }));
        }
    }
    for (rows, classes) in [(&[1][..], 1), (&[1], 10), (&[70, 3, 130], 10), (&[2, 5], 103)] {
        // Per class an exponential (few ulp) and a sum; the logarithm's few.
        let name = format!("softmax_xent {} lanes {classes} classes", rows.len());
        cases.push(Case::new(&name, rounding(classes + 40), move |f| {
            let lanes = f.lanes(rows, 0)?;
            let n = lanes.rows as usize;
            let logits: Vec<f32> = f.values(n * classes as usize).iter().map(|v| v * 8.0).collect();
            let labels: Vec<u32> = f.words(n).iter().map(|w| w % classes).collect();
            let (logits, labels) = (f.buffer("logits", &logits)?, f.buffer("labels", &labels)?);
            let (loss, correct) = (f.blank("loss", n)?, f.blank("correct", n)?);
            let mut rec = Recording::new();
            softmax_xent::record(&mut rec, &lanes, classes, logits, labels, loss, correct);
            rec.read_back(loss);
            rec.read_back(correct);
            Ok(rec)
        }));
    }
    cases
}

fn gather_case(rows: u32, channels: u32, spatial: u32) -> Case {
    let name = format!("gather {rows} rows {channels} channels {spatial} pixels");
    Case::new(&name, 0.0, move |f| {
        let features = channels * spatial;
        let page_rows = 50;
        let pixels = f.words((page_rows * features.div_ceil(4)) as usize);
        let index: Vec<u32> =
            f.words(rows as usize).iter().map(|w| if w % 5 == 4 { UNTOUCHED } else { w % page_rows }).collect();
        let table = f.values((channels * 256) as usize);
        let buffers = gather::Buffers {
            index: f.buffer("index", &index)?,
            pixels: f.buffer("pixels", &pixels)?,
            table: f.buffer("table", &table)?,
            x: f.blank("x", ((rows + 2) * features) as usize)?,
        };
        let mut rec = Recording::new();
        gather::record(&mut rec, &buffers, rows, features, spatial, 2);
        rec.read_back(buffers.x);
        Ok(rec)
    })
}
