//! Command lines.

use std::collections::BTreeSet;

use super::pages::{Page, command_lines, first_cells, pages};
use super::place::{Place, SMALL};

/// Commands that do nothing without arguments: in prose they are only named.
const NEED_ARGUMENTS: [&str; 13] = [
    "check",
    "completions",
    "eval",
    "fork",
    "man",
    "replay",
    "report",
    "reproduce",
    "resume",
    "stream",
    "sweep",
    "verify",
    "watch",
];

/// The command line as it is run: words for placeholders, and settings that make it small.
fn arguments(line: &str, place: &Place) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let mut args: Vec<String> = words(line).into_iter().skip(1).collect();
    for arg in &mut args {
        let known = match arg.as_str() {
            "CONFIG" | "CONFIG.toml" | "PATH" => "configs/digits.toml",
            "DIR" | "RUN" => "runs/X",
            "SWEEP.toml" => "configs/sweep.toml",
            "FILE..." => "tests/golden/mlp.safetensors",
            "COMMAND" => "run",
            "seed=N" => "seed=1",
            _ => continue,
        };
        *arg = known.to_owned();
    }
    let command = args[0].clone();
    match command.as_str() {
        "run" | "cost" if !args.contains(&"--help".to_owned()) => {
            args.extend(SMALL.map(str::to_owned));
            if args.iter().any(|arg| arg.contains("resnet")) {
                args.extend(words("--set model.width=2"));
            }
            if args.iter().any(|arg| arg.contains("cifar") || arg.contains("fashion")) {
                args.extend(words("--set data.train_limit=4 --set data.test_limit=1 --set zo.probes=1"));
            }
            if command == "run" && !args.contains(&"--out".to_owned()) {
                let count = std::fs::read_dir(place.path("runs")).unwrap().count();
                args.extend(["--out".to_owned(), format!("runs/{count}")]);
            }
        }
        "fork" if args.len() > 1 => {
            let count = std::fs::read_dir(place.path("runs")).unwrap().count();
            args.extend(["--out".to_owned(), format!("runs/{count}")]);
        }
        "compare" => {
            args.extend(SMALL.map(str::to_owned));
            if !args.contains(&"--seeds".to_owned()) {
                args.extend(words("--seeds 0"));
            }
        }
        "sweep" if args.contains(&"--slurm".to_owned()) => {}
        "reproduce" if args.len() > 1 => args.extend(words("--seeds 0 --set warmup.rounds=1 --set zo.rounds=2")),
        "sweep" if args.len() > 1 => args.extend(SMALL.map(str::to_owned)),
        "profile" if args.len() > 1 => args.extend(SMALL.map(str::to_owned)),
        // This would serve until it is ended.
        "watch" if args.contains(&"--serve".to_owned()) => args.push("--help".to_owned()),
        "probe" => args.extend(words("--clients 2 --draws 4 --epsilon 1e-3")),
        _ if args.len() == 1 && NEED_ARGUMENTS.contains(&command.as_str()) => args.push("--help".to_owned()),
        _ => {}
    }
    args
}

#[test]
fn every_command_line_of_the_documentation_runs() {
    let place = Place::new();
    let mut done = BTreeSet::new();
    for page in pages() {
        for line in command_lines(&page) {
            let args = arguments(&line, &place);
            if !done.insert(line.clone()) {
                continue;
            }
            let mut given: Vec<&str> = args.iter().map(String::as_str).collect();
            let place_of = format!("{}: {line}", page.name);
            if ["bench", "selftest"].contains(&given[0]) {
                // These take minutes: they are asked for a device that isn't there, which is refused only once all else is well.
                given.extend(["--device", "no such device"]);
                let output = place.run(&given);
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                assert!(output.status.code() == Some(2) && text.contains("no such device"), "{place_of}: {text}");
                continue;
            }
            let output = place.run(&given);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && !output.stdout.is_empty(), "{place_of}: {given:?}: {text}");
        }
    }
    // The README alone has more: less means that they are no longer found.
    assert!(done.len() >= 25, "{done:?}");
    assert!(place.path("rebuilt.safetensors").is_file());
}

#[test]
fn the_table_of_commands_is_that_of_the_program() {
    let place = Place::new();
    let page = Page::of("docs/commands.md");
    let help = String::from_utf8(place.run(&["--help"]).stdout).unwrap();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| line.starts_with("  "));
    // Further lines of a description are indented more.
    let named = listed.filter(|line| !line.starts_with("   "));
    let mut known: Vec<&str> = named.filter_map(|line| line.split_whitespace().next()).collect();
    known.retain(|name| *name != "help");
    let synopses: Vec<&str> = page.text.lines().skip_while(|line| !line.starts_with("| command")).skip(2).collect();
    let synopses: Vec<&str> = synopses.into_iter().take_while(|line| line.starts_with("| `")).collect();
    let command = |line: &&str| line[3..].split([' ', '`']).next().unwrap().to_owned();
    let documented: BTreeSet<String> = synopses.iter().map(command).collect();
    assert_eq!(documented, known.iter().map(|name| (*name).to_owned()).collect());
    // Each option of a synopsis is one of the command.
    for line in synopses {
        let help = String::from_utf8(place.run(&[&command(&line), "--help"]).stdout).unwrap();
        let synopsis = line.split('|').nth(1).unwrap();
        let options = synopsis.split([' ', '[', ']', '`']).filter(|word| word.starts_with("--"));
        options.for_each(|option| {
            assert!(help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")), "{line}: {option}")
        });
    }
    assert!(first_cells(&page.section("Common to all")).contains(&"ZOWARMUP_DEVICE".to_owned()));
}
