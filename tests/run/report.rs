//! `zowarmup report`: figures are those of the runs' folders; what is unfinished or broken is left out by name.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use serde_json::Value;
use zowarmup::config::Config;
use zowarmup::report::Report;

use super::common::*;

fn report(place: &Place, args: &[&str]) -> Output {
    let mut command = zowarmup();
    command.current_dir(place.dir.path()).arg("report").args(args);
    command.output().unwrap()
}

fn page(place: &Place, file: &str) -> String {
    fs::read_to_string(place.path("report").join(file)).unwrap()
}

/// A table's rows below a heading of the Markdown, as trimmed cells.
fn rows(markdown: &str, title: &str) -> Vec<Vec<String>> {
    let section = markdown.split(&format!("\n## {title}\n")).nth(1).unwrap_or_else(|| panic!("no {title}"));
    let lines = section.split("\n## ").next().unwrap().lines().filter(|line| line.starts_with('|'));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    lines.map(cells).collect()
}

#[test]
fn a_table_is_rebuilt_from_stored_runs() {
    let place = Place::new();
    let sets = ["eval.groups=true", "zo.rounds=4"];
    for (row, lr) in [("slow", "zo.lr=0.01"), ("fast", "zo.lr=0.1")] {
        for seed in ["0", "1"] {
            place.run(&format!("all/{row}-s{seed}"), &[&sets[..], &[lr, &format!("seed={seed}")]].concat());
        }
    }
    let output = report(&place, &["all", "--csv", "all.csv", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let groups = result["groups"].as_array().unwrap();
    assert_eq!((groups.len(), &result["problems"]), (2, &serde_json::json!([])));
    let markdown = page(&place, "report.md");
    for (group, row) in groups.iter().zip(["fast", "slow"]) {
        assert_eq!((&group["label"], &group["runs"]), (&row.into(), &2.into()));
        let summaries = [0, 1].map(|seed| json(&place.path(&format!("all/{row}-s{seed}/summary.json"))));
        let of = |key: &str| summaries.each_ref().map(|s| s[key].as_f64().unwrap());
        for (figure, key) in [
            ("pivot", "pivot_accuracy"),
            ("final", "final_accuracy"),
            ("gain", "gain"),
            ("low_clients", "final_low_accuracy"),
            ("high_clients", "final_high_accuracy"),
            ("worst_tenth", "final_worst_tenth_accuracy"),
        ] {
            let [a, b] = of(key);
            let (mean, sd) = (group[figure]["mean"].as_f64().unwrap(), group[figure]["sd"].as_f64().unwrap());
            assert!(
                (mean - (a + b) / 2.0).abs() < 1e-12 && (sd - (a - b).abs() / 2f64.sqrt()).abs() < 1e-12,
                "{figure}"
            );
        }
        let [a, b] = of("uplink_bytes");
        assert_eq!(group["uplink_bytes"].as_f64().unwrap(), ((a + b) / 2.0 / CLIENTS as f64).round());
        // The Markdown has the same, rounded.
        let [a, b] = of("final_accuracy");
        let cells = rows(&markdown, "Results").into_iter().find(|cells| cells[0] == row).unwrap();
        assert_eq!(cells[3], format!("{:.1} ({:.1})", 50.0 * (a + b), 100.0 * (a - b).abs() / 2f64.sqrt()));
        let [a, b] = [0, 1].map(|seed| {
            let last = lines(&place.path(&format!("all/{row}-s{seed}/metrics.jsonl"))).pop().unwrap();
            last["class_accuracy"][3].as_f64().unwrap()
        });
        let cells = rows(&markdown, "Classes").into_iter().find(|cells| cells[0] == row).unwrap();
        assert_eq!(cells[4], format!("{:.1}", 50.0 * (a + b)));
    }
    assert_eq!(rows(&markdown, "Settings")[0], ["setting", "zo.lr"]);
    assert_eq!(rows(&markdown, "Settings")[2], ["fast", "0.1"]);
    assert_eq!(rows(&markdown, "Loss differences").len(), 2 + 2);
    assert_eq!(rows(&markdown, "Runs").len(), 2 + 4);
    let csv = fs::read_to_string(place.path("all.csv")).unwrap();
    assert!(csv.starts_with("label,runs,diverged,pivot,pivot_sd,final,final_sd,"), "{csv}");
    assert_eq!(csv.lines().count(), 3);

    // The page loads nothing, and has every chart.
    let html = page(&place, "report.html");
    let elsewhere = html.replace("http://www.w3.org/2000/svg", "");
    for word in ["http:", "https:", "src=", "<link", "@import", "url("] {
        assert!(!elsewhere.contains(word), "{word}");
    }
    assert_eq!(html.matches("<svg ").count(), 8);
    assert_eq!(html.matches("</svg>").count(), 8);
    assert!(html.contains("prefers-color-scheme:dark") && html.contains("width=device-width"));
    assert!(html.contains(">pivot</text>") && html.contains("class=\"b f0\""), "a mark and bands");
    assert!(!html.contains("NaN") && !html.contains("inf"));
}

#[test]
fn unfinished_and_broken_runs_are_left_out_by_name() {
    let place = Place::new();
    copy_folder(finished(), &place.path("good"));
    stopped(&place, "stopped", &[], 5);
    for name in ["summary", "metrics", "short", "config"] {
        copy_folder(finished(), &place.path(name));
    }
    fs::write(place.path("summary/summary.json"), "{").unwrap();
    let damage = |name: &str, change: &dyn Fn(&str) -> String| {
        let path = place.path(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, change(&text)).unwrap();
    };
    damage("metrics/metrics.jsonl", &|text| text.replacen("\"round\":2", "\"round\":-2", 1));
    damage("short/metrics.jsonl", &|text| text.lines().take(7).map(|line| format!("{line}\n")).collect());
    damage("config/config.toml", &|text| text.replace("tau = ", "tua = "));
    fs::create_dir(place.path("empty")).unwrap();
    let all = ["good", "stopped", "summary", "metrics", "short", "config", "empty", "nowhere"];
    let output = report(&place, &all);
    assert_eq!(output.status.code(), Some(1));
    let log = stderr(&output);
    let left_out: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("left out: ")).collect();
    assert_eq!(left_out.len(), 7, "{log}");
    for (message, (path, word)) in left_out.iter().zip([
        ("stopped: ", "has not ended: 5 of 12 rounds"),
        ("summary/summary.json: ", "EOF"),
        ("metrics/metrics.jsonl: ", "line 3"),
        ("short/metrics.jsonl: ", "expected 12 lines, one a round, found 7"),
        ("config/config.toml: ", "unknown key `zo.tua`"),
        ("empty: ", "expected the folder of a run"),
        ("nowhere: ", "cannot list"),
    ]) {
        assert!(message.starts_with(path) && message.contains(word), "{message}");
    }
    assert!(String::from_utf8(output.stdout.clone()).unwrap().starts_with("1 runs in 1 groups: report/report.html"));
    let markdown = page(&place, "report.md");
    assert_eq!(rows(&markdown, "Runs").len(), 2 + 1);
    assert!(markdown.contains("## Left out") && markdown.contains("found 7"));
    // Nothing at all is a wrong request.
    let output = report(&place, &["empty", "stopped", "--out", "none"]);
    assert!(
        output.status.code() == Some(2) && stderr(&output).contains("there is no run to report"),
        "{}",
        stderr(&output)
    );
    assert!(output.stdout.is_empty() && !place.path("none").exists());
}

/// A run of 200 warm-up and 300 zeroth-order rounds, each evaluated, as its folder would be.
fn long_run(dir: &Path, seed: usize, rate: usize) {
    let like = finished();
    fs::create_dir_all(dir).unwrap();
    let sets =
        [format!("seed={seed}"), format!("zo.lr=0.{rate:03}"), "warmup.rounds=200".into(), "zo.rounds=300".into()];
    let config = Config::load(Some(&like.join("config.toml")), &sets).unwrap();
    fs::write(dir.join("config.toml"), config.to_toml()).unwrap();
    let mut summary = json(&like.join("summary.json"));
    summary["rounds"] = 500.into();
    fs::write(dir.join("summary.json"), summary.to_string()).unwrap();
    let measured = lines(&like.join("metrics.jsonl"));
    let mut text = String::new();
    for round in 0..500 {
        let mut line = if round < 200 { measured[0].clone() } else { measured[11].clone() };
        let noise = ((round * 7919 + seed * 104_729 + rate * 1_299_709) % 1000) as f64 / 5000.0;
        line["round"] = round.into();
        line["test_accuracy"] = (0.1 + 0.7 * round as f64 / 500.0 + noise).into();
        line["test_loss"] = (2.0 - 1.5 * round as f64 / 500.0 + noise).into();
        for key in ["low_accuracy", "high_accuracy", "worst_tenth_accuracy"] {
            line[key] = line["test_accuracy"].clone();
        }
        line["class_accuracy"] = vec![0.5 + noise; 10].into();
        text.push_str(&format!("{line}\n"));
    }
    fs::write(dir.join("metrics.jsonl"), text).unwrap();
}

#[test]
fn a_hundred_long_runs_are_a_small_page_soon() {
    let place = Place::new();
    for (name, seeds) in [("rows", 10), ("alone", 1)] {
        for run in 0..100 {
            let (rate, seed) = (run / seeds + 1, run % seeds);
            long_run(&place.path(&format!("{name}/r{rate}-s{seed}")), seed, rate);
        }
        let start = Instant::now();
        let report = Report::of(&[place.path(name)]);
        let (html, markdown) = (report.html(), report.markdown());
        let seconds = start.elapsed().as_secs_f64();
        println!("{name}: {seconds:.2} s, {} and {} bytes", html.len(), markdown.len());
        assert_eq!((report.groups.len(), report.problems.len()), (100 / seeds, 0), "{:?}", report.problems.first());
        assert!(html.len() < 3_000_000 && html.matches("<svg ").count() == 8, "{}", html.len());
        assert!(cfg!(debug_assertions) || seconds < 3.0, "{seconds} s");
    }
}
