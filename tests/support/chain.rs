//! Chains of layers computed from their table in f64, with plain loops: what the engine is held against. Nothing of the library but the
//! generator of masks is used.

use std::collections::BTreeMap;

use serde_json::Value;
use zowarmup::rng::philox::{key_of, philox};

const EPS: f64 = 1e-5;

/// A batch between layers.
#[derive(Clone)]
pub struct Batch {
    /// `[c, h, w]`.
    pub shape: [usize; 3],
    /// A sample each, row-major.
    pub rows: Vec<Vec<f64>>,
}

/// A chain with its tensors by name.
pub struct Chain<'a> {
    /// The entries of `layers`.
    pub layers: &'a [Value],
    /// Tensors, running statistics included.
    pub tensors: BTreeMap<String, Vec<f64>>,
    /// Batch norms take the statistics of the batch.
    pub batch_statistics: bool,
    /// The seed of the masks; none: nothing is dropped.
    pub masks: Option<u64>,
    /// Mean and unbiased variance that batch norms found, by their name.
    pub found: BTreeMap<String, (Vec<f64>, Vec<f64>)>,
    /// Dropouts so far.
    dropouts: u32,
}

impl<'a> Chain<'a> {
    pub fn new(layers: &'a [Value], tensors: BTreeMap<String, Vec<f64>>) -> Self {
        Self { layers, tensors, batch_statistics: false, masks: None, found: BTreeMap::new(), dropouts: 0 }
    }

    /// The logits.
    pub fn outputs(&mut self, input: &Batch) -> Batch {
        self.dropouts = 0;
        self.found.clear();
        self.chain(self.layers, "", input.clone())
    }

    /// The mean cross-entropy.
    pub fn loss(&mut self, input: &Batch, labels: &[u32]) -> f64 {
        let logits = self.outputs(input).rows;
        let of = |(row, &label): (&Vec<f64>, &u32)| {
            let most = row.iter().copied().fold(f64::MIN, f64::max);
            most + row.iter().map(|z| (z - most).exp()).sum::<f64>().ln() - row[label as usize]
        };
        logits.iter().zip(labels).map(of).sum::<f64>() / labels.len() as f64
    }

    fn chain(&mut self, layers: &'a [Value], prefix: &str, mut batch: Batch) -> Batch {
        for (i, layer) in layers.iter().enumerate() {
            batch = self.layer(layer, &format!("{prefix}{i}"), batch);
        }
        batch
    }

    fn layer(&mut self, layer: &'a Value, name: &str, x: Batch) -> Batch {
        if let Some(function) = layer.as_str() {
            return match function {
                "flatten" => Batch { shape: [x.shape.iter().product(), 1, 1], ..x },
                "globalavgpool" => {
                    let [c, h, w] = x.shape;
                    windows(&x, [c, 1, 1], |row, c, _, _| {
                        row[c * h * w..][..h * w].iter().sum::<f64>() / (h * w) as f64
                    })
                }
                "batchnorm" => self.batch_norm(name, &x),
                "relu" => map(x, |v| v.max(0.0)),
                "gelu" => map(x, |v| 0.5 * v * (1.0 + libm::erf(v / 2f64.sqrt()))),
                "tanh" => map(x, f64::tanh),
                other => panic!("{other}"),
            };
        }
        let size = |key: &str, default: usize| layer.get(key).and_then(Value::as_u64).map_or(default, |n| n as usize);
        if let Some(inner) = layer.get("residual") {
            let mut sum = self.chain(inner.as_array().unwrap(), &format!("{name}."), x.clone());
            let shortcut =
                if sum.shape == x.shape { x } else { self.projection(&format!("{name}.project"), &x, sum.shape) };
            for (row, more) in sum.rows.iter_mut().zip(&shortcut.rows) {
                row.iter_mut().zip(more).for_each(|(v, m)| *v += m);
            }
            return sum;
        }
        if let Some(p) = layer.get("dropout") {
            return self.dropout(p.as_f64().unwrap(), x);
        }
        if layer.get("conv").is_some() {
            let (kernel, stride, padding) = (size("kernel", 0), size("stride", 1), size("padding", 0));
            return self.convolution(name, &x, size("conv", 0), kernel, stride, padding);
        }
        if layer.get("linear").is_some() {
            return self.convolution(name, &x, size("linear", 0), 1, 1, 0);
        }
        let [c, h, w] = x.shape;
        if let Some(groups) = layer.get("groupnorm").and_then(Value::as_u64) {
            let spatial = h * w;
            let of_group = c / groups as usize * spatial;
            return self.normalised(name, x, |i| i / of_group, |i| i / spatial);
        }
        if layer.get("layernorm").is_some() {
            return self.normalised(name, x, |_| 0, |i| i);
        }
        let max = layer.get("maxpool").is_some();
        let kernel = size(if max { "maxpool" } else { "avgpool" }, 0);
        let stride = size("stride", kernel);
        let side = |n: usize| (n - kernel) / stride + 1;
        windows(&x, [c, side(h), side(w)], |row, c, y, x| {
            let square =
                (0..kernel * kernel).map(|k| row[(c * h + y * stride + k / kernel) * w + x * stride + k % kernel]);
            if max { square.fold(f64::MIN, f64::max) } else { square.sum::<f64>() / (kernel * kernel) as f64 }
        })
    }

    /// As wide a stride as makes the shape.
    fn projection(&self, name: &str, x: &Batch, shape: [usize; 3]) -> Batch {
        let fits =
            |stride: &usize| (x.shape[1] - 1) / stride + 1 == shape[1] && (x.shape[2] - 1) / stride + 1 == shape[2];
        let stride = (1..100).find(fits).unwrap();
        self.convolution(name, x, shape[0], 1, stride, 0)
    }

    fn convolution(&self, name: &str, x: &Batch, out: usize, kernel: usize, stride: usize, padding: usize) -> Batch {
        let [c, h, w] = x.shape;
        let weight = &self.tensors[&format!("{name}.weight")];
        let bias = self.tensors.get(&format!("{name}.bias"));
        let side = |n: usize| (n + 2 * padding - kernel) / stride + 1;
        windows(x, [out, side(h), side(w)], |row, o, y, x| {
            let mut sum = bias.map_or(0.0, |bias| bias[o]);
            for (k, weight) in weight[o * c * kernel * kernel..][..c * kernel * kernel].iter().enumerate() {
                let (i, dy, dx) = (k / (kernel * kernel), k / kernel % kernel, k % kernel);
                let (y, x) = ((y * stride + dy).wrapping_sub(padding), (x * stride + dx).wrapping_sub(padding));
                if y < h && x < w {
                    sum += weight * row[(i * h + y) * w + x];
                }
            }
            sum
        })
    }

    fn batch_norm(&mut self, name: &str, x: &Batch) -> Batch {
        let spatial = x.shape[1] * x.shape[2];
        let (mut mean, mut unbiased) = (Vec::new(), Vec::new());
        let mut out = x.clone();
        for c in 0..x.shape[0] {
            let values = || x.rows.iter().flat_map(|row| &row[c * spatial..][..spatial]);
            let n = values().count() as f64;
            let m = values().sum::<f64>() / n;
            let squares = values().map(|v| (v - m).powi(2)).sum::<f64>();
            mean.push(m);
            unbiased.push(squares / (n - 1.0));
            let at = |kind: &str| self.tensors[&format!("{name}.{kind}")][c];
            let (m, variance) =
                if self.batch_statistics { (m, squares / n) } else { (at("running_mean"), at("running_var")) };
            for v in out.rows.iter_mut().flat_map(|row| &mut row[c * spatial..][..spatial]) {
                *v = (*v - m) / (variance + EPS).sqrt() * at("weight") + at("bias");
            }
        }
        self.found.insert(name.to_owned(), (mean, unbiased));
        out
    }

    /// Each value less the mean of its group, over the deviation; scale and shift of its place.
    fn normalised(
        &self,
        name: &str,
        mut x: Batch,
        group: impl Fn(usize) -> usize,
        place: impl Fn(usize) -> usize,
    ) -> Batch {
        let [weight, bias] = ["weight", "bias"].map(|kind| &self.tensors[&format!("{name}.{kind}")]);
        for row in &mut x.rows {
            let groups = (0..row.len()).map(&group).max().map_or(0, |last| last + 1);
            let (mut members, mut moments) = (vec![Vec::new(); groups], Vec::new());
            row.iter().enumerate().for_each(|(i, v)| members[group(i)].push(*v));
            for own in members {
                let n = own.len() as f64;
                let mean = own.iter().sum::<f64>() / n;
                moments.push((mean, own.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n));
            }
            for (i, v) in row.iter_mut().enumerate() {
                let (mean, variance) = moments[group(i)];
                *v = (*v - mean) / (variance + EPS).sqrt() * weight[place(i)] + bias[place(i)];
            }
        }
        x
    }

    fn dropout(&mut self, p: f64, mut x: Batch) -> Batch {
        let layer = self.dropouts;
        self.dropouts += 1;
        let Some(seed) = self.masks else { return x };
        let below = (p * 2f64.powi(32)).round();
        for (r, row) in x.rows.iter_mut().enumerate() {
            for (i, v) in row.iter_mut().enumerate() {
                let word = philox(key_of(seed), [i as u32 / 4, r as u32, layer, 0x5EED_0004])[i % 4];
                *v = if f64::from(word) < below { 0.0 } else { *v / (1.0 - p) };
            }
        }
        x
    }
}

fn map(mut x: Batch, f: impl Fn(f64) -> f64) -> Batch {
    x.rows.iter_mut().flatten().for_each(|v| *v = f(*v));
    x
}

/// A batch of another shape, each value by row, channel and place.
fn windows(x: &Batch, shape: [usize; 3], at: impl Fn(&[f64], usize, usize, usize) -> f64) -> Batch {
    let [c, h, w] = shape;
    let value = |row: &Vec<f64>, i: usize| at(row, i / (h * w), i / w % h, i % w);
    let rows = x.rows.iter().map(|row| (0..c * h * w).map(|i| value(row, i)).collect()).collect();
    Batch { shape, rows }
}
