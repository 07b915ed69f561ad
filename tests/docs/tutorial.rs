//! The tutorial, as a newcomer follows it: its config has at most six lines, its commands are two, and the answer is what it shows.

use std::process::Command;

use super::pages::{Page, command_lines};
use super::place::Place;

/// The cells of a table's rows.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| -"));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// The numbers of a cell: a mean, and perhaps a deviation.
fn numbers(cell: &str) -> Vec<f64> {
    cell.split([' ', '(', ')']).filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn the_tutorial_prints_what_it_shows() {
    let page = Page::of("docs/tutorial.md");
    assert!(page.block("toml").lines().count() <= 6);
    let answer = page.text.split("**The answer**").nth(1).unwrap();
    let of_answer = Page { name: page.name.clone(), text: answer.split("## ").next().unwrap().to_owned() };
    assert_eq!(
        (page.block("sh").as_str(), command_lines(&of_answer)),
        ("cargo install --path . --locked\n", vec!["zowarmup compare mine.toml".to_owned()])
    );
    let place = Place { dir: tempfile::tempdir().unwrap() };
    place.tutorial();
    let mut command = Command::new(env!("CARGO_BIN_EXE_zowarmup"));
    match zowarmup::device::testing::for_children() {
        Some(device) => command.env("ZOWARMUP_DEVICE", device),
        None => command.env_remove("ZOWARMUP_DEVICE"),
    };
    command
        .current_dir(place.dir.path())
        .env_remove("ZOWARMUP_LOG")
        .env("XDG_RUNTIME_DIR", env!("CARGO_TARGET_TMPDIR"));
    let output = command.args(["compare", "mine.toml"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Behind the table that is shown stand the differences of every two methods.
    let printed = String::from_utf8(output.stdout).unwrap();
    let (first, differences) = printed.split_once("\n\n").unwrap();
    assert_eq!(rows(differences).len(), 1 + 4 * 3 / 2, "{differences}");
    let (shown, found) = (rows(&page.block("text")), rows(first));
    assert_eq!((shown[0].clone(), shown.len()), (found[0].clone(), found.len()));
    let time = shown[0].len() - 1;
    for (shown, found) in shown.iter().zip(&found).skip(1) {
        assert_eq!(shown[0], found[0]);
        for (column, (shown, found)) in shown.iter().zip(found).enumerate().take(time).skip(1) {
            let (shown, found) = (numbers(shown), numbers(found));
            assert_eq!(shown.len(), found.len());
            // Other adapters round sums otherwise, so that runs end a little elsewhere; bytes are the same everywhere.
            let may_differ = if column < 7 && column > 1 { 5.0 } else { 0.0 };
            assert!(shown.iter().zip(&found).all(|(a, b)| (a - b).abs() <= may_differ), "{shown:?}, {found:?}");
        }
    }
    assert!(place.path("comparisons/mine/report.html").is_file());
}
