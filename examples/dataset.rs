//! A data set of one's own, made in memory. `cargo run --release --example dataset`

use zowarmup::config::Config;
use zowarmup::data::Dataset;
use zowarmup::device::Selection;
use zowarmup::fed::FedError;
use zowarmup::fed::experiment::Experiment;
use zowarmup::fed::federation::Federation;

/// Points on three arms of a spiral, which no linear model tells apart, from the `first` on: values and labels.
pub fn spiral(first: usize, count: usize) -> (Vec<f32>, Vec<u32>) {
    let point = |i: usize| {
        let (arm, along) = (i % 3, (i as f32 * 0.618_034).fract());
        let angle = std::f32::consts::TAU * (arm as f32 / 3.0 + 0.6 * along);
        ([angle.cos(), angle.sin()].map(|side| (0.2 + along) * side), arm as u32)
    };
    let (points, labels): (Vec<_>, Vec<_>) = (first..first + count).map(point).unzip();
    (points.concat(), labels)
}

/// A federation on it, whose first clients can run backprop; gives the accuracy.
pub fn run(selection: &Selection, warmup_rounds: u32, zo_rounds: u32) -> Result<f64, FedError> {
    let data = Dataset::of_floats("spiral", [2, 1, 1], spiral(0, 900), spiral(900, 300))?;
    // What [data] says of a config is not asked for; input and classes of the model follow from the data.
    let overrides = [
        "model={kind=\"sequential\", layers=[{linear=32}, \"tanh\", {residual=[{linear=32}, \"tanh\"]}, {linear=3}]}"
            .to_owned(),
        "split={kind=\"iid\", clients=10, high_share=0.3}".to_owned(),
        "warmup.client_lr=0.3".to_owned(),
        format!("warmup.rounds={warmup_rounds}"),
        format!("zo.rounds={zo_rounds}"),
    ];
    let experiment = Experiment::with_data(&Config::load(None, &overrides)?, data)?;
    Ok(Federation::new(experiment, selection)?.run()?.accuracy().unwrap_or(0.0))
}

fn main() -> Result<(), FedError> {
    let accuracy = run(&Selection::resolve(None, "", None)?, 40, 50)?;
    println!("{:.1} % right", 100.0 * accuracy);
    Ok(())
}
