//! `zowarmup tune`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{DeviceArgs, JsonArgs, SetArgs};
use super::error::Error;
use super::output::{self, row, table};
use super::say::say;
use crate::bench::{Ceilings, Repeats, arithmetic};
use crate::caps::{AdapterInfo, Layout};
use crate::config::Config;
use crate::device::{Device, Selection, open};
use crate::fed::experiment::Experiment;
use crate::kernels::way::Way;
use crate::model::Graph;
use crate::tune::{self, Measured, Scope};

/// `tune`.
#[derive(Debug, Args)]
pub struct TuneArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// Try every tile, on larger problems, in both layouts of pixels
    #[arg(long)]
    pub full: bool,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Prints with which way each product of a config's model is fastest.
pub fn execute(args: &TuneArgs) -> Result<u8, Error> {
    let config = Config::load(args.config.as_deref(), &args.set.set)?;
    let (experiment, _) = Experiment::prepare_sizes(&config)?;
    let selection = Selection::of_config(args.device.device.as_deref(), &config.device)?;
    let mut device = open(&selection)?;
    let scope = if args.full { Scope::All } else { Scope::Few };
    let of_device = device.info().layout;
    let layouts: Vec<Layout> = if args.full { Layout::ALL.to_vec() } else { vec![of_device] };
    let mut tables = Vec::new();
    for layout in layouts {
        tables.push((layout, measured(device.as_mut(), &experiment.graph, layout, scope)?));
    }
    let mut ceilings = arithmetic(device.as_mut(), &Repeats::few())?;
    if exceeded(&tables, &ceilings) {
        // The card was slower than before.
        let again = arithmetic(device.as_mut(), &Repeats::few())?;
        ceilings.madd_gflop_s = ceilings.madd_gflop_s.max(again.madd_gflop_s);
        ceilings.matrix_gflop_s = ceilings.matrix_gflop_s.max(again.matrix_gflop_s);
    }
    let report = Report::of(device.info(), &tables, &ceilings);
    output::print(args.json.json, &report, text)?;
    Ok(0)
}

fn measured(device: &mut dyn Device, graph: &Graph, layout: Layout, scope: Scope) -> Result<Vec<Measured>, Error> {
    let watch: tune::Watch<'_> = &mut |sizes, pass, done, all| {
        say(format_args!("[{}/{all}] channels {}: {sizes}, {}", done + 1, layout.name(), pass.name()));
    };
    let info = AdapterInfo { layout, ..tune::offered(device.info(), graph) };
    Ok(tune::measure(device, &info, &tune::products(graph), scope, watch)?)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    adapter: Value,
    /// The device's own rate of multiply-adds, in 1e9 operations a second.
    madd_gflop_s: f64,
    /// That of its cooperative matrices, where the precision admits them.
    matrix_gflop_s: Option<f64>,
    products: Vec<Product>,
}

/// A pass of a product.
#[derive(Debug, Serialize)]
struct Product {
    shape: String,
    product: String,
    pass: &'static str,
    layout: &'static str,
    lanes: u32,
    samples: u32,
    chosen: Option<Chosen>,
    gflop_s: Option<f64>,
    of_ceiling: Option<f64>,
    candidates: Vec<Candidate>,
}

/// A way in two words.
#[derive(Debug, Serialize)]
struct Chosen {
    way: String,
    tile: String,
}

/// A way that was tried.
#[derive(Debug, Serialize)]
struct Candidate {
    way: String,
    tile: String,
    seconds: Option<f64>,
    error: f64,
    passed: bool,
}

/// A way's name and its tile.
fn in_two(way: &str) -> (String, String) {
    let (name, tile) = way.split_once(' ').unwrap_or((way, ""));
    (name.to_owned(), tile.to_owned())
}

impl Report {
    fn of(info: &AdapterInfo, tables: &[(Layout, Vec<Measured>)], ceilings: &Ceilings) -> Self {
        let adapter =
            json!({ "name": info.name, "backend": info.backend, "driver": info.driver, "tier": info.tier.name() });
        let rows = tables.iter().flat_map(|(layout, all)| all.iter().map(|of| Product::of(*layout, of, ceilings)));
        let matrices = Some(ceilings.matrix_gflop_s).filter(|rate| *rate > 0.0);
        Self { adapter, madd_gflop_s: ceilings.madd_gflop_s, matrix_gflop_s: matrices, products: rows.collect() }
    }
}

impl Product {
    fn of(layout: Layout, of: &Measured, ceilings: &Ceilings) -> Self {
        let best = of.best();
        let rated = rated(of, ceilings);
        let candidates = of.tried.iter().map(|tried| {
            let (way, tile) = in_two(&tried.way.to_string());
            // JSON has no infinity.
            let error = if tried.error.is_finite() { tried.error } else { f64::MAX };
            Candidate { way, tile, seconds: tried.seconds, error, passed: tried.passed }
        });
        Self {
            shape: format!("{}, {}", of.sizes, of.pass.name()),
            product: of.sizes.to_string(),
            pass: of.pass.name(),
            layout: layout.name(),
            lanes: of.lanes.0,
            samples: of.lanes.1,
            chosen: best.map(|best| {
                let (way, tile) = in_two(&best.way.to_string());
                Chosen { way, tile }
            }),
            gflop_s: rated.map(|(rate, _)| rate),
            of_ceiling: rated.map(|(rate, ceiling)| rate / ceiling.max(1e-9)),
            candidates: candidates.collect(),
        }
    }
}

/// The fastest way's rate, and that of the device which bounds it: three products of f16 stand for one of split operands.
fn rated(of: &Measured, ceilings: &Ceilings) -> Option<(f64, f64)> {
    let best = of.best()?;
    let rate = of.operations as f64 / best.seconds?.max(1e-9) * 1e-9;
    let ceiling = match best.way {
        Way::Matrix(matrix) if ceilings.matrix_gflop_s > 0.0 => {
            ceilings.matrix_gflop_s / if matrix.split { 3.0 } else { 1.0 }
        }
        _ => ceilings.madd_gflop_s,
    };
    Some((rate, ceiling))
}

/// Whether a way was faster than what bounds it.
fn exceeded(tables: &[(Layout, Vec<Measured>)], ceilings: &Ceilings) -> bool {
    let all = tables.iter().flat_map(|(_, all)| all);
    all.filter_map(|of| rated(of, ceilings)).any(|(rate, ceiling)| rate > ceiling)
}

fn text(report: &Report) -> String {
    let mut rows = vec![row(["product", "pass", "layout", "way", "tile", "ms", "GFLOP/s", "of ceiling"])];
    for product in &report.products {
        for candidate in &product.candidates {
            let chosen =
                product.chosen.as_ref().is_some_and(|c| (&c.way, &c.tile) == (&candidate.way, &candidate.tile));
            let first = |text: &str| text.to_owned();
            let ms = match candidate.seconds {
                Some(seconds) => format!("{:.3}", seconds * 1e3),
                None => "failed".to_owned(),
            };
            let (rate, share) = match (chosen, product.gflop_s, product.of_ceiling) {
                (true, Some(rate), Some(share)) => (format!("{rate:.1}"), format!("{:.0} %", share * 100.0)),
                _ => (String::new(), String::new()),
            };
            rows.push(vec![
                first(&product.product),
                first(product.pass),
                first(product.layout),
                first(&candidate.way),
                first(&candidate.tile),
                ms,
                rate,
                share,
            ]);
        }
    }
    table(&rows)
}
