//! `zowarmup cost`.

use std::path::PathBuf;

use clap::Args;

use super::args::ComputeArgs;
use super::error::Error;
use super::output::{self, grouped, row, table};
use super::say::say;
use crate::config::Config;
use crate::device::{Selection, open};
use crate::fed::cost::{Cost, PhaseCost, SubNetworkCost, cost};
use crate::fed::experiment::Experiment;

/// `cost`.
#[derive(Debug, Args)]
pub struct CostArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Overrides, device and output.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// Prints what a config's run sends and holds.
pub fn execute(args: &CostArgs) -> Result<u8, Error> {
    let config = Config::load(args.config.as_deref(), &args.compute.set.set)?;
    let experiment = counted(&config)?;
    let selection = Selection::of_config(args.compute.device.device.as_deref(), &config.device)?;
    let device = open(&selection)?;
    let result = cost(&experiment, device.as_ref())?;
    output::print(args.compute.json.json, &result, text)?;
    Ok(0)
}

/// A config's experiment for counting: where its data set is not at hand with as many made-up samples, which is said.
pub(super) fn counted(config: &Config) -> Result<Experiment, Error> {
    let (experiment, made_up) = Experiment::prepare_sizes(config)?;
    if made_up {
        say(format_args!(
            "{} is not at hand: counted with as many samples as the original has, split at random",
            experiment.data.name
        ));
    }
    Ok(experiment)
}

fn text(c: &Cost) -> String {
    let line =
        |name: &str, of: fn(&PhaseCost) -> u64| vec![name.to_owned(), grouped(of(&c.warmup)), grouped(of(&c.zo))];
    let rows = [
        row(["bytes", "warm-up", "zeroth-order"]),
        line("up, a client and round", |p| p.uplink_bytes),
        line("down, a client and round", |p| p.downlink_bytes),
        line("up, by the formula", |p| p.formula_uplink_bytes),
        line("down, by the formula", |p| p.formula_downlink_bytes),
        line("memory of a client, by the formula", |p| p.formula_memory_bytes),
        line("memory of the simulation", |p| p.device_bytes),
    ];
    let narrow = |n: &SubNetworkCost| {
        let [params, bytes, memory] = [n.params, n.uplink_bytes, n.formula_memory_bytes].map(grouped);
        format!(
            "a low-resource client's sub-network: {params} parameters, {bytes} up and down a round, {memory} of memory by the formula\n"
        )
    };
    let narrow = c.sub_network.as_ref().map(narrow).unwrap_or_default();
    format!(
        "{} parameters\n{}{narrow}at the pivot {} down to each client\nthe whole run {} up, {} down\nthe run's folder about {} on disk\n",
        grouped(c.params),
        table(&rows),
        grouped(c.pivot_bytes),
        grouped(c.total.uplink_bytes),
        grouped(c.total.downlink_bytes),
        grouped(c.disk_bytes)
    )
}
