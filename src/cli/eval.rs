//! `zowarmup eval`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::{DeviceArgs, JsonArgs, SetArgs};
use super::error::{Error, FAILED};
use super::output::{self, percent, row, table};
use super::say::say;
use crate::config::Config;
use crate::data::Dataset;
use crate::device::{Selection, open};
use crate::engine::{Engine, Evaluation};
use crate::fed::experiment::{model_of, sample_set};
use crate::fed::{FedError, origin};
use crate::weights;

/// `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// The weights, a safetensors file
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// Names the data and the model; without it the embedded digits experiment
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

#[derive(Serialize)]
struct Scores {
    /// Null where not finite.
    loss: Option<f64>,
    /// Null with the loss: logits that are not numbers are nobody's prediction.
    accuracy: Option<f64>,
    samples: u32,
    per_class: Vec<ClassScore>,
}

#[derive(Serialize)]
struct ClassScore {
    class: usize,
    samples: u32,
    /// Null for a class without test samples, and without a finite loss.
    accuracy: Option<f64>,
}

impl Scores {
    fn of(evaluation: &Evaluation) -> Self {
        let finite = evaluation.is_finite();
        let per_class = evaluation.classes.iter().enumerate().map(|(class, c)| ClassScore {
            class,
            samples: c.samples,
            accuracy: (finite && c.samples > 0).then(|| f64::from(c.correct) / f64::from(c.samples)),
        });
        Self {
            loss: finite.then_some(evaluation.loss),
            accuracy: evaluation.accuracy(),
            samples: evaluation.samples(),
            per_class: per_class.collect(),
        }
    }
}

/// Evaluates weights on the test samples of a config's data.
pub fn execute(args: &EvalArgs) -> Result<u8, Error> {
    let config = Config::load(args.config.as_deref(), &args.set.set)?;
    let data = Dataset::load(&config.data).map_err(FedError::from)?;
    if let Some(path) = args.config.as_deref().filter(|_| args.set.set.is_empty()) {
        origin::check_config(path, &config, &data)?;
    }
    let graph = model_of(&config, &data)?.graph().map_err(FedError::from)?;
    let weights = weights::load(&args.weights, &graph.tensors).map_err(FedError::from)?;
    weights.notes.iter().for_each(say);
    origin::check_weights(&args.weights)?;
    let budget = (config.device.memory_budget > 0).then_some(config.device.memory_budget);
    let selection = Selection::resolve(args.device.device.as_deref(), &config.device.select, budget)?;
    let mut engine = Engine::new(open(&selection)?, graph, &weights.values)?;
    let test = engine.upload(&sample_set(&data, &data.test))?;
    let scores = Scores::of(&engine.evaluate(&test)?);
    output::print(args.json.json, &scores, text)?;
    if scores.loss.is_some() {
        return Ok(0);
    }
    say(format_args!("{}: the test loss of these weights is not finite", args.weights.display()));
    Ok(FAILED)
}

fn text(s: &Scores) -> String {
    let mut rows = vec![row(["class", "samples", "accuracy"])];
    for c in &s.per_class {
        rows.push(vec![c.class.to_string(), c.samples.to_string(), percent(c.accuracy)]);
    }
    rows.push(vec!["all".to_owned(), s.samples.to_string(), percent(s.accuracy)]);
    let loss = s.loss.map_or_else(|| "not finite".to_owned(), |loss| format!("{loss:.4}"));
    format!("{}loss {loss}\n", table(&rows))
}
