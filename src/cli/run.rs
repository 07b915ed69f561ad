//! `zowarmup run` and `zowarmup resume`.

use std::path::PathBuf;

use clap::Args;

use super::args::{DeviceArgs, JsonArgs, SetArgs};
use super::display::Display;
use super::error::{Error, of_status};
use super::output::{self, bytes, grouped, percent};
use super::say::say;
use crate::config::Config;
use crate::device::Selection;
use crate::fed::{Status, Summary, run as job};

/// `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The experiment; without it the embedded digits experiment
    pub config: Option<PathBuf>,
    /// Folder of the run, new or empty [default: runs/NAME-SEED-TIME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
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

/// `resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// Folder of the run
    pub dir: PathBuf,
    /// Extends the run: zo.rounds, or changes what changes no bit: paths, device settings
    #[command(flatten)]
    pub set: SetArgs,
    /// Device.
    #[command(flatten)]
    pub device: DeviceArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Starts a run and prints its summary.
pub fn run(args: &RunArgs) -> Result<u8, Error> {
    let config = Config::load(args.config.as_deref(), &args.set.set)?;
    let budget = (config.device.memory_budget > 0).then_some(config.device.memory_budget);
    let selection = Selection::resolve(args.device.device.as_deref(), &config.device.select, budget)?;
    let summary = job::start(&config, args.out.as_deref(), &selection, &mut Display::new())?;
    report(args.json.json, &summary)
}

/// Goes on with a run and prints its summary.
pub fn resume(args: &ResumeArgs) -> Result<u8, Error> {
    let summary = job::resume(&args.dir, args.device.device.as_deref(), &args.set.set, &mut Display::new())?;
    report(args.json.json, &summary)
}

fn report(json: bool, summary: &Summary) -> Result<u8, Error> {
    output::print(json, summary, text)?;
    if summary.status == Status::Interrupted {
        say(format_args!("interrupted; go on with: zowarmup resume {}", quoted(&summary.dir)));
    }
    Ok(of_status(summary.status))
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=,:@%".contains(c);
    if !path.is_empty() && path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

fn text(s: &Summary) -> String {
    let status = match s.status {
        Status::Done => "done",
        Status::Diverged => "diverged",
        Status::Interrupted => "interrupted",
    };
    let loss = |loss: Option<f64>| loss.map(|l| format!(" (loss {l:.4})")).unwrap_or_default();
    let best = s.best_round.map(|r| format!(" after round {r}")).unwrap_or_default();
    let lines = [
        ("pivot", percent(s.pivot_accuracy) + &loss(s.pivot_loss)),
        ("final", percent(s.final_accuracy) + &loss(s.final_loss)),
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
    for warning in &s.warnings {
        out.push_str(&format!("  {:<8} {warning}\n", "warning"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted("runs/digits-0"), "runs/digits-0");
        assert_eq!(quoted("my runs/it's"), r"'my runs/it'\''s'");
    }
}
