//! What the embedded experiment reaches: a draw of weights and splits that lost something would show here.

use zowarmup::config::Config;
use zowarmup::device::testing;
use zowarmup::fed::observer::Silent;
use zowarmup::fed::run;

use super::common::*;

/// Most rounds come after the pivot, and win most: below 60 % there, 84 % at the end, in the mean over three seeds.
#[test]
fn the_embedded_experiment_reaches_its_floors() {
    let place = Place::new();
    let (mut pivot, mut last) = (0.0, 0.0);
    for seed in 0..3 {
        let config = Config::load(None, &[format!("seed={seed}")]).unwrap();
        let dir = place.path(&seed.to_string());
        let summary = run::start(&config, Some(&dir), &testing::selection(), &mut Silent).unwrap();
        pivot += summary.pivot_accuracy.unwrap() / 3.0;
        last += summary.final_accuracy.unwrap() / 3.0;
    }
    assert!(pivot < 0.6 && last >= 0.84, "{pivot} at the pivot, {last} at the end");
}
