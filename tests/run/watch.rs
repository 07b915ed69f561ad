//! `watch`: a folder that is only read, on a terminal, in a pipe and in a browser.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use super::common::*;

/// Names, sizes and times of a folder's files.
fn state(dir: &std::path::Path) -> Vec<(String, u64, SystemTime)> {
    let mut list: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .flatten()
        .map(|entry| {
            let found = entry.metadata().unwrap();
            (entry.file_name().into_string().unwrap(), found.len(), found.modified().unwrap())
        })
        .collect();
    list.sort();
    list
}

#[test]
fn a_pipe_gets_the_state_once_and_nothing_is_written() {
    let place = Place::new();
    let dir = stopped(&place, "run", &[], 5);
    let before = state(&dir);
    let output = zowarmup().arg("watch").arg(&dir).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("small: interrupted, zo, round 5/12\n"), "{text}");
    assert!(text.contains("\n  so far ") && !text.contains("final"), "{text}");
    let output = zowarmup().arg("watch").arg(&dir).arg("--json").output().unwrap();
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (object["done"].as_u64(), object["rounds"].as_u64(), object["lr"].as_f64()),
        (Some(5), Some(12), Some(0.05))
    );
    assert_eq!(object["pivot_accuracy"], json(&dir.join("summary.json"))["pivot_accuracy"]);
    assert_eq!(state(&dir), before);
    let wrong = zowarmup().arg("watch").arg(place.path("nowhere")).output().unwrap();
    assert!(wrong.status.code() == Some(2) && stderr(&wrong).contains("nowhere"), "{}", stderr(&wrong));
}

#[cfg(unix)]
#[test]
fn a_browser_gets_the_page_until_ctrl_c() {
    let mut command = zowarmup();
    command.arg("watch").arg(finished()).args(["--serve", "0"]);
    let mut process = Background::start(command);
    let mut line = String::new();
    BufReader::new(process.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address =
        line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_else(|| panic!("{line}"));
    assert!(address.starts_with("127.0.0.1:"), "{line}");
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("small: done, zo, round 12/12"), "{answer}");
    assert!(!answer.contains("Refresh:"), "a run that has ended changes no more");
    Command::new("kill").args(["-INT", &process.0.id().to_string()]).status().unwrap();
    assert_eq!(process.0.wait().unwrap().code(), Some(0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_the_page_and_gets_itself_back() {
    let program = env!("CARGO_BIN_EXE_zowarmup");
    for (keys, how) in [(&b"q"[..], "q"), (b"\x03", "Ctrl-C")] {
        let line = format!("stty rows 40 cols 120; exec {program} watch {}", finished().display());
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(child) = command.spawn() else {
            println!("skipped: there is no `script` to make a terminal with");
            return;
        };
        let mut process = Background(child);
        let mut out = process.0.stdout.take().unwrap();
        let (mut text, mut part) = (Vec::new(), [0; 4096]);
        let holds = |text: &[u8], word: &str| String::from_utf8_lossy(text).contains(word);
        // The page is drawn whole before a key is pressed.
        while !holds(&text, "q: quit") {
            let read = out.read(&mut part).unwrap();
            assert!(read > 0, "{how}: {}", String::from_utf8_lossy(&text));
            text.extend_from_slice(&part[..read]);
        }
        process.0.stdin.as_mut().unwrap().write_all(keys).unwrap();
        out.read_to_end(&mut text).unwrap();
        assert_eq!(process.0.wait().unwrap().code(), Some(0), "{how}");
        // Into the second screen, and out of it.
        let (enter, leave) = ("\x1b[?1049h", "\x1b[?1049l");
        assert!(holds(&text, enter) && holds(&text, leave), "{how}: {}", String::from_utf8_lossy(&text));
        // Blanks are not drawn: words alone stand together.
        assert!(["small", "12/12", "accuracy,"].iter().all(|word| holds(&text, word)), "{how}");
    }
}
