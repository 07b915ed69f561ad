//! `zowarmup profile`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::args::{ComputeArgs, ForceArgs, PresetArgs};
use super::display::Display;
use super::error::Error;
use super::outfile::OutFile;
use super::output::{self, Adapter, grouped, percent, row, table};
use super::say::say;
use crate::config::{Config, Layers};
use crate::device::{Selection, open};
use crate::engine::Workspace;
use crate::fed::experiment::Experiment;
use crate::fed::folder::WAYS;
use crate::fed::run::choose_ways;
use crate::profile::{self, Phase, Profile, Request};

/// `profile`.
#[derive(Debug, Args)]
pub struct ProfileArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Rounds of each phase
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rounds: u32,
    /// Measure from the first round on; by default a round of each phase comes before, in which pipelines are compiled
    #[arg(long)]
    pub cold: bool,
    /// Write a trace that Perfetto (ui.perfetto.dev) opens
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Output file.
    #[command(flatten)]
    pub force: ForceArgs,
    /// Preset.
    #[command(flatten)]
    pub preset: PresetArgs,
    /// Overrides, device and output.
    #[command(flatten)]
    pub compute: ComputeArgs,
}

#[derive(Serialize)]
struct Report {
    adapter: Adapter,
    #[serde(flatten)]
    profile: Profile,
}

/// Rows of less than this share of a phase's device time are added up for people.
const LEAST: f64 = 0.002;

/// Measures where the time of a config's rounds goes.
pub fn execute(args: &ProfileArgs) -> Result<u8, Error> {
    let inputs: Vec<_> = args.config.iter().map(PathBuf::as_path).collect();
    let file = args.trace.as_deref().map(|path| OutFile::new(path, args.force.force, &inputs)).transpose()?;
    let layers = Layers { first: &[], preset: args.preset.preset()?, then: &args.compute.set.set };
    let config = Config::load_layers(args.config.as_deref(), &layers)?;
    let file = file.map(|file| file.beside(config.inputs())).transpose()?;
    let selection = Selection::of_config(args.compute.device.device.as_deref(), &config.device)?;
    // As a run of this config: a run's folder has the ways of its products beside its config.
    let ways = args.config.as_deref().map(|config| config.with_file_name(WAYS)).filter(|path| path.exists());
    let selection = Selection { ways, ..selection };
    let experiment = Experiment::prepare(&config)?;
    experiment.notes.iter().for_each(say);
    let mut space = Workspace::new(open(&selection)?)?;
    choose_ways(&mut space, &experiment.graph, &selection, &mut Display::new(None))?;
    let adapter = Adapter::of(space.device().info());
    let request = Request { rounds: args.rounds, cold: args.cold };
    let (profile, timelines) =
        profile::measure(space, &experiment, &request, &mut |next| tracing::info!("measuring {next}"))?;
    if let Some(file) = &file {
        let trace = profile::trace(&adapter.name, &timelines);
        file.write(trace.to_string().as_bytes())?;
    }
    output::print(args.compute.json.json, &Report { adapter, profile }, text)?;
    Ok(0)
}

fn text(report: &Report) -> String {
    let p = &report.profile;
    let clock = match p.clock {
        "device" => "the device's clock, between commands",
        "passes" => "the device's clock, around a pass a dispatch: each bears a pass's start",
        _ => "the host's clock: each dispatch bears a submission and its wait, so shares say more than times",
    };
    let c = &p.ceilings;
    let mut out = format!(
        "{}\ncopy {:.1} GB/s, multiply-add {:.1} GFLOP/s; times by {clock}\n{} pipelines compiled in {:.2} s\n",
        report.adapter.text(),
        c.copy_gb_s,
        c.madd_gflop_s,
        p.pipelines,
        p.compile_seconds
    );
    for phase in &p.phases {
        out.push_str(&format!("\n{}", heading(phase)));
        out.push_str(&kernels(p, phase));
    }
    out
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.3} ms", seconds * 1e3)
}

fn heading(p: &Phase) -> String {
    let share = |seconds: f64| percent((p.seconds > 0.0).then(|| seconds / p.seconds));
    let a_round = p.seconds / f64::from(p.rounds.max(1));
    let compiled =
        if p.compile_seconds > 0.0 { format!(", compiling {}", share(p.compile_seconds)) } else { String::new() };
    format!(
        "{}: {} a round ({} measured): device {}{compiled}, host {}; {} dispatches in {} recordings\n",
        p.phase,
        milliseconds(a_round),
        p.rounds,
        share(p.device_seconds),
        share(p.host_seconds),
        grouped(p.dispatches),
        grouped(p.recordings)
    )
}

fn kernels(profile: &Profile, phase: &Phase) -> String {
    let mut rows =
        vec![row(["kernel", "way", "shape", "count", "time", "share", "GFLOP/s", "of madd", "GB/s", "of copy"])];
    let (mut count, mut seconds, mut share) = (0, 0.0, 0.0);
    for r in profile.kernels.iter().filter(|r| r.phase == phase.phase) {
        if r.share < LEAST {
            (count, seconds, share) = (count + r.count, seconds + r.seconds, share + r.share);
            continue;
        }
        let number = |x: f64| if x > 0.0 { format!("{x:.1}") } else { "-".to_owned() };
        let of = |x: f64| if x > 0.0 { format!("{:.0} %", x * 100.0) } else { "-".to_owned() };
        rows.push(row([
            r.kernel,
            &r.way,
            &r.shape,
            &grouped(r.count),
            &milliseconds(r.seconds),
            &percent(Some(r.share)),
            &number(r.gflop_s),
            &of(r.of_madd),
            &number(r.gb_s),
            &of(r.of_copy),
        ]));
    }
    if count > 0 {
        rows.push(row([
            "(all others)",
            "",
            "",
            &grouped(count),
            &milliseconds(seconds),
            &percent(Some(share)),
            "",
            "",
            "",
            "",
        ]));
    }
    table(&rows)
}
