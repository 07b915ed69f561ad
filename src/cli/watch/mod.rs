//! `zowarmup watch`: a run in progress, read from its folder alone. On a terminal a page that follows it, elsewhere its state in a few
//! lines; with `--serve` the report's page over loopback.

mod facts;
mod page;
mod serve;
mod server;
#[cfg(test)]
mod tests;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use serde::Serialize;

use super::args::JsonArgs;
use super::error::Error;
use super::{interrupt, output};
use crate::fed::live::Live;
use crate::fed::{Phase, Status};

/// How often the folder is read.
const EVERY: Duration = Duration::from_secs(1);
/// How long a key waits at most.
const POLL: Duration = Duration::from_millis(100);

/// `watch`.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Folder of the run; it is only read
    #[arg(value_name = "RUN")]
    pub dir: PathBuf,
    /// Serve the report's page on 127.0.0.1, to this machine alone, until Ctrl-C; it reloads itself
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "8787", conflicts_with = "json")]
    pub serve: Option<u16>,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// What `watch --json` prints.
#[derive(Debug, Serialize)]
struct State {
    dir: String,
    name: String,
    status: &'static str,
    adapter: String,
    phase: Option<Phase>,
    done: u32,
    rounds: u32,
    train_loss: Option<f64>,
    test_loss: Option<f64>,
    test_accuracy: Option<f64>,
    pivot_accuracy: Option<f64>,
    lr: Option<f64>,
    seconds: f64,
    seconds_left: Option<f64>,
    uplink_bytes: u64,
    downlink_bytes: u64,
    warnings: Vec<String>,
}

/// Shows the run.
pub fn execute(args: &WatchArgs) -> Result<u8, Error> {
    let live = Live::open(&args.dir)?;
    if let Some(port) = args.serve {
        return serve::serve(live, port);
    }
    if args.json.json || !std::io::stdin().is_terminal() || !output::is_terminal() {
        output::print(args.json.json, &state(&live), |_| facts::text(&live))?;
        return Ok(0);
    }
    interrupt::install_saying(None);
    let mut terminal = ratatui::try_init().map_err(Error::Output)?;
    let shown = follow(&mut terminal, live);
    // The terminal is given back whatever came of it.
    let restored = ratatui::try_restore();
    shown.and(restored).map_err(Error::Output)?;
    Ok(0)
}

fn state(live: &Live) -> State {
    let summary = live.summary();
    let line = live.metrics.last();
    State {
        dir: live.dir.display().to_string(),
        name: live.config.name.clone(),
        status: status(live),
        adapter: live.adapter(),
        phase: line.map(|line| line.phase),
        done: live.metrics.len() as u32,
        rounds: live.rounds(),
        train_loss: line.and_then(|line| line.train_loss),
        test_loss: summary.final_loss,
        test_accuracy: summary.final_accuracy,
        pivot_accuracy: summary.pivot_accuracy,
        lr: live.lr,
        seconds: summary.seconds,
        seconds_left: live.left().map(|left| left.as_secs_f64()),
        uplink_bytes: summary.uplink_bytes,
        downlink_bytes: summary.downlink_bytes,
        warnings: summary.warnings,
    }
}

/// How a run ended, or that it goes on; `stopped` without an end: no process is at work on it.
fn status(live: &Live) -> &'static str {
    match live.ended {
        None if live.abandoned => "stopped",
        None => "running",
        Some(Status::Done) => "done",
        Some(Status::Diverged) => "diverged",
        Some(Status::Interrupted) => "interrupted",
    }
}

/// Draws the page and follows the folder until `q`, Esc, Ctrl-C or a signal.
fn follow(terminal: &mut DefaultTerminal, mut live: Live) -> std::io::Result<()> {
    let (mut problem, mut read) = (None, Instant::now());
    loop {
        terminal.draw(|frame| page::draw(frame, &live, problem.as_deref()))?;
        while read.elapsed() < EVERY {
            if interrupt::requested() {
                return Ok(());
            }
            if event::poll(POLL)? {
                match event::read()? {
                    Event::Key(key) if key.kind == KeyEventKind::Press && ends(key.code, key.modifiers) => {
                        return Ok(());
                    }
                    Event::Resize(..) => break,
                    _ => {}
                }
            }
        }
        // A file that is being replaced is there again a moment later: what was read stays on the page.
        problem = live.refresh().err().map(|error| error.to_string());
        read = Instant::now();
    }
}

/// Whether a key ends the page.
fn ends(key: KeyCode, modifiers: KeyModifiers) -> bool {
    let control = modifiers.contains(KeyModifiers::CONTROL);
    matches!(key, KeyCode::Char('q' | 'Q') | KeyCode::Esc) || control && matches!(key, KeyCode::Char('c' | 'd'))
}
