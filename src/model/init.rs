//! Initial weights (interfaces, Config keys).

use rand_distr::{Distribution, StandardNormal};

use super::chain::{Chain, Init};
use crate::ledger::sanitize_base;
use crate::rng::host::pcg;

impl Chain {
    /// The flat vector a run starts from, drawn in flat order from the weights seed.
    pub fn init_weights(&self, seed: u64) -> Vec<f32> {
        let mut rng = pcg(seed, "weights");
        let mut w = Vec::with_capacity(self.param_count());
        for param in &self.params {
            match param.init {
                Init::HeNormal { fan_in } => {
                    let deviation = (2.0 / fan_in as f64).sqrt();
                    w.extend((0..param.len).map(|_| {
                        let normal: f64 = StandardNormal.sample(&mut rng);
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
