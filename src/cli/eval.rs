//! `zowarmup eval`.

use serde::Serialize;

use super::args::EvalArgs;
use super::output::{self, percent, row, table};
use crate::config::Config;
use crate::data::Dataset;
use crate::device::{Selection, open};
use crate::engine::{Engine, Evaluation};
use crate::error::Error;
use crate::fed::experiment::{model_of, sample_set};
use crate::weights;

#[derive(Serialize)]
struct Scores {
    loss: f64,
    accuracy: f64,
    samples: u32,
    per_class: Vec<ClassScore>,
}

#[derive(Serialize)]
struct ClassScore {
    class: usize,
    samples: u32,
    /// Null for a class without test samples.
    accuracy: Option<f64>,
}

impl Scores {
    fn of(evaluation: &Evaluation) -> Self {
        let per_class = evaluation.classes.iter().enumerate().map(|(class, c)| ClassScore {
            class,
            samples: c.samples,
            accuracy: (c.samples > 0).then(|| f64::from(c.correct) / f64::from(c.samples)),
        });
        Self {
            loss: evaluation.loss,
            accuracy: evaluation.accuracy(),
            samples: evaluation.samples(),
            per_class: per_class.collect(),
        }
    }
}

/// Evaluates weights on the test samples of a config's data.
pub fn execute(args: &EvalArgs) -> Result<u8, Error> {
    let config = Config::load(args.config.as_deref(), &args.set.set)?;
    let data = Dataset::load(&config.data)?;
    let graph = model_of(&config, &data)?.graph()?;
    let weights = weights::load(&args.weights, &graph.tensors)?;
    weights.notes.iter().for_each(|note| eprintln!("{note}"));
    let budget = (config.device.memory_budget > 0).then_some(config.device.memory_budget);
    let selection = Selection::resolve(args.device.device.as_deref(), &config.device.select, budget)?;
    let mut engine = Engine::new(open(&selection)?, graph, &weights.values)?;
    let test = engine.upload(&sample_set(&data, &data.test))?;
    let scores = Scores::of(&engine.evaluate(&test)?);
    output::print(args.json.json, &scores, text)?;
    Ok(0)
}

fn text(s: &Scores) -> String {
    let mut rows = vec![row(["class", "samples", "accuracy"])];
    for c in &s.per_class {
        rows.push(vec![c.class.to_string(), c.samples.to_string(), percent(c.accuracy)]);
    }
    rows.push(vec!["all".to_owned(), s.samples.to_string(), percent(Some(s.accuracy))]);
    format!("{}loss {:.4}\n", table(&rows), s.loss)
}
