//! Configs as users write them: defaults, round trips, paths and overrides.

mod errors;
mod presets;

use std::path::Path;

use toml::Table;

use super::load::DIGITS;
use super::*;
use crate::caps::Precision;
use crate::stream::Distribution;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, "c.toml", Path::new("/configs"), &[])
}

/// The smallest config without a refused default.
fn with(text: &str) -> Result<Config, ConfigError> {
    let model = if text.contains("[model]") { "" } else { "[model]\nkind = \"mlp\"\n" };
    parse(&format!("{model}{text}"))
}

fn set(overrides: &[&str]) -> Result<Config, ConfigError> {
    Config::load(None, &overrides.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
}

fn message(result: Result<Config, ConfigError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn defaults_are_the_formats() {
    let c = with("").unwrap();
    assert_eq!(c.name, "cifar10-mlp");
    assert_eq!((c.seed, c.seeds), (0, Seeds::derived(0)));
    assert_eq!((c.data.name, c.data.path.as_deref()), (DataName::Cifar10, Some(Path::new("/configs/data/cifar10"))));
    assert_eq!((c.data.train_limit, c.data.test_limit), (0, 0));
    let split = SplitConfig {
        kind: SplitKind::Dirichlet,
        file: None,
        clients: 50,
        alpha: 0.1,
        high_share: 0.1,
        size_alpha: 0.0,
        dropout: 0.0,
    };
    assert_eq!(c.split, split);
    let warmup = WarmupConfig {
        rounds: 200,
        algorithm: WarmupAlgorithm::FedAvg,
        local_epochs: 3,
        batch: 64,
        client_lr: 0.05,
        client_lr_decay: 1.0,
        momentum: 0.0,
        weight_decay: 0.0,
        clip_norm: 0.0,
        proximal_mu: 0.01,
        server_lr: 1.0,
        server_momentum: 0.9,
        server_beta1: 0.9,
        server_beta2: 0.999,
        server_epsilon: 1e-3,
        server_bias_correction: false,
        participation: 1.0,
    };
    assert_eq!(c.warmup, warmup);
    let zo = ZoConfig {
        rounds: 300,
        probes: 3,
        tau: 0.75,
        epsilon: 1e-4,
        distribution: Distribution::Rademacher,
        sides: 2,
        lr: ZoRate::Fixed(0.05),
        lr_decay: 1.0,
        rate_guard: false,
        normalise: Normalise::None,
        local_steps: 1,
        local_lr: 0.0,
        batch: 0,
        seed_pool: 0,
        shared_seeds: false,
        uplink: Uplink::F32,
        participants: ZoParticipants::All,
        participation: 1.0,
        optimizer: ZoOptimizer::Sgd,
        momentum: 0.9,
        beta1: 0.9,
        beta2: 0.999,
        optimizer_epsilon: 1e-3,
        bias_correction: false,
        nu: 0.99,
        norm_statistics: NormStatistics::Frozen,
    };
    assert_eq!(c.zo, zo);
    assert_eq!((c.eval.every, c.device.select.as_str(), c.device.memory_budget), (10, "", 0));
    assert_eq!(c.device.precision, Precision::F32);
    assert_eq!(c.model.weights, None);
}

#[test]
fn epsilon_is_larger_in_f16_where_it_is_left_out() {
    for (precision, epsilon) in [("f32", 1e-4), ("f16x3", 1e-4), ("f16", 1e-3)] {
        let text = format!("[device]\nprecision = \"{precision}\"");
        let c = with(&text).unwrap();
        assert_eq!((c.device.precision.name(), c.zo.epsilon), (precision, epsilon));
        let given = with(&format!("{text}\n[zo]\nepsilon = 2e-4")).unwrap();
        assert_eq!(given.zo.epsilon, 2e-4);
        let preset = Preset::named("zowarmup").unwrap().changes(&c);
        let set = preset.iter().find(|change| change.key == "zo.epsilon").unwrap();
        assert_eq!(set.value.parse::<f64>().unwrap(), epsilon);
        assert_eq!(parse(&c.to_toml()).unwrap(), c);
    }
}

#[test]
fn the_embedded_config_is_the_digits_experiment_and_lists_every_key() {
    let c = set(&[]).unwrap();
    assert_eq!((c.name.as_str(), c.data.name, c.data.path.as_deref()), ("digits-mlp", DataName::Digits, None));
    assert_eq!((c.split.clients, c.split.high_clients(), c.split.alpha), (20, 2, 0.1));
    assert_eq!((c.warmup.rounds, c.warmup.client_lr, c.warmup.batch, c.warmup.local_epochs), (30, 0.1, 64, 3));
    assert_eq!((c.zo.rounds, c.zo.probes, c.zo.lr, c.eval.every), (300, 3, ZoRate::Fixed(0.05), 10));
    assert_eq!(serde_json::Value::from(c.model.table), serde_json::json!({"kind": "mlp", "hidden": [64]}));
    // Every key has a line, and every line a comment.
    let listed: Table = toml::from_str(Config::default_toml_commented()).unwrap();
    for key in keys::ROOT {
        assert!(listed.contains_key(*key), "{key}");
    }
    for (section, known) in keys::SECTIONS {
        for key in *known {
            let commented = *section == "seeds" && DIGITS.contains(&format!("# {key} = "));
            assert!(commented || listed[*section].get(*key).is_some(), "{section}.{key}");
        }
    }
    for (i, line) in DIGITS.lines().enumerate().filter(|(_, line)| line.contains(" = ")) {
        assert!(line.split_once(" = ").unwrap().1.contains('#') || line.starts_with('#'), "line {}", i + 1);
    }
}

#[test]
fn the_written_config_has_every_key_and_loads_to_the_same() {
    let sequential = "seed = \"0xffffffffffffffff\"\nname = \"a.b-c\"\n[data]\nname = \"idx\"\npath = \"d\"\ntrain_limit = 3\n\
        mean = [0.5]\nstd = [0.1]\n[model]\nkind = \"sequential\"\nweights = \"../w.safetensors\"\ninput = [1, 28, 28]\n\
        layers = [{conv = 8, kernel = 3, bias = false}, \"relu\", {maxpool = 2, stride = 2}, \"flatten\", {dropout = 0.3},\n\
        {residual = [{linear = 8}, \"batchnorm\", {residual = [{layernorm = true}]}], project = true}, {linear = 10}]\n\
        [zo]\nepsilon = 1e-7\nlr = \"auto\"\ndistribution = \"gaussian\"\n[device]\nmemory_budget = \"1000001B\"\n\
        [seeds]\nprobes = 17\n";
    for config in [set(&[]).unwrap(), with("").unwrap(), parse(sequential).unwrap()] {
        let text = config.to_toml();
        let again = Config::parse(&text, "saved", Path::new("/elsewhere"), &[]).unwrap();
        assert_eq!(again, config, "{text}");
        let table: Table = toml::from_str(&text).unwrap();
        assert_eq!(table["seed"].as_str(), Some(format!("{:016x}", config.seed).as_str()));
        let named = |name: &str| table["seeds"].get(name).and_then(|seed| seed.as_str());
        assert_eq!(named("probes"), config.named_seeds.probes.map(|seed| format!("{seed:016x}")).as_deref());
        assert_eq!(["split", "weights", "sampling", "shuffle"].map(named), [None; 4]);
        assert!(keys::ROOT.iter().all(|key| table.contains_key(*key)));
        for (section, known) in keys::SECTIONS.iter().filter(|(section, _)| *section != "seeds") {
            assert!(known.iter().all(|key| table[*section].get(*key).is_some()), "{section}");
        }
    }
}

#[test]
fn a_new_seed_in_a_saved_config_changes_every_stream_that_is_not_named() {
    let saved = set(&["seed=3", "seeds.probes=17"]).unwrap().to_toml();
    let edited = saved.replace("seed = \"0000000000000003\"", "seed = 4");
    assert_ne!(edited, saved);
    let again = Config::parse(&edited, "saved", Path::new(""), &[]).unwrap();
    assert_eq!(again.seeds, Seeds { probes: 17, ..Seeds::derived(4) });
    assert_eq!(again.named_seeds, NamedSeeds { probes: Some(17), ..NamedSeeds::default() });
}

#[test]
fn configs_saved_with_every_seed_keep_them() {
    let Seeds { split, weights, sampling, shuffle, probes } = Seeds::derived(3);
    let text = format!(
        "seed = 3\n[model]\nkind = \"mlp\"\n[seeds]\nsplit = \"{split:016x}\"\nweights = \"{weights:016x}\"\n\
        sampling = \"{sampling:016x}\"\nshuffle = \"{shuffle:016x}\"\nprobes = \"{probes:016x}\"\n"
    );
    let config = parse(&text).unwrap();
    assert_eq!(config.seeds, Seeds::derived(3));
    assert_eq!(parse(&config.to_toml()).unwrap(), config);
}

#[test]
fn the_configs_of_the_project_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let config = Config::load(Some(&path), &[]).unwrap();
        assert!(config.data.path.is_none_or(|p| p.is_absolute()));
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn paths_are_relative_to_the_file_or_with_set_to_the_current_folder() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    std::fs::write(&file, "[data]\npath = \"set\"\n[model]\nkind = \"mlp\"\nweights = \"w\"\n").unwrap();
    let c = Config::load(Some(&file), &[]).unwrap();
    assert_eq!((c.data.path, c.model.weights), (Some(dir.path().join("set")), Some(dir.path().join("w"))));
    let c = Config::load(Some(&file), &["data.path=other".to_owned()]).unwrap();
    let here = std::env::current_dir().unwrap();
    assert_eq!((c.data.path, c.model.weights), (Some(here.join("other")), Some(dir.path().join("w"))));
    let c = Config::load(Some(&file), &["model={kind='mlp', weights='v'}".to_owned()]).unwrap();
    assert_eq!(c.model.weights, Some(here.join("v")));
}

#[test]
fn overrides_change_values() {
    let c = set(&[
        "zo.lr=0.1",
        "split.kind=iid",
        "seed=5",
        "seeds.probes=deadbeefdeadbeef",
        "device.memory_budget=512MiB",
        "zo.lr=0.2",
    ])
    .unwrap();
    assert_eq!((c.zo.lr, c.split.kind, c.device.memory_budget), (ZoRate::Fixed(0.2), SplitKind::Iid, 512 << 20));
    assert_eq!(c.seeds, Seeds { probes: 0xdead_beef_dead_beef, ..Seeds::derived(5) });
}

#[test]
fn a_new_seed_by_set_replaces_the_derived_seeds_that_a_config_writes_out() {
    let Seeds { split, weights, .. } = Seeds::derived(3);
    let seeds = format!("split = \"{split:016x}\"\nweights = \"{weights:016x}\"\nprobes = 17");
    let saved = format!("seed = 3\n[model]\nkind = \"mlp\"\n[seeds]\n{seeds}\n");
    let again = Config::parse(&saved, "saved", Path::new(""), &["seed=4".to_owned()]).unwrap();
    assert_eq!(again.seeds, Seeds { probes: 17, ..Seeds::derived(4) });
}
