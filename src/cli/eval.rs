//! `zowarmup eval`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::args::ComputeArgs;
use super::error::{Error, FAILED};
use super::output::{self, percent, row, table};
use super::say::say;
use crate::config::Config;
use crate::data::Dataset;
use crate::device::{Selection, open};
use crate::engine::{Engine, Evaluation};
use crate::fed::experiment::{model_of, sample_set};
use crate::fed::{FedError, inclusion, origin};
use crate::split::Split;
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
    /// A partition (a run's split.json): accuracy on the mix of labels of each client, too
    #[arg(long, value_name = "FILE")]
    pub split: Option<PathBuf>,
    /// Overrides, device and output.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

#[derive(Serialize)]
struct Scores {
    /// Null where not finite.
    loss: Option<f64>,
    /// Null with the loss: logits that are not numbers are nobody's prediction.
    accuracy: Option<f64>,
    samples: u32,
    per_class: Vec<ClassScore>,
    #[serde(flatten)]
    inclusion: Option<Inclusion>,
}

/// What the weights mean to the clients of a split.
#[derive(Serialize)]
struct Inclusion {
    low_accuracy: Option<f64>,
    high_accuracy: Option<f64>,
    worst_tenth_accuracy: Option<f64>,
    per_client: Vec<ClientScore>,
}

#[derive(Serialize)]
struct ClientScore {
    client: usize,
    high: bool,
    samples: usize,
    /// Null for a client that holds nothing of a class with test samples, and without a finite loss.
    accuracy: Option<f64>,
}

impl Inclusion {
    fn of(evaluation: &Evaluation, split: &Split) -> Self {
        let classes = inclusion::class_accuracies(evaluation).unwrap_or_default();
        let accuracies = inclusion::client_accuracies(split, &classes);
        let groups = inclusion::groups(split, &accuracies);
        let score = |(client, &accuracy): (usize, &Option<f64>)| ClientScore {
            client,
            high: split.high.get(client).copied().unwrap_or_default(),
            samples: split.clients.get(client).map_or(0, Vec::len),
            accuracy,
        };
        Self {
            low_accuracy: groups.low,
            high_accuracy: groups.high,
            worst_tenth_accuracy: groups.worst_tenth,
            per_client: accuracies.iter().enumerate().map(score).collect(),
        }
    }
}

#[derive(Serialize)]
struct ClassScore {
    class: usize,
    samples: u32,
    /// Null for a class without test samples, and without a finite loss.
    accuracy: Option<f64>,
}

impl Scores {
    fn of(evaluation: &Evaluation, split: Option<&Split>) -> Self {
        let accuracies = inclusion::class_accuracies(evaluation).unwrap_or_default();
        let per_class = evaluation.classes.iter().enumerate().map(|(class, c)| ClassScore {
            class,
            samples: c.samples,
            accuracy: accuracies.get(class).copied().flatten(),
        });
        Self {
            loss: evaluation.is_finite().then_some(evaluation.loss),
            accuracy: evaluation.accuracy(),
            samples: evaluation.samples(),
            per_class: per_class.collect(),
            inclusion: split.map(|split| Inclusion::of(evaluation, split)),
        }
    }
}

/// Evaluates weights on the test samples of a config's data.
pub fn execute(args: &EvalArgs) -> Result<u8, Error> {
    let config = Config::load(args.config.as_deref(), &args.compute.set.set)?;
    let data = Dataset::load(&config.data).map_err(FedError::from)?;
    if let Some(path) = args.config.as_deref().filter(|_| args.compute.set.set.is_empty()) {
        origin::check_config(path, &config, &data)?;
    }
    let split = args.split.as_deref().map(|path| read_split(path, &data)).transpose()?;
    let graph = model_of(&config, &data)?.graph().map_err(FedError::from)?;
    let weights = weights::load(&args.weights, &graph.tensors).map_err(FedError::from)?;
    weights.notes.iter().for_each(say);
    origin::check_weights(&args.weights)?;
    let selection = Selection::of_config(args.compute.device.device.as_deref(), &config.device)?;
    let mut engine = Engine::new(open(&selection)?, graph, &weights.values)?;
    let test = engine.upload(&sample_set(&data, &data.test))?;
    let scores = Scores::of(&engine.evaluate(&test)?, split.as_ref());
    output::print(args.compute.json.json, &scores, text)?;
    if scores.loss.is_some() {
        return Ok(0);
    }
    say(format_args!("{}: the test loss of these weights is not finite", args.weights.display()));
    Ok(FAILED)
}

/// A partition, whose labels must be the data's.
fn read_split(path: &Path, data: &Dataset) -> Result<Split, Error> {
    let split = Split::read(path).map_err(FedError::from)?;
    if split.classes != data.classes {
        let (path, expected, found) = (path.display(), data.classes, split.classes);
        return Err(Error::Request(format!(
            "{path}: classes: expected {expected}, as the config's data have, found {found}"
        )));
    }
    origin::check_split(path, &split)?;
    Ok(split)
}

fn text(s: &Scores) -> String {
    let mut rows = vec![row(["class", "samples", "accuracy"])];
    for c in &s.per_class {
        rows.push(vec![c.class.to_string(), c.samples.to_string(), percent(c.accuracy)]);
    }
    rows.push(vec!["all".to_owned(), s.samples.to_string(), percent(s.accuracy)]);
    let loss = s.loss.map_or_else(|| "not finite".to_owned(), |loss| format!("{loss:.4}"));
    let mut out = format!("{}loss {loss}\n", table(&rows));
    if let Some(inclusion) = &s.inclusion {
        out.push_str(&inclusion.text());
    }
    out
}

impl Inclusion {
    fn text(&self) -> String {
        let mut rows = vec![row(["client", "resources", "samples", "accuracy"])];
        for c in &self.per_client {
            let resources = if c.high { "high" } else { "low" }.to_owned();
            rows.push(vec![c.client.to_string(), resources, c.samples.to_string(), percent(c.accuracy)]);
        }
        let groups = [
            ("low clients", self.low_accuracy),
            ("high clients", self.high_accuracy),
            ("worst tenth", self.worst_tenth_accuracy),
        ];
        rows.extend(groups.map(|(name, accuracy)| row([name, "", "", &percent(accuracy)])));
        format!("\n{}", table(&rows))
    }
}
