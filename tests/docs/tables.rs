//! Lists of keys.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use super::pages::{Page, first_cells};
use super::place::Place;

#[test]
fn the_keys_of_a_config_are_documented() {
    let place = Place::new();
    let config = place.json(&["config"]);
    let page = Page::of("docs/config.md");
    let mut documented: BTreeSet<String> = BTreeSet::new();
    let mut section = String::new();
    for line in page.text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section =
                heading.split(['[', ']']).nth(1).unwrap_or(if heading == "Seeds" { "seeds" } else { "" }).to_owned();
        }
        for name in first_cells(&[line]) {
            let plain = name.contains('.') || section.is_empty();
            documented.insert(if plain { name } else { format!("{section}.{name}") });
        }
    }
    let models = Page::of("docs/models.md");
    for (key, value) in config.as_object().unwrap() {
        let names = match value {
            Value::Object(entries) => entries.keys().map(|name| format!("{key}.{name}")).collect(),
            _ => vec![key.clone()],
        };
        for name in names {
            let of_model = name.strip_prefix("model.").is_some_and(|name| models.text.contains(&format!("`{name}")));
            assert!(documented.contains(&name) || of_model, "docs/config.md has no {name}: {documented:?}");
        }
    }
}

#[test]
fn the_files_of_a_run_are_documented_and_their_keys() {
    let place = Place::new();
    let page = Page::of("docs/run-folder.md");
    let documented: BTreeSet<String> = first_cells(&page.text.lines().collect::<Vec<_>>()).into_iter().collect();
    for entry in fs::read_dir(place.path("runs/X")).unwrap() {
        let entry = entry.unwrap();
        let mut name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            name.push('/');
        }
        assert!(
            documented.contains(&name) || page.text.contains(&format!("`{name}`")),
            "docs/run-folder.md has no {name}"
        );
    }
    let metrics = fs::read_to_string(place.path("runs/X/metrics.jsonl")).unwrap();
    let keys: BTreeSet<String> = first_cells(&page.section("`metrics.jsonl`")).into_iter().collect();
    for line in metrics.lines() {
        let round: Value = serde_json::from_str(line).unwrap();
        assert_eq!(round.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>(), keys);
    }
    let summary: Value = serde_json::from_slice(&fs::read(place.path("runs/X/summary.json")).unwrap()).unwrap();
    let section = page.section("`summary.json`").join("\n");
    for key in summary.as_object().unwrap().keys() {
        assert!(section.contains(&format!("`{key}`")), "docs/run-folder.md has no {key} of summary.json");
    }
}
