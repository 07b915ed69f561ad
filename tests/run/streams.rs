//! Standard error and standard output that nobody reads any more, and signals: work and exit statuses stay.

use std::fs;
use std::io::{PipeReader, PipeWriter};
use std::process::Stdio;

use serde_json::Value;

use super::common::*;

/// The writing end of a pipe that nobody reads.
fn unread() -> PipeWriter {
    let (_, writer): (PipeReader, PipeWriter) = std::io::pipe().unwrap();
    writer
}

const SHORT: [&str; 6] = ["--device", "reference", "--set", "warmup.rounds=1", "--set", "zo.rounds=2"];

#[test]
fn a_run_goes_on_without_standard_error() {
    let place = Place::new();
    for verbose in [&[][..], &["-v"], &["-vvv"]] {
        let dir = place.path(&format!("run{}", verbose.len() + verbose.concat().len()));
        let mut command = zowarmup();
        command.arg("run").arg(place.path("small.toml")).args(SHORT).args(verbose).arg("--json").arg("--out").arg(&dir);
        let output = command.stderr(unread()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{verbose:?}");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["status"], "done", "{verbose:?}");
        assert!(dir.join("final.safetensors").is_file());
    }
}

#[test]
fn wrong_requests_end_with_2_without_standard_error() {
    for args in [&["run", "nothing.toml"][..], &["nonsense"], &["run", "--nonsense"], &["replay"], &[]] {
        let output = zowarmup().args(args).stderr(unread()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn closed_standard_output_changes_no_exit_status() {
    let (place, run) = (Place::new(), finished());
    let status = |args: &[&str]| {
        let output = zowarmup().args(args).stdout(unread()).stderr(Stdio::piped()).output().unwrap();
        (output.status.code(), stderr(&output))
    };
    assert_eq!(status(&["--help"]), (Some(0), String::new()));
    assert_eq!(status(&["config"]), (Some(0), String::new()));
    let mut ledger = lines(&run.join("ledger.jsonl"));
    ledger[3]["fingerprint"] = "0123456789abcdef".into();
    let wrong = place.path("wrong.jsonl");
    fs::write(&wrong, ledger.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let base = run.join("pivot.safetensors");
    let replay = ["replay", "--device", "reference", "--base", base.to_str().unwrap(), "--ledger"];
    assert_eq!(status(&[&replay[..], &[wrong.to_str().unwrap()]].concat()).0, Some(1));
    assert_eq!(status(&[&replay[..], &[run.join("ledger.jsonl").to_str().unwrap()]].concat()).0, Some(0));
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::path::Path;
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    /// A run of very many rounds, started by the shell words before it.
    fn endless(place: &Place, before: &str, dir: &Path) -> Command {
        let mut command = Command::new("sh");
        let set = "--device reference --set warmup.rounds=1 --set zo.rounds=1000000 --json";
        command
            .args(["-c", &format!("{before} exec \"$0\" run \"$1\" {set} --out \"$2\"")])
            .arg(env!("CARGO_BIN_EXE_zowarmup"))
            .arg(place.path("small.toml"))
            .arg(dir)
            .env_remove("ZOWARMUP_DEVICE")
            .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        command
    }

    fn rounds(dir: &Path) -> usize {
        fs::read_to_string(dir.join("metrics.jsonl")).map_or(0, |text| text.matches('\n').count())
    }

    /// Waits until the run has done `more` further rounds.
    fn wait(child: &mut Child, dir: &Path, more: usize) {
        let (start, goal) = (Instant::now(), rounds(dir) + more);
        while rounds(dir) < goal {
            assert!(child.try_wait().unwrap().is_none(), "the run ended");
            assert!(start.elapsed() < Duration::from_secs(60), "no round");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn send(child: &Child, signal: &str) {
        let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &child.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    #[test]
    fn each_signal_ends_the_round_with_130_even_without_standard_error() {
        let place = Place::new();
        for signal in ["INT", "TERM", "HUP"] {
            let dir = place.path(signal);
            let mut child = endless(&place, "", &dir).stderr(unread()).spawn().unwrap();
            wait(&mut child, &dir, 3);
            send(&child, signal);
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(130), "{signal}");
            let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(summary["status"], "interrupted", "{signal}");
            assert!(dir.join("summary.json").is_file(), "{signal}");
        }
    }

    #[test]
    fn a_hangup_that_was_ignored_stays_ignored() {
        let place = Place::new();
        let dir = place.path("nohup");
        let mut child = endless(&place, "trap '' HUP;", &dir).stderr(Stdio::null()).spawn().unwrap();
        wait(&mut child, &dir, 3);
        send(&child, "HUP");
        wait(&mut child, &dir, 20);
        send(&child, "TERM");
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    }
}
