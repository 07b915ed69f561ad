//! `zowarmup report`: figures are those of the runs' folders; what is unfinished or broken is left out by name.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use serde_json::Value;
use zowarmup::config::Config;
use zowarmup::report::{Report, tensorboard};

use super::common::*;

/// Nine curves, bars of bytes up and down, memory and time, and the classes.
const CHARTS: usize = 14;

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
    assert_eq!(html.matches("<svg ").count(), CHARTS);
    assert_eq!(html.matches("</svg>").count(), CHARTS);
    assert!(html.contains("prefers-color-scheme:dark") && html.contains("width=device-width"));
    assert!(html.contains(">pivot</text>") && html.contains("class=\"b f0\""), "a mark and bands");
    assert!(!html.contains("NaN") && !html.contains("inf"));
}

#[test]
fn unfinished_and_broken_runs_are_left_out_by_name() {
    let place = Place::new();
    copy_folder(finished(), &place.path("good"));
    stopped(&place, "stopped", &[], 5);
    for name in ["summary", "metrics", "short", "config", "figure", "line", "setting"] {
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
    // What still reads well, but isn't what the run wrote.
    damage("figure/summary.json", &|text| text.replace("\"final_accuracy\": 0.", "\"final_accuracy\": 0.9"));
    damage("line/metrics.jsonl", &|text| text.replacen("\"clients\":2", "\"clients\":3", 1));
    damage("setting/config.toml", &|text| text.replace("lr = 0.05", "lr = 0.06"));
    fs::create_dir(place.path("empty")).unwrap();
    let all =
        ["good", "stopped", "summary", "metrics", "short", "config", "figure", "line", "setting", "empty", "nowhere"];
    let output = report(&place, &all);
    assert_eq!(output.status.code(), Some(1));
    let log = stderr(&output);
    let left_out: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("left out: ")).collect();
    assert_eq!(left_out.len(), 10, "{log}");
    for (message, (path, word)) in left_out.iter().zip([
        ("stopped: ", "has not ended: 5 of 12 rounds"),
        ("summary/summary.json: ", "EOF"),
        ("metrics/metrics.jsonl: ", "line 3"),
        ("short/metrics.jsonl: ", "expected 12 lines, one a round, found 7"),
        ("config/config.toml: ", "unknown key `zo.tua`"),
        ("figure/summary.json: ", "expected SHA-256"),
        ("line/metrics.jsonl: ", "expected SHA-256"),
        ("setting/config.toml: ", "expected SHA-256"),
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
        assert!(html.len() < 3_000_000 && html.matches("<svg ").count() == CHARTS, "{}", html.len());
        assert!(cfg!(debug_assertions) || seconds < 3.0, "{seconds} s");
    }
}

/// A tag of an SVG must be closed or closes itself; attributes and text have no bare marks.
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        assert!(
            !rest[..at].contains('>') && rest[..at].matches('&').all(|_| rest[..at].contains(';')),
            "{}",
            &rest[..at]
        );
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{svg}");
        } else if !tag.ends_with('/') {
            assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
            open.push(tag.split_whitespace().next().unwrap());
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?}");
}

#[test]
fn every_chart_is_a_picture_of_its_own() {
    let place = Place::new();
    copy_folder(finished(), &place.path("a"));
    let run = place.run("b & <b>", &["zo.rounds=4", "eval.groups=true", "data.validation=0.2"]);
    let html = Report::of(&[place.path("a"), run]).html();
    let pictures: Vec<String> = html
        .split("<svg ")
        .skip(1)
        .map(|rest| format!("<svg {}", rest.split_inclusive("</svg>").next().unwrap()))
        .collect();
    assert!(pictures.len() >= CHARTS, "{}", pictures.len());
    for picture in &pictures {
        assert_well_formed(picture);
        assert!(picture.contains("xmlns=\"http://www.w3.org/2000/svg\"") && picture.contains("<title>"), "{picture}");
    }
    assert!(html.contains("Validation accuracy, %"), "a chart of the validation samples");
    assert!(html.contains("<meta name=\"viewport\" content=\"width=device-width"));
    assert!(html.contains("class=\"save\"") && html.matches("class=\"save\"").count() == pictures.len());
}

/// The paper's values stand beside the means where a run's sweep names them.
#[test]
fn values_of_the_paper_stand_beside_the_means() {
    let place = Place::new();
    let text = "table = \"table2\"\nbase = \"small.toml\"\nset = [\"zo.rounds=2\", \"warmup.rounds=1\"]\n\
                [[row]]\nlabel = \"ours, 10/90\"\nvalue = \"ZOWarmUp 10/90\"\n[[row]]\nlabel = \"other\"\nset = [\"zo.tau=0.5\"]\n";
    fs::write(place.path("sweep.toml"), text).unwrap();
    let sweep = |args: &[&str]| {
        let output = zowarmup()
            .current_dir(place.dir.path())
            .args(["sweep", "sweep.toml", "--out", "s"])
            .args(args)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let table = sweep(&[]);
    assert!(table.contains("54.3 (4.8) |") && table.contains("\nPaper: table 2"), "{table}");
    let output = report(&place, &["s", "--json"]);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let groups = result["groups"].as_array().unwrap();
    let of = |label: &str| groups.iter().find(|group| group["label"] == label).unwrap();
    assert_eq!(of("ours, 10/90")["paper"], "54.3 (4.8)");
    assert!(of("other")["paper"].is_null());
    assert_eq!(json(&place.path("report/report.json")), result);
    let results = rows(&page(&place, "report.md"), "Results");
    assert_eq!(results[0][4], "paper");
    assert!(results.iter().any(|row| row[0] == "ours, 10/90" && row[4] == "54.3 (4.8)"), "{results:?}");
    // An index that is none is told, and the runs are reported all the same.
    fs::write(place.path("s/sweep.json"), "{").unwrap();
    let output = report(&place, &["s"]);
    assert!(output.status.code() == Some(1) && stderr(&output).contains("sweep.json"), "{}", stderr(&output));
    assert!(stderr(&output).contains("run again, writes this file anew"), "{}", stderr(&output));
    assert_eq!(rows(&page(&place, "report.md"), "Runs").len(), 2 + 2);
}

/// TensorBoard's own reader finds what the runs measured.
#[test]
fn event_files_are_read_by_tensorboard() {
    let place = Place::new();
    let run = place.run("a", &["zo.rounds=4"]);
    let output = report(&place, &["a", "--tensorboard", "events"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let dir = place.path("events/a");
    let file = dir.join("events.out.tfevents.0.zowarmup");
    let bytes = fs::read(&file).unwrap();
    let files = tensorboard::files(&Report::of(std::slice::from_ref(&run)), Path::new("again"));
    assert_eq!(files, [(Path::new("again/a/events.out.tfevents.0.zowarmup").to_owned(), bytes)]);
    let script = "import sys, json\n\
                  try:\n from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n\
                  except Exception as e: print('skipped:', e); sys.exit(3)\n\
                  a = EventAccumulator(sys.argv[1]); a.Reload()\n\
                  print(json.dumps({tag: [(e.step, e.value) for e in a.Scalars(tag)] for tag in a.Tags()['scalars']}))";
    let python = std::env::var("ZOWARMUP_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let Ok(output) = std::process::Command::new(&python).args(["-c", script]).arg(&dir).output() else {
        println!("skipped: there is no {python}");
        return;
    };
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    if output.status.code() == Some(3) {
        println!("{}", text.trim());
        return;
    }
    assert!(output.status.success(), "{}", stderr(&output));
    let curves: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    let measured = lines(&run.join("metrics.jsonl"));
    for (tag, key) in [
        ("accuracy/test", "test_accuracy"),
        ("loss/train", "train_loss"),
        ("dl/rms", "dl_rms"),
        ("bytes/up", "uplink_bytes"),
    ] {
        let expected: Vec<(u64, f32)> = measured
            .iter()
            .filter_map(|line| Some((line["round"].as_u64().unwrap() + 1, line[key].as_f64()? as f32)))
            .collect();
        let found: Vec<(u64, f32)> = curves[tag]
            .as_array()
            .unwrap()
            .iter()
            .map(|point| (point[0].as_u64().unwrap(), point[1].as_f64().unwrap() as f32))
            .collect();
        assert!(!found.is_empty() && found == expected, "{tag}: {found:?}, expected {expected:?}");
    }
}

/// A browser shows the page, light and dark, on a phone and on a desk: nothing runs over its side, and charts have colours.
#[test]
fn a_browser_shows_the_page() {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let found = names
        .iter()
        .find(|name| std::process::Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()));
    let Some(browser) = found else {
        println!("skipped: there is no Chromium ({})", names.join(", "));
        return;
    };
    let place = Place::new();
    copy_folder(finished(), &place.path("a"));
    fs::write(place.path("page.html"), Report::of(&[place.path("a")]).html()).unwrap();
    for (name, size, dark) in
        [("desk", "1280,3000", false), ("desk-dark", "1280,3000", true), ("phone", "500,6000", false)]
    {
        let picture = place.path(&format!("{name}.png"));
        let mut command = std::process::Command::new(browser);
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        command.arg(format!("--user-data-dir={}", place.path(&format!("profile-{name}")).display()));
        command.arg(format!("--screenshot={}", picture.display())).arg(format!("--window-size={size}"));
        if dark {
            command.arg("--blink-settings=preferredColorScheme=0");
        }
        let output = command.arg(format!("file://{}", place.path("page.html").display())).output().unwrap();
        assert!(picture.is_file(), "{}", stderr(&output));
        let image = image::open(&picture).unwrap().to_rgb8();
        let corner = image.get_pixel(2, 2).0;
        let light = u32::from(corner[0]) + u32::from(corner[1]) + u32::from(corner[2]);
        assert!(if dark { light < 200 } else { light > 700 }, "{name}: {corner:?}");
        // The first group's curve, in the colour of either scheme.
        let colour: [u8; 3] = if dark { [0x58, 0xb0, 0xea] } else { [0x00, 0x72, 0xb2] };
        let near = |p: &image::Rgb<u8>| p.0.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 24);
        assert!(image.pixels().filter(|p| near(p)).count() > 200, "{name}: no curve");
        // What is drawn has colours of its own: what has none is filled black.
        assert_eq!(image.pixels().filter(|p| p.0 == [0, 0, 0]).count(), 0, "{name}: something is black");
        // Nothing but the ground at the right edge: what is wider scrolls by itself.
        let edge = (0..image.height()).filter(|&y| image.get_pixel(image.width() - 2, y).0 != corner).count();
        assert!(edge == 0, "{name}: {edge} pixels at the right edge");
    }
}
