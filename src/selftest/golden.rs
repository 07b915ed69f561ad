//! Golden windows and ledgers on the best adapter and on the twins.

use safetensors::SafeTensors;
use serde_json::Value;

use crate::device::{Device, ReferenceDevice, as_f32, as_u32, testing};
use crate::kernels::lib::replay::{Exact, Probe, Target};
use crate::kernels::{fill, fingerprint, replaying, vec4_bytes};
use crate::recording::{Recording, Span};
use crate::stream::Distribution;

/// The distributions that a fill knows apart.
const DISTRIBUTIONS: [Distribution; 4] =
    [Distribution::Rademacher, Distribution::Binomial, Distribution::Gaussian, Distribution::Uniform];

fn devices() -> Vec<Box<dyn Device>> {
    vec![Box::new(ReferenceDevice::new(None)), testing::device()]
}

fn path(file: &str) -> String {
    format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"))
}

fn hex(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap(), 16).unwrap()
}

// Without optimisation they take minutes.
#[cfg(not(debug_assertions))]
#[test]
fn large_cases_agree_with_the_twins() {
    let mut device = testing::device();
    for case in &crate::selftest::large_cases() {
        let result = crate::selftest::check(device.as_mut(), case);
        assert!(result.passed, "{result:?}");
    }
}

#[test]
fn golden_windows() {
    for mut device in devices() {
        for dist in DISTRIBUTIONS {
            let golden: Value =
                serde_json::from_str(&std::fs::read_to_string(path(&format!("stream-{dist}.json"))).unwrap()).unwrap();
            for case in golden["cases"].as_array().unwrap() {
                let (seed, start) = (hex(&case["seed"]), case["start"].as_u64().unwrap());
                let elements: Vec<f64> =
                    case["elements"].as_array().unwrap().iter().map(|e| e.as_f64().unwrap()).collect();
                let count = elements.len() as u32;
                let out = device.create_buffer("out", vec4_bytes(count)).unwrap();
                let mut rec = Recording::new();
                fill::record(&mut rec, device.info(), dist, seed, start, count, out);
                rec.read_back(Span::of(out, u64::from(count) * 4));
                let ours = as_f32(&device.run(&rec).unwrap()[0]);
                for (ours, e) in ours.into_iter().zip(elements) {
                    let bound = if dist == Distribution::Gaussian { 1e-5 * (1.0 + e.abs()) } else { 0.0 };
                    assert!((f64::from(ours) - e).abs() <= bound, "{dist} {seed:x} {start}: {ours} and {e}");
                }
            }
        }
    }
}

fn flat(file: &str) -> Vec<f32> {
    let bytes = std::fs::read(path(file)).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    // Both goldens are an mlp of two layers, weight before bias.
    let names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"];
    names.iter().flat_map(|name| as_f32(tensors.tensor(name).unwrap().data())).collect()
}

#[test]
fn golden_ledgers_replay_bit_for_bit() {
    for (folder, dist) in [("replay-small", Distribution::Rademacher), ("replay-binomial", Distribution::Binomial)] {
        let text = std::fs::read_to_string(path(&format!("{folder}/ledger.jsonl"))).unwrap();
        let (base, last) = (flat(&format!("{folder}/base.safetensors")), flat(&format!("{folder}/final.safetensors")));
        let params = base.len() as u32;
        for mut device in devices() {
            for how in Exact::all(device.info()) {
                let mut weights = base.clone();
                weights.resize(weights.len().next_multiple_of(4), 3.0);
                for line in text.lines().skip(1) {
                    let round: Value = serde_json::from_str(line).unwrap();
                    let probes: Vec<Probe> = round["probes"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|p| Probe::exact(hex(&p["seed"]), p["q"].as_i64().unwrap() as i32))
                        .collect();
                    let scale_exp = round["scale_exp"].as_i64().unwrap() as i32;
                    let device = device.as_mut();
                    let mut made = |name, bytes| Span::of(device.create_buffer(name, bytes).unwrap(), bytes);
                    let (list, sums) = (made("probes", 16 * probes.len() as u64), made("sums", 12));
                    let vector = made("weights", vec4_bytes(params));
                    let count = probes.len() as u32;
                    let (probe_list, weight_vector) = (list.buffer, vector.buffer);
                    let target =
                        Target { probes: probe_list, count, weights: weight_vector, offset: 0, first: 0, params };
                    let mut rec = Recording::new();
                    rec.upload(list.buffer, 0, &probes);
                    rec.upload(vector.buffer, 0, &weights);
                    replaying::record_exact(&mut rec, dist, &target, scale_exp, how);
                    rec.read_back(vector);
                    fingerprint::record(&mut rec, vector.buffer, 0, params, sums);
                    rec.read_back(sums);
                    let results = device.run(&rec).unwrap();
                    for span in [list, sums, vector] {
                        device.destroy_buffer(span.buffer);
                    }
                    weights = as_f32(&results[0]);
                    let sums = as_u32(&results[1]);
                    assert_eq!(u64::from(sums[0]) | u64::from(sums[1]) << 32, hex(&round["fingerprint"]), "{folder}");
                }
                let bits = |w: &[f32]| w.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&weights[..last.len()]), bits(&last));
                assert!(weights[last.len()..].iter().all(|&w| w == 3.0), "padding was written");
            }
        }
    }
}
