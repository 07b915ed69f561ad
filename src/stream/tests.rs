//! The stream against the golden windows, and block iteration against single elements.

use serde_json::Value;

use super::*;

fn golden(dist: Distribution) -> Value {
    let path = format!(
        "{}/tests/golden/stream-{dist}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn golden_windows() {
    for dist in [
        Distribution::Rademacher,
        Distribution::Binomial,
        Distribution::Gaussian,
        Distribution::Uniform,
    ] {
        let golden = golden(dist);
        assert_eq!(
            golden["scale"].as_f64().unwrap().to_bits(),
            dist.scale().to_bits()
        );
        assert_eq!(
            golden["stream"].as_u64().unwrap(),
            u64::from(dist.stream_id())
        );
        assert_eq!(golden["exact"].as_bool().unwrap(), dist.is_exact());
        let cases = golden["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let seed = u64::from_str_radix(case["seed"].as_str().unwrap(), 16).unwrap();
            let start = case["start"].as_u64().unwrap();
            let expected: Vec<f64> = case["elements"]
                .as_array()
                .unwrap()
                .iter()
                .map(|e| e.as_f64().unwrap())
                .collect();
            let mut ours = vec![0.0; expected.len()];
            fill(dist, seed, start, &mut ours);
            for (i, (&ours, &expected)) in ours.iter().zip(&expected).enumerate() {
                if dist == Distribution::Gaussian {
                    assert!(
                        (f64::from(ours) - expected).abs() <= 1e-5 * (1.0 + expected.abs()),
                        "{seed:x} {start}+{i}"
                    );
                } else {
                    assert_eq!(f64::from(ours), expected, "{dist} {seed:x} {start}+{i}");
                }
            }
        }
    }
}

#[test]
fn windows_agree_with_single_elements() {
    for dist in Distribution::ALL {
        for start in [
            0,
            1,
            3,
            126,
            127,
            (1 << 34) - 5,
            (1 << 39) - 70,
            u64::MAX - 200,
        ] {
            let mut window = [0.0; 200];
            fill(dist, 0xfeed_beef_0123_4567, start, &mut window);
            for (k, &value) in window.iter().enumerate() {
                assert_eq!(
                    value.to_bits(),
                    element(dist, 0xfeed_beef_0123_4567, start + k as u64).to_bits(),
                    "{dist} {start}+{k}"
                );
                assert!(value.abs() <= dist.max_abs() as f32);
            }
        }
    }
}

#[test]
fn indices_wrap() {
    let mut window = [0.0; 8];
    fill(Distribution::Binomial, 5, u64::MAX - 3, &mut window);
    assert_eq!(
        window[4..],
        std::array::from_fn::<_, 4, _>(|i| element(Distribution::Binomial, 5, i as u64))
    );
}

#[test]
fn accumulation_is_q_times_the_elements() {
    for dist in [Distribution::Rademacher, Distribution::Binomial] {
        let mut acc = vec![7i32; 300];
        let mut elements = vec![0.0; 300];
        accumulate(dist, 99, 61, -12, &mut acc);
        fill(dist, 99, 61, &mut elements);
        assert!(
            acc.iter()
                .zip(&elements)
                .all(|(&a, &e)| a == 7 - 12 * e as i32)
        );
    }
}

#[test]
fn moments_are_those_of_unit_variance() {
    const N: usize = 200_000;
    for dist in Distribution::ALL {
        let mut values = vec![0.0; N];
        fill(dist, 31, 5, &mut values);
        let scaled = values.iter().map(|&e| f64::from(e) * dist.scale());
        let mean = scaled.clone().sum::<f64>() / N as f64;
        let variance = scaled.map(|z| z * z).sum::<f64>() / N as f64;
        // Five standard errors: 1/sqrt(N) of the mean, at most sqrt(2/N) of the variance.
        assert!(mean.abs() < 5.0 / (N as f64).sqrt(), "{dist} mean {mean}");
        assert!(
            (variance - 1.0).abs() < 5.0 * (2.0 / N as f64).sqrt(),
            "{dist} variance {variance}"
        );
    }
}

#[test]
fn a_sphere_direction_has_length_sqrt_d() {
    let d = 3001;
    let factor = sphere_factor(77, d);
    let mut values = vec![0.0; d as usize];
    fill(Distribution::Sphere, 77, 0, &mut values);
    let length = values
        .iter()
        .map(|&e| (f64::from(e) * factor).powi(2))
        .sum::<f64>()
        .sqrt();
    assert!((length - (d as f64).sqrt()).abs() < 1e-9 * length);
}
