//! Initial weights (docs/random.md, Initial weights).

use super::graph::Graph;
use crate::layers::Init;
use crate::rng::distributions::normals;
use crate::rng::host::pcg;
use crate::stream::replay::sanitize_base;

impl Graph {
    /// The weight vector a run starts from, drawn in flat order from the weights seed, each tensor from normal
    /// pairs of its own; running statistics start at 0 and 1.
    pub fn init_weights(&self, seed: u64) -> Vec<f32> {
        let mut rng = pcg(seed, "weights");
        let mut w = Vec::with_capacity(self.state_len());
        for param in &self.tensors {
            match param.init {
                Init::HeNormal { fan_in } => {
                    let deviation = (2.0 / fan_in as f64).sqrt();
                    w.extend(normals(&mut rng).take(param.len).map(|x| (x * deviation) as f32));
                }
                Init::TruncatedNormal { thousandths } => {
                    let deviation = f64::from(thousandths) * 1e-3;
                    let within = normals(&mut rng).filter(|x| x.abs() <= 2.0);
                    w.extend(within.take(param.len).map(|x| (x * deviation) as f32));
                }
                Init::Zeros => w.resize(w.len() + param.len, 0.0),
                Init::Ones => w.resize(w.len() + param.len, 1.0),
            }
        }
        sanitize_base(&mut w);
        w
    }
}

#[cfg(test)]
mod tests {
    use crate::model::ModelSpec;
    use serde_json::json;

    /// From an independent implementation of docs/random.md in Python.
    #[test]
    fn known_answers() {
        let table = json!({"kind": "mlp", "input": 3, "hidden": [1], "classes": 2});
        let weights = ModelSpec::from_json(&table).unwrap().graph().unwrap().init_weights(9);
        // An odd tensor leaves the second number of its last pair unused: `layers.1` starts with a pair of its own.
        let bits = [0xbf24_f296, 0x3f53_5afe, 0xbfab_c5e1, 0, 0xbed7_fade, 0x3cb6_2549, 0, 0];
        assert_eq!(weights.into_iter().map(f32::to_bits).collect::<Vec<_>>(), bits);
    }
}
