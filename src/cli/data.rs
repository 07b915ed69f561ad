//! `zowarmup data`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::args::{JsonArgs, SetArgs};
use super::error::Error;
use super::output::{self, grouped};
use crate::config::{Config, DataName, SplitKind};
use crate::data::Dataset;
use crate::fed::FedError;
use crate::fed::experiment::split_of;
use crate::split::Split;

/// `data`.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// What to do with data.
    #[command(subcommand)]
    command: DataCommand,
}

/// What `data` can do.
#[derive(Debug, Subcommand)]
enum DataCommand {
    /// What a data set is, and what a run would make of it
    Check(CheckArgs),
}

/// `data check`.
#[derive(Debug, Args)]
struct CheckArgs {
    /// A file or folder of samples, or a config
    path: PathBuf,
    /// Overrides.
    #[command(flatten)]
    set: SetArgs,
    /// Output.
    #[command(flatten)]
    json: JsonArgs,
}

/// Prints what a data set is.
pub fn execute(args: &DataArgs) -> Result<u8, Error> {
    let DataCommand::Check(args) = &args.command;
    let config = config_of(&args.path, &args.set.set)?;
    let data = Dataset::load(&config.data).map_err(FedError::from)?;
    let split = match split_of(&config, &data) {
        Ok((split, _)) => Ok(split),
        // Nobody has asked for the embedded config's clients: what the data are is told all the same.
        Err(error) if !is_config(&args.path) => Err(error.to_string()),
        Err(error) => return Err(FedError::from(error).into()),
    };
    output::print(args.json.json, &Report::of(&config, &data, split.as_ref())?, text)?;
    Ok(0)
}

fn extension(path: &Path) -> String {
    path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase()
}

fn is_config(path: &Path) -> bool {
    extension(path) == "toml"
}

/// A config, or the embedded one with the data of a path, whose kind is told by what is there; `sets` may say otherwise.
fn config_of(path: &Path, sets: &[String]) -> Result<Config, Error> {
    if is_config(path) {
        return Ok(Config::load(Some(path), sets)?);
    }
    let name = if path.is_dir() { of_folder(path)? } else { of_extension(&extension(path)) };
    let Some(name) = name else {
        let expected =
            "a .npz, .safetensors, .csv, .parquet or (LEAF's) .json file, a folder of data, or a config (.toml)";
        return Err(Error::Request(format!("{}: expected {expected}", path.display())));
    };
    // A path may hold what TOML would read as something else.
    let of_path = toml::Value::String(path.display().to_string());
    let mut all = vec![format!("data.name={name}"), format!("data.path={of_path}")];
    if sets.iter().any(|set| set.replace([' ', '"'], "") == "split.kind=natural") {
        all.push("split.clients=0".to_owned());
    }
    all.extend_from_slice(sets);
    Ok(Config::load(None, &all)?)
}

fn of_extension(extension: &str) -> Option<DataName> {
    match extension {
        "npz" => Some(DataName::Npz),
        "safetensors" => Some(DataName::Safetensors),
        "csv" => Some(DataName::Csv),
        "parquet" | "pq" => Some(DataName::Parquet),
        "json" => Some(DataName::Leaf),
        _ => None,
    }
}

/// What a folder holds, by the names in it: files of a known set, else images by class.
fn of_folder(path: &Path) -> Result<Option<DataName>, Error> {
    let entries =
        std::fs::read_dir(path).map_err(|e| Error::Request(format!("{}: cannot read: {e}", path.display())))?;
    let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let any = |of: &dyn Fn(&str) -> bool| names.iter().any(|name| of(name));
    Ok(Some(match () {
        () if any(&|n| n.starts_with("data_batch_") || n.starts_with("cifar-10-batches-")) => DataName::Cifar10,
        () if any(&|n| ["train.bin", "cifar-100-binary", "cifar-100-python", "fine_label_names.txt"].contains(&n)) => {
            DataName::Cifar100
        }
        () if any(&|n| n.starts_with("train_data_batch") || n.starts_with("val_data")) => DataName::ImageNet32,
        () if any(&|n| n.ends_with(".npy")) => DataName::Npz,
        () if any(&|n| n.ends_with(".json")) || has_json(&path.join("train")) => DataName::Leaf,
        () if any(&|n| n.contains("-idx") || n.contains(".idx")) => DataName::Idx,
        () => DataName::Images,
    }))
}

/// Whether a folder has a JSON file in it.
fn has_json(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "json"))
    })
}

/// What `data check` prints.
#[derive(Debug, Serialize)]
struct Report {
    name: String,
    /// Training samples, after the limits.
    samples: usize,
    test_samples: usize,
    /// `[c, h, w]`.
    shape: [usize; 3],
    classes: u32,
    /// Training samples of each class.
    labels: Vec<u32>,
    /// Of the training samples, a channel each, before they are normalised.
    mean: Vec<f32>,
    std: Vec<f32>,
    normalisation: Numbers,
    split: String,
    clients: Vec<Client>,
    leftover: usize,
    /// Why there are no clients: the split doesn't fit the data.
    problem: Option<String>,
}

/// What a run would normalise by.
#[derive(Debug, Serialize)]
struct Numbers {
    divisor: f32,
    mean: Vec<f32>,
    std: Vec<f32>,
}

#[derive(Debug, Serialize)]
struct Client {
    /// As the data call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    samples: usize,
    high: bool,
    labels: Vec<u32>,
}

impl Report {
    fn of(config: &Config, data: &Dataset, split: Result<&Split, &String>) -> Result<Self, Error> {
        let (mean, std) = data.moments().map_err(FedError::from)?;
        let n = &data.normalisation;
        let names = data.clients.as_ref().filter(|_| config.split.kind == SplitKind::Natural);
        let name = |client: usize| names.and_then(|clients| clients.names.get(client).cloned());
        let clients = |split: &Split| {
            let client = |(i, labels): (usize, &Vec<u32>)| Client {
                name: name(i),
                samples: split.clients.get(i).map_or(0, Vec::len),
                high: split.high.get(i).copied().unwrap_or(false),
                labels: labels.clone(),
            };
            split.histograms.iter().enumerate().map(client).collect()
        };
        Ok(Self {
            name: data.name.clone(),
            samples: data.train.len(),
            test_samples: data.test.len(),
            shape: data.shape,
            classes: data.classes,
            labels: data.train.histogram(data.classes),
            mean,
            std,
            normalisation: Numbers { divisor: n.divisor, mean: n.mean.clone(), std: n.std.clone() },
            split: config.split.kind.name().to_owned(),
            clients: split.map(clients).unwrap_or_default(),
            leftover: split.map_or(0, |split| split.leftover.len()),
            problem: split.err().cloned(),
        })
    }
}

/// Columns of a bar of the largest count.
const BAR: usize = 40;
/// Rows of a list for people.
const ROWS: usize = 60;

fn text(r: &Report) -> String {
    let [c, h, w] = r.shape;
    let test = grouped(r.test_samples as u64);
    let mut out = format!("{}: {} training and {test} test samples", r.name, grouped(r.samples as u64));
    out += &format!(" of {c} x {h} x {w}, {} classes\n", r.classes);
    out += &format!("mean                {}\nstandard deviation  {}\n", numbers(&r.mean), numbers(&r.std));
    let Numbers { divisor, mean, std } = &r.normalisation;
    out += &format!("a run would take    (value / {divisor} - {}) / {}\n", numbers(mean), numbers(std));
    out += "\ntraining samples of each class\n";
    let rows = r.labels.iter().enumerate().map(|(class, &n)| (class.to_string(), n as usize, String::new()));
    out += &bars(&rows.collect::<Vec<_>>());
    if let Some(problem) = &r.problem {
        return out + &format!("\nno clients: {problem} (--set split.clients=N)\n");
    }
    let high = r.clients.iter().filter(|client| client.high).count();
    out += &format!("\n{} clients by split.kind = \"{}\", {high} of high resources; ", r.clients.len(), r.split);
    out += &format!("{} samples left over\n", grouped(r.leftover as u64));
    let of_client = |(i, client): (usize, &Client)| {
        let held = client.labels.iter().filter(|&&n| n > 0).count();
        let high = if client.high { ", high" } else { "" };
        let name = client.name.as_ref().map(|name| format!(", {name}")).unwrap_or_default();
        (i.to_string(), client.samples, format!(" {held} of {} classes{high}{name}", r.classes))
    };
    out + &bars(&r.clients.iter().enumerate().map(of_client).collect::<Vec<_>>())
}

/// At most eight numbers.
fn numbers(values: &[f32]) -> String {
    let shown: Vec<String> = values.iter().take(8).map(|v| format!("{v:.4}")).collect();
    let more = if values.len() > 8 { format!(", ... ({} channels)", values.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// A bar a row: name, count and what stands behind.
fn bars(rows: &[(String, usize, String)]) -> String {
    let most = rows.iter().map(|(_, n, _)| *n).max().unwrap_or(0).max(1);
    let mut out = String::new();
    for (name, n, behind) in rows.iter().take(ROWS) {
        // At least a mark for what is there.
        let length = (n * BAR).div_ceil(most);
        out += &format!("{name:>6} {:>9} {}{behind}\n", grouped(*n as u64), "#".repeat(length));
    }
    if rows.len() > ROWS {
        out += &format!("  ... {} more (--json lists all)\n", rows.len() - ROWS);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_counts() {
        let row = |name: &str, n| (name.to_owned(), n, " x".to_owned());
        let text = bars(&[row("0", 80), row("1", 1), row("2", 0)]);
        let expected = format!("     0        80 {} x\n     1         1 # x\n     2         0  x\n", "#".repeat(40));
        assert_eq!(text, expected);
        assert!(bars(&vec![row("0", 1); 61]).ends_with("... 1 more (--json lists all)\n"));
    }

    #[test]
    fn a_path_tells_what_it_holds() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        let report = |name: &str, sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
            let config = config_of(&root.join(name), &sets).unwrap();
            let data = Dataset::load(&config.data).unwrap();
            let split = Split::of(&config.split, &data, 1).map_err(|e| e.to_string());
            Report::of(&config, &data, split.as_ref()).unwrap()
        };
        let clients = "split.clients=2";
        let floats = report("floats.npz", &[clients]);
        assert_eq!((floats.name.as_str(), floats.samples, floats.test_samples), ("npz", 9, 2));
        assert_eq!((floats.shape, floats.classes, floats.clients.len()), ([2, 1, 1], 3, 2));
        // The mean is that of the file, whatever it is normalised by.
        let given = report("floats.npz", &[clients, "data.mean=[1.0,2.0]", "data.std=[4.0,0.5]"]);
        assert!(floats.mean.iter().zip(&given.mean).all(|(a, b)| (a - b).abs() < 1e-5));
        assert!(floats.std.iter().zip(&given.std).all(|(a, b)| (a - b).abs() < 1e-5));
        assert_eq!((given.normalisation.mean, given.normalisation.divisor), (vec![1.0, 2.0], 1.0));
        assert_eq!(report("images", &[clients]).name, "images");
        assert_eq!(report("flowers.csv", &[clients]).shape, [3, 1, 1]);
        assert_eq!(report("imagenet32", &[clients]).classes, 1000);
        assert_eq!(report("cifar-py", &[clients]).name, "cifar10");
        // Without a number of clients it is that of the data.
        let natural = report("flowers.parquet", &["split.kind=natural", "data.client=user"]);
        assert_eq!((natural.clients.len(), natural.clients[3].name.as_deref()), (4, Some("u3")));
        assert!(text(&natural).contains("4 clients by split.kind = \"natural\""));
        assert_eq!(report("bytes.safetensors", &[clients]).normalisation.divisor, 255.0);
        let shown = text(&floats);
        assert!(shown.starts_with("npz: 9 training and 2 test samples of 2 x 1 x 1, 3 classes\nmean   "), "{shown}");
        // Of so few samples the usual number of clients can't be made; all else is told.
        let few = report("floats.npz", &[]);
        assert!(few.clients.is_empty() && few.problem.as_ref().is_some_and(|p| p.contains("split.clients = 20")));
        let few = text(&few);
        assert!(
            few.starts_with("npz: 9 training and 2 test") && few.contains("\nno clients: split.clients = 20"),
            "{few}"
        );
        let refused = config_of(Path::new("x.xlsx"), &[]).unwrap_err().to_string();
        assert!(refused.starts_with("x.xlsx: expected a .npz, "), "{refused}");
    }
}
