//! `zowarmup model`.

use std::path::PathBuf;

use clap::Args;

use super::args::{JsonArgs, SetArgs};
use super::cost::counted;
use super::error::Error;
use super::output::{self, grouped, row, table};
use crate::config::Config;
use crate::fed::outline::{LayerOutline, Outline};

/// Columns that a table may take.
const WIDTH: usize = 80;

/// `model`.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Prints the layers of a config's model, and what a client must hold.
pub fn execute(args: &ModelArgs) -> Result<u8, Error> {
    let config = Config::load(args.config.as_deref(), &args.set.set)?;
    let outline = Outline::of(&counted(&config)?);
    output::print(args.json.json, &outline, text)?;
    Ok(0)
}

fn text(outline: &Outline) -> String {
    let head = row(["", "layer", "", "output", "parameters", "FLOP"]);
    let layers = outline.layers.iter().enumerate().map(|(i, layer)| cells(i, layer));
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(layers).collect();
    let memory = &outline.client_memory;
    let held = [
        Some(("backprop, in the warm-up", memory.warmup)),
        memory.sub_network.map(|bytes| ("backprop through the sub-network", bytes)),
        Some(("forward passes, in zeroth-order rounds", memory.zo)),
    ];
    let bytes = row(["a client's memory by the formula, for", "bytes"]);
    let held = held.into_iter().flatten().map(|(name, bytes)| vec![format!("  {name}"), grouped(bytes)]);
    let held: Vec<Vec<String>> = std::iter::once(bytes).chain(held).collect();
    let mut total = vec![format!("{}, {} classes", shape(&outline.input), grouped(outline.classes as u64))];
    total.push(format!("{} parameters", grouped(outline.params)));
    total.extend((outline.buffers > 0).then(|| format!("{} running statistics", grouped(outline.buffers))));
    total.extend(outline.sub_network_params.map(|n| format!("a sub-network of {}", grouped(n))));
    total.push(format!("{}FLOP a sample forward", flops(outline.flops_forward)));
    format!(
        "{} of {}\n\n{}\n{}with {} samples a client\n",
        outline.kind,
        wrapped(&total, outline.kind.len() + 4),
        narrowed(rows),
        table(&held),
        grouped(outline.client_samples)
    )
}

/// A layer's row; what is added to its output is named by its number.
fn cells(number: usize, layer: &LayerOutline) -> Vec<String> {
    let mut does = layer.kind.to_owned();
    if let Some(from) = layer.adds {
        does.push_str(&if from < 0 { " + input".to_owned() } else { format!(" + {from}") });
    }
    if layer.relu {
        does.push_str(", relu");
    }
    let counted = |n: u64, text: String| if n == 0 { String::new() } else { text };
    vec![
        number.to_string(),
        layer.name.clone(),
        does,
        shape(&layer.output),
        counted(layer.params, grouped(layer.params)),
        counted(layer.flops_forward, flops(layer.flops_forward)),
    ]
}

fn shape(sides: &[usize]) -> String {
    let sides: Vec<String> = sides.iter().map(usize::to_string).collect();
    format!("[{}]", sides.join(", "))
}

/// `75.5 M`, three digits.
fn flops(number: u64) -> String {
    let scale = [("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)];
    let number = number as f64;
    match scale.into_iter().find(|(_, unit)| number >= 0.9995 * unit) {
        Some((letter, unit)) => {
            let digits = if number / unit < 9.995 { 2 } else { usize::from(number / unit < 99.95) };
            format!("{:.digits$} {letter}", number / unit)
        }
        None => format!("{number} "),
    }
}

/// Parts of a sentence on lines that fit, the first of which has so many columns less.
fn wrapped(parts: &[String], mut taken: usize) -> String {
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        let end = if i + 1 == parts.len() { "" } else { "," };
        if i > 0 && taken + 1 + part.len() + end.len() > WIDTH {
            out.push_str("\n ");
            taken = 1;
        } else if i > 0 {
            out.push(' ');
            taken += 1;
        }
        out.push_str(part);
        out.push_str(end);
        taken += part.len() + end.len();
    }
    out
}

/// A table whose second column is as narrow as makes the lines fit: a longer name has a line of its own.
fn narrowed(rows: Vec<Vec<String>>) -> String {
    let width = |c: usize| rows.iter().map(|row| row[c].len()).max().unwrap_or(0);
    let [number, does, output, params, flops] = [0, 2, 3, 4, 5].map(width);
    // Two spaces between.
    let most = WIDTH.saturating_sub(number + does + output + params + flops + 10);
    let name = width(1).min(most.max("layer".len()));
    let mut out = String::new();
    for row in &rows {
        let mut own = row[1].as_str();
        if own.len() > name {
            out.push_str(&format!("{:>number$}  {own}\n", row[0]));
            own = "";
        }
        let first = if own.is_empty() && row[1].len() > name { "" } else { row[0].as_str() };
        let line = format!(
            "{first:>number$}  {own:<name$}  {:<does$}  {:<output$}  {:>params$}  {:>flops$}",
            row[2], row[3], row[4], row[5]
        );
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fed::cost::ClientMemory;
    use crate::fed::outline::layers;
    use crate::model::ModelSpec;
    use serde_json::json;

    fn outline(table: serde_json::Value) -> Outline {
        let graph = ModelSpec::from_json(&table).unwrap().graph().unwrap();
        Outline {
            kind: table["kind"].as_str().unwrap().to_owned(),
            input: graph.input.sides(),
            classes: graph.classes,
            params: graph.param_count() as u64,
            buffers: (graph.state_len() - graph.param_count()) as u64,
            flops_forward: graph.flops_forward(),
            layers: layers(&graph),
            client_samples: 1000,
            client_memory: ClientMemory { warmup: 12_345_678, sub_network: Some(1), zo: 2_345_678 },
            sub_network_params: Some(123_456),
        }
    }

    #[test]
    fn every_line_fits_a_terminal() {
        let deep = (0..15).fold(json!({"linear": 900}), |inner, _| json!({"residual": ["relu", inner]}));
        for table in [
            json!({"kind": "resnet", "input": [3, 224, 224], "classes": 1000, "norm": "batch", "width": 256}),
            json!({"kind": "vit", "input": [3, 32, 32], "classes": 10, "depth": 12}),
            json!({"kind": "sequential", "input": 900, "classes": 10, "layers": [{"linear": 900}, deep, {"linear": 10}]}),
            json!({"kind": "mlp", "input": 8, "hidden": [3], "classes": 2}),
        ] {
            let outline = outline(table);
            let text = text(&outline);
            assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
            for layer in &outline.layers {
                assert!(text.contains(&layer.name), "{}: {text}", layer.name);
            }
        }
    }

    #[test]
    fn numbers_have_three_digits() {
        for (number, text) in [
            (0, "0 "),
            (640, "640 "),
            (9_216, "9.22 k"),
            (75_497_472, "75.5 M"),
            (999_600, "1.00 M"),
            (555_422_720, "555 M"),
            (123_000_000_000, "123 G"),
        ] {
            assert_eq!(flops(number), text);
        }
    }
}
