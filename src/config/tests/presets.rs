//! Presets.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::load::DIGITS;
use crate::config::{Config, Layers, Preset, PresetChange};
use toml::{Table, Value};

/// A preset over the digits experiment with `first` under it and `then` over it, whether it can be carried out or not.
fn layered(preset: Option<&'static Preset>, first: &[&str], then: &[&str]) -> Config {
    let owned = |sets: &[&str]| sets.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>();
    let (first, then) = (owned(first), owned(then));
    let layers = Layers { first: &first, preset, then: &then };
    Config::parse_layers(DIGITS, "digits", Path::new(""), &layers).unwrap()
}

fn flat(config: &Config) -> BTreeMap<String, Value> {
    let table: Table = toml::from_str(&config.to_toml()).unwrap();
    let mut all = BTreeMap::new();
    for (name, value) in table {
        match value {
            Value::Table(entries) => {
                all.extend(entries.into_iter().map(|(key, value)| (format!("{name}.{key}"), value)))
            }
            value => drop(all.insert(name, value)),
        }
    }
    all
}

#[test]
fn presets_change_method_keys_only_and_keep_the_rounds() {
    let base = layered(None, &[], &[]);
    for preset in Preset::all() {
        let config = layered(Some(preset), &[], &[]);
        let name = preset.name;
        assert_eq!(config.warmup.rounds + config.zo.rounds, base.warmup.rounds + base.zo.rounds, "{name}");
        assert_eq!((&config.data, &config.model, &config.seeds), (&base.data, &base.model, &base.seeds), "{name}");
        if name != "fedavg-all" {
            assert_eq!(config.split, base.split, "{name}");
        }
        // Whatever differs is a key that it names, with the value that it names.
        let changes = preset.changes(&base);
        let (before, after) = (flat(&base), flat(&config));
        for (key, value) in &after {
            let change = changes.iter().find(|change| change.key == key);
            assert!(before.get(key) == Some(value) || change.is_some(), "{name}: {key}");
        }
        for PresetChange { key, value, .. } in &changes {
            let parsed: Table = toml::from_str(&format!("v = {value}")).unwrap();
            assert_eq!(Some(&parsed["v"]), after.get(*key), "{name}: {key}");
            assert_eq!(changes.iter().filter(|other| other.key == *key).count(), 1, "{name}: {key} twice");
        }
        // As it is printed it is the same config again.
        let text = config.to_toml_with(preset, &base);
        let back = Config::parse_layers(&text, "printed", Path::new(""), &Layers::default()).unwrap();
        assert_eq!(back, config, "{name}: {text}");
        assert_eq!(text.matches(preset.source).count(), changes.len(), "{name}: {text}");
    }
}

#[test]
fn presets_are_the_methods_of_their_names() {
    let of = |name: &str| layered(Some(Preset::named(name).unwrap()), &[], &[]);
    let warm = ["zowarmup", "fedadam", "zowarmup-fedkseed", "feedsign", "fzoo"];
    let cold = ["fedkseed", "decomfl", "mezo", "fedzo", "baffle"];
    let first_order = ["high-res-only", "fedavg-all", "heterofl"];
    assert_eq!(warm.len() + cold.len() + first_order.len(), Preset::all().len());
    warm.iter().for_each(|name| assert_eq!((of(name).warmup.rounds, of(name).zo.rounds), (30, 300), "{name}"));
    cold.iter().for_each(|name| assert_eq!((of(name).warmup.rounds, of(name).zo.rounds), (0, 330), "{name}"));
    first_order.iter().for_each(|name| assert_eq!((of(name).warmup.rounds, of(name).zo.rounds), (330, 0), "{name}"));
    assert_eq!(of("fedavg-all").split.high_clients(), of("fedavg-all").split.clients);
    assert_eq!(of("mezo").zo.participation, 0.05);
    assert_eq!((of("fedkseed").zo.seed_pool, of("zowarmup-fedkseed").zo.seed_pool), (4096, 4096));
    assert_eq!((of("fedzo").zo.sides, of("fedzo").zo.local_steps), (1, 5));
    assert_eq!((of("baffle").zo.sides, of("baffle").zo.probes), (1, 20));
    assert!(of("decomfl").zo.shared_seeds && of("feedsign").zo.shared_seeds);
    assert_eq!((of("fedadam").warmup.server_lr, of("fedadam").warmup.server_epsilon), (0.01, 1e-3));
}

#[test]
fn a_preset_undoes_other_methods_and_arguments_lie_over_it() {
    let zowarmup = Preset::named("zowarmup").ok();
    let other = ["zo.sides=1", "zo.normalise=deviation", "zo.shared_seeds=true", "zo.probes=7"];
    assert_eq!(layered(zowarmup, &other, &[]), layered(zowarmup, &[], &[]));
    assert_eq!(layered(zowarmup, &[], &["zo.probes=7"]).zo.probes, 7);
    // A value that was set over it is no longer the preset's.
    let (config, base) = (layered(zowarmup, &[], &["zo.probes=7"]), layered(None, &[], &[]));
    let text = config.to_toml_with(zowarmup.unwrap(), &base);
    assert!(text.contains("probes = 7\n") && text.contains("tau = 0.75 # zowarmup: "), "{text}");
    let (config, cold) = (layered(Preset::named("mezo").ok(), &["split.clients=4"], &[]), 0.25);
    assert_eq!(config.zo.participation, cold);
}

#[test]
fn unknown_presets_list_the_names_and_errors_name_the_preset() {
    let text = Preset::named("fedkseeds").unwrap_err().to_string();
    assert!(text.contains("`fedkseeds`") && text.contains("did you mean fedkseed?"), "{text}");
    Preset::all().iter().for_each(|preset| assert!(text.contains(preset.name), "{text}"));
    let heterofl = Preset::named("heterofl").ok();
    let then = ["zo.rounds=3".to_owned()];
    let layers = Layers { preset: heterofl, then: &then, ..Layers::default() };
    let text = Config::load_layers(None, &layers).unwrap_err().to_string();
    assert!(text.starts_with("--set: zo.rounds = 3"), "{text}");
    let none = ["split.high_share=0".to_owned(), "warmup.rounds=0".to_owned()];
    let layers = Layers { first: &none, preset: Preset::named("high-res-only").ok(), ..Layers::default() };
    let text = Config::load_layers(None, &layers).unwrap_err().to_string();
    assert!(text.contains("split.high_share"), "{text}");
}
