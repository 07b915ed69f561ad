//! Initial weights (interfaces, Config keys).

use rand_distr::{Distribution, StandardNormal};

use super::graph::{Graph, Init};
use crate::ledger::sanitize_base;
use crate::rng::host::pcg;

impl Graph {
    /// The weight vector a run starts from, drawn in flat order from the weights seed; running statistics start at 0 and 1.
    pub fn init_weights(&self, seed: u64) -> Vec<f32> {
        let mut rng = pcg(seed, "weights");
        let mut w = Vec::with_capacity(self.state_len());
        for param in &self.tensors {
            match param.init {
                Init::HeNormal { fan_in } => {
                    let deviation = (2.0 / fan_in as f64).sqrt();
                    w.extend((0..param.len).map(|_| {
                        let normal: f64 = StandardNormal.sample(&mut rng);
                        (normal * deviation) as f32
                    }));
                }
                Init::TruncatedNormal { thousandths } => {
                    let deviation = f64::from(thousandths) * 1e-3;
                    w.extend((0..param.len).map(|_| {
                        let normal = loop {
                            let normal: f64 = StandardNormal.sample(&mut rng);
                            if normal.abs() <= 2.0 {
                                break normal;
                            }
                        };
                        (normal * deviation) as f32
                    }));
                }
                Init::Zeros => w.resize(w.len() + param.len, 0.0),
                Init::Ones => w.resize(w.len() + param.len, 1.0),
            }
        }
        sanitize_base(&mut w);
        w
    }
}
