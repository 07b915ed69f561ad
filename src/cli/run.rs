//! `zowarmup run` and `zowarmup resume`.

use std::path::PathBuf;

use clap::Args;

use super::args::{DeviceArgs, JsonArgs, LimitArgs, PresetArgs, SetArgs};
use super::display::Display;
use super::error::{Error, of_status};
use super::output::{self, bytes, grouped, percent, quoted};
use super::say::say;
use crate::config::{Config, Layers};
use crate::device::Selection;
use crate::fed::folder::WAYS;
use crate::fed::{FedError, Status, Summary, run as job};

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Folder of the run, new or empty [default: runs/NAME-SEED-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Preset.
    #[command(flatten)]
    pub preset: PresetArgs,
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// The run's seed, in place of the config's: as --set seed=N
    #[arg(long, value_name = "N")]
    pub seed: Option<String>,
    /// When to end.
    #[command(flatten)]
    pub limit: LimitArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Folder of the run
    pub dir: PathBuf,
    /// Extends the run: zo.rounds, or changes what changes no bit: paths, device settings
    #[command(flatten)]
    pub set: SetArgs,
    /// When to end.
    #[command(flatten)]
    pub limit: LimitArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// `fork`.
#[derive(Debug, Args)]
pub struct ForkArgs {
    /// Folder of the run whose pivot this one begins at
    #[arg(value_name = "RUN")]
    pub origin: PathBuf,
    /// Folder of the new run, new or empty [default: runs/NAME-SEED-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overrides; those of zo, eval and device, and the name
    #[command(flatten)]
    pub set: SetArgs,
    /// When to end.
    #[command(flatten)]
    pub limit: LimitArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Starts a run and prints its summary.
pub fn run(args: &RunArgs) -> Result<u8, Error> {
    let seed = args.seed.iter().map(|seed| format!("seed={seed}"));
    let sets: Vec<String> = args.set.set.iter().cloned().chain(seed).collect();
    let layers = Layers { first: &[], preset: args.preset.preset()?, then: &sets };
    let config = Config::load_layers(args.config.as_deref(), &layers)?;
    let selection = Selection::of_config(args.device.device.as_deref(), &config.device)?;
    // A run's folder has the ways of its products beside its config: run again it has the same bits.
    let ways = args.config.as_deref().map(|config| config.with_file_name(WAYS)).filter(|path| path.exists());
    let selection = Selection { ways, ..selection };
    watched(args.json, args.limit, |display| job::start(&config, args.out.as_deref(), &selection, display))
}

/// Goes on with a run and prints its summary.
pub fn resume(args: &ResumeArgs) -> Result<u8, Error> {
    let device = args.device.device.as_deref();
    watched(args.json, args.limit, |display| job::resume(&args.dir, device, &args.set.set, display))
}

/// Starts a run from another one's pivot and prints its summary.
pub fn fork(args: &ForkArgs) -> Result<u8, Error> {
    let (out, device) = (args.out.as_deref(), args.device.device.as_deref());
    watched(args.json, args.limit, |display| job::fork(&args.origin, &args.set.set, out, device, display))
}

/// Does a job that a display shows, prints its summary, and says how to go on where it ended early.
fn watched(
    json: JsonArgs,
    limit: LimitArgs,
    job: impl FnOnce(&mut Display) -> Result<Summary, FedError>,
) -> Result<u8, Error> {
    let mut display = Display::new(limit.time_limit);
    let summary = job(&mut display)?;
    output::print(json.json, &summary, text)?;
    if summary.status == Status::Interrupted {
        let why = if display.timed_out() { "the time limit is over" } else { "interrupted" };
        say(format_args!("{why}; go on with: zowarmup resume {}", quoted(&summary.dir)));
    }
    Ok(of_status(summary.status))
}

fn text(s: &Summary) -> String {
    let status = match s.status {
        Status::Done => "done",
        Status::Diverged => "diverged",
        Status::Interrupted => "interrupted",
    };
    let last = if s.status == Status::Interrupted { "so far" } else { "final" };
    let loss = |loss: Option<f64>| loss.map(|l| format!(" (loss {l:.4})")).unwrap_or_default();
    let best = s.best_round.map(|r| format!(" after round {r}")).unwrap_or_default();
    let lines = [
        ("pivot", percent(s.pivot_accuracy) + &loss(s.pivot_loss)),
        (last, percent(s.final_accuracy) + &loss(s.final_loss)),
        ("gain", s.gain.map_or_else(|| "-".to_owned(), |gain| format!("{:+.1} points", 100.0 * gain))),
        ("best", percent(s.best_accuracy) + &best),
        ("sent", format!("{} up, {} down", bytes(s.uplink_bytes), bytes(s.downlink_bytes))),
        ("weights", format!("{}, fingerprint {}", grouped(s.params), s.fingerprint)),
        ("adapter", format!("{} ({})", s.adapter, s.backend)),
        ("folder", s.dir.clone()),
    ];
    let mut out = format!("{}: {status} after {} rounds, {:.1} s\n", s.name, s.rounds, s.seconds);
    for (what, value) in lines {
        out.push_str(&format!("  {what:<8} {value}\n"));
    }
    let groups = [
        ("low clients", s.pivot_low_accuracy, s.final_low_accuracy),
        ("high clients", s.pivot_high_accuracy, s.final_high_accuracy),
        ("worst tenth", s.pivot_worst_tenth_accuracy, s.final_worst_tenth_accuracy),
    ];
    for (who, pivot, last) in groups {
        if let Some(change) = change(pivot, last) {
            out.push_str(&format!("  {who} {change}\n"));
        }
    }
    for warning in &s.warnings {
        out.push_str(&format!("  {:<8} {warning}\n", "warning"));
    }
    if s.status != Status::Interrupted {
        out.push_str(&format!("  {:<8} zowarmup report {}\n", "report", quoted(&s.dir)));
    }
    out
}

/// `31.0 -> 87.9 %`, where both are known; only the last where there is no pivot yet.
fn change(pivot: Option<f64>, last: Option<f64>) -> Option<String> {
    let last = percent(Some(last?));
    Some(pivot.map_or_else(|| last.clone(), |pivot| format!("{:.1} -> {last}", 100.0 * pivot)))
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn changes_are_percentages() {
        assert_eq!(change(Some(0.31), Some(0.8794)).as_deref(), Some("31.0 -> 87.9 %"));
        assert_eq!(change(None, Some(0.5)).as_deref(), Some("50.0 %"));
        assert_eq!(change(Some(0.5), None), None);
    }
}
