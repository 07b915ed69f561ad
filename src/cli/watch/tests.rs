//! What is shown of a small run, as long as it goes on and when it has ended.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::server::Server;
use super::*;
use crate::config::Config;
use crate::device::Selection;
use crate::fed::{Observer, RoundMetrics, RunFolder, run};

/// Stops a run after so many rounds.
struct StopAfter(usize);

impl Observer for StopAfter {
    fn round(&mut self, _: &RoundMetrics) {
        self.0 -= 1;
    }

    fn stop(&mut self) -> bool {
        self.0 == 0
    }
}

/// A run of 3 + 4 rounds of which 5 are done, as a process that is at work on it leaves it, and the lock that such a process holds.
fn half(dir: &Path) -> (Live, RunFolder) {
    let sets = [
        "name=small",
        "data.train_limit=8",
        "data.test_limit=4",
        "split.clients=4",
        "split.high_share=0.5",
        "model.hidden=[4]",
        "warmup.rounds=3",
        "zo.rounds=4",
        "zo.lr=0.0125",
        "eval.every=1",
    ];
    let config = Config::load(None, &sets.map(str::to_owned)).unwrap();
    run::start(&config, Some(dir), &Selection::of("reference"), &mut StopAfter(5)).unwrap();
    std::fs::remove_file(dir.join("summary.json")).unwrap();
    let at_work = RunFolder::open(dir).unwrap();
    (Live::open(dir).unwrap(), at_work)
}

fn drawn(live: &Live, width: u16, height: u16, problem: Option<&str>) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| page::draw(frame, live, problem)).unwrap();
    terminal.backend().to_string()
}

/// Whether a curve is drawn.
fn holds_braille(text: &str) -> bool {
    text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c))
}

#[test]
fn the_page_follows_a_run_from_its_folder_alone() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("run");
    let (mut live, at_work) = half(&dir);
    let text = drawn(&live, 120, 40, None);
    let accuracy = |live: &Live| super::super::output::percent(live.metrics.last().unwrap().test_accuracy);
    let words = [
        "small",
        "running, zo, round 5/7",
        "left",
        "test accuracy, %",
        "loss",
        "rates",
        "health",
        "dl rms",
        "1.250e-2",
        "q: quit",
    ];
    words.iter().for_each(|word| assert!(text.contains(word), "{word} in\n{text}"));
    assert!(text.contains(&accuracy(&live)) && holds_braille(&text), "{text}");
    assert_eq!(live.metrics.len(), 5);
    // Killed: nobody holds the lock any more.
    drop(at_work);
    live.refresh().unwrap();
    let text = drawn(&live, 120, 40, None);
    assert!(text.contains("stopped, zo, round 5/7, `zowarmup resume` goes on") && !text.contains(" left"), "{text}");
    // Another process goes on, and ends.
    run::resume(&dir, Some("reference"), &[], &mut crate::fed::observer::Silent).unwrap();
    live.refresh().unwrap();
    assert_eq!((live.metrics.len(), live.ended), (7, Some(Status::Done)));
    let text = drawn(&live, 120, 40, Some("metrics.jsonl: a problem"));
    let words = ["done, zo, round 7/7", "final", "metrics.jsonl: a problem"];
    words.iter().for_each(|word| assert!(text.contains(word), "{word} in\n{text}"));
    assert!(text.contains(&accuracy(&live)) && !text.contains(" left"), "{text}");
    // Read at once it is the same.
    let again = Live::open(&dir).unwrap();
    assert_eq!((again.metrics.clone(), again.summary()), (live.metrics.clone(), live.summary()));
}

#[test]
fn figures_of_a_run_in_progress_are_those_of_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("run");
    drop(half(&dir));
    let ended = run::resume(&dir, Some("reference"), &[], &mut crate::fed::observer::Silent).unwrap();
    std::fs::remove_file(dir.join("summary.json")).unwrap();
    let so_far = Live::open(&dir).unwrap().summary();
    // But for what only the device and the program know.
    let expected = crate::fed::Summary {
        status: Status::Interrupted,
        commit: String::new(),
        params: 0,
        client_memory_bytes: None,
        fingerprint: String::new(),
        ..ended
    };
    assert_eq!(so_far, expected);
}

#[test]
fn the_page_fits_terminals_of_any_size() {
    let dir = tempfile::tempdir().unwrap();
    let (live, _at_work) = half(&dir.path().join("run"));
    for (width, height) in [(1, 1), (10, 3), (20, 8), (40, 12), (60, 24), (89, 50), (200, 60), (300, 5)] {
        let text = drawn(&live, width, height, None);
        assert_eq!(text.lines().count(), usize::from(height), "{width}x{height}");
        if width >= 40 && height >= 12 {
            assert!(text.contains("5/7") && text.contains("test accuracy"), "{width}x{height}\n{text}");
        }
    }
}

#[test]
fn before_the_first_round_and_without_a_run() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Live::open(dir.path()).unwrap_err().to_string().contains("config.toml"));
    std::fs::write(dir.path().join("config.toml"), Config::default_toml_commented()).unwrap();
    let live = Live::open(dir.path()).unwrap();
    let text = drawn(&live, 100, 40, None);
    // Nobody holds a lock there.
    assert!(text.contains("stopped, round 0/330") && text.contains("no figures yet"), "{text}");
    assert!(
        facts::text(&live).starts_with("digits-mlp: stopped, round 0/330, `zowarmup resume` goes on\n"),
        "{}",
        facts::text(&live)
    );
    let page = serve::page(&live);
    assert!(page.html.contains("round 0/330") && page.reload.is_some());
}

#[test]
fn keys_that_end_the_page() {
    let ends = |code, modifiers| super::ends(code, modifiers);
    assert!(ends(KeyCode::Char('q'), KeyModifiers::NONE) && ends(KeyCode::Esc, KeyModifiers::NONE));
    assert!(ends(KeyCode::Char('c'), KeyModifiers::CONTROL) && !ends(KeyCode::Char('c'), KeyModifiers::NONE));
}

/// The answer to a request.
fn ask(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = String::new();
    // A connection that is reset has given what it gave.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn the_server_answers_this_machine_alone_and_with_one_page() {
    let dir = tempfile::tempdir().unwrap();
    let (live, _at_work) = half(&dir.path().join("run"));
    let (server, ended) = (Server::new(0).unwrap(), AtomicBool::new(false));
    let address: SocketAddr = server.url()["http://".len()..].trim_end_matches('/').parse().unwrap();
    assert!(address.ip().is_loopback());
    let taken = Server::new(address.port()).unwrap_err();
    assert!(taken.exit_status() == 2 && taken.to_string().contains(&address.port().to_string()), "{taken}");
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(|| ended.load(Ordering::SeqCst), || serve::page(&live)));
        let host = format!("Host: {address}\r\n");
        let get = |path: &str, headers: &str| ask(address, &format!("GET {path} HTTP/1.1\r\n{headers}\r\n"));
        let whole = get("/", &host);
        assert!(whole.starts_with("HTTP/1.1 200 OK\r\nRefresh: 5\r\n"), "{whole}");
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
        assert!(body.contains("<svg") && body.contains("running, zo, round 5/7") && body.contains("so far"));
        assert!(get("/?again", &format!("hOST:  localhost:{}\r\n", address.port())).starts_with("HTTP/1.1 200"));
        let head = ask(address, &format!("HEAD / HTTP/1.1\r\n{host}\r\n"));
        assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
        for (answer, status) in [
            (get("/../../etc/passwd", &host), "404"),
            (get("/", "Host: elsewhere.example\r\n"), "403"),
            (get("/", ""), "403"),
            (ask(address, &format!("POST / HTTP/1.1\r\n{host}\r\n")), "405"),
            (ask(address, "GET / HTTP/1.1"), "400"),
            (ask(address, &"x".repeat(20_000)), "400"),
            (get("/", &host), "200"),
        ] {
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) || answer.is_empty(), "{status}: {answer}");
        }
        ended.store(true, Ordering::SeqCst);
    });
}
