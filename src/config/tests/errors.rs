//! A message for each thing that can be wrong in a config.

use super::*;

#[test]
fn unknown_keys_name_the_nearest() {
    for (text, key, nearest) in [
        ("[zo]\nprobs = 3", "zo.probs", "zo.probes"),
        ("[zo]\nlearning_rate = 3", "zo.learning_rate", "zo.participants"),
        ("[warmup]\nprobes = 3", "warmup.probes", "zo.probes"),
        ("[warmpu]\nrounds = 3", "warmpu", "warmup"),
        ("[data]\nseed = 3", "data.seed", "seed"),
        ("[model]\nkind = \"mlp\"\nhiden = [3]", "model.hiden", "model.hidden"),
        ("[model]\nkind = \"mlp\"\nchannels = [3]", "model.channels", "model.classes"),
    ] {
        assert_eq!(message(with(text)), format!("c.toml: unknown key `{key}`; the nearest known key is `{nearest}`"));
    }
    assert_eq!(
        message(parse("clients = 3")),
        "c.toml: unknown key `clients`; the nearest known key is `split.clients`"
    );
    assert_eq!(
        message(set(&["zo.ephsilon=1"])),
        "--set: unknown key `zo.ephsilon`; the nearest known key is `zo.epsilon`"
    );
}

#[test]
fn bad_values_name_key_value_and_expectation() {
    let positive = "expected a finite number greater than 0";
    let rate = "expected a finite number of at least 0";
    let share = "expected a number greater than 0 and at most 1";
    let most = u32::MAX;
    let one = format!("expected an integer from 1 to {most}");
    let zero = format!("expected an integer from 0 to {most}");
    for (key, values, expected) in [
        ("zo.tau", &["0", "-1", "nan", "inf", "1e39", "\"a\"", "true"][..], positive),
        ("zo.epsilon", &["0", "-1e-4", "inf", "nan"], positive),
        ("zo.lr", &["-0.1", "nan", "inf", "[1]"], rate),
        ("zo.local_lr", &["-0.1"], rate),
        ("zo.lr_decay", &["0", "-1"], positive),
        ("zo.rounds", &["-1", "1.5", "5000000000"], &zero),
        ("zo.probes", &["0", "-3", "3.0"], &one),
        ("zo.local_steps", &["0"], &one),
        ("zo.participation", &["0", "1.5", "nan"], share),
        ("split.alpha", &["0", "-0.1", "nan", "inf"], positive),
        ("split.size_alpha", &["-1"], rate),
        ("split.clients", &["0", "-2", "2.5"], &one),
        ("split.high_share", &["-0.1", "1.1", "nan"], "expected a number from 0 to 1"),
        ("warmup.rounds", &["-1"], &zero),
        ("warmup.batch", &["0"], &one),
        ("warmup.local_epochs", &["0"], &one),
        ("warmup.client_lr", &["-1", "inf"], rate),
        ("warmup.server_lr", &["-1"], rate),
        ("warmup.participation", &["0", "2"], share),
        ("data.train_limit", &["-1", "0.5"], &zero),
        ("eval.every", &["0", "\"x\""], &one),
        ("device.select", &["3"], "expected a string"),
        ("zo", &["3"], "expected a table, as [zo]"),
    ] {
        for value in values {
            let text = message(set(&[&format!("{key}={value}")]));
            assert!(text.starts_with(&format!("--set: {key} = ")), "{key}={value}: {text}");
            assert!(text.ends_with(&format!(": {expected}")), "{key}={value}: {text}");
        }
    }
    assert_eq!(message(with("[zo]\ntau = -1.5")), "c.toml: zo.tau = -1.5: expected a finite number greater than 0");
    assert_eq!(
        message(with("[zo]\nepsilon = 1e-40")),
        "c.toml: zo.epsilon = 0.0000000000000000000000000000000000000001: expected a value whose product with zo.tau (0.75) is a normal f32"
            .replace("0.0000000000000000000000000000000000000001", &1e-40.to_string())
    );
    assert_eq!(
        message(with("[split]\nkind = \"dirichlt\"")),
        "c.toml: split.kind = \"dirichlt\": expected one of dirichlet, iid or shards (did you mean \"dirichlet\"?)"
    );
    assert_eq!(
        message(with("[zo]\ndistribution = \"normal\"")),
        "c.toml: zo.distribution = \"normal\": expected one of rademacher, binomial, gaussian, uniform or sphere"
    );
    assert_eq!(
        message(with("[model]\nkind = \"lstm\"\nx = 1")),
        "c.toml: model.kind = \"lstm\": expected one of mlp, cnn, resnet, vit or sequential"
    );
    assert_eq!(message(set(&["seed=-1"])), format!("--set: seed = -1: expected {}", seeds::EXPECTED));
    assert_eq!(
        message(set(&["seeds.split=xyz"])),
        format!("--set: seeds.split = \"xyz\": expected {}", seeds::EXPECTED)
    );
    for budget in ["lots", "-5", "5 bananas", "1.5.2MiB"] {
        let text = message(set(&[&format!("device.memory_budget={budget}")]));
        assert!(
            text.ends_with("expected an amount of memory such as \"512MiB\", or \"0\" for what the adapter allows"),
            "{text}"
        );
    }
    for name in ["", "a/b", "..", "a b", ".x"] {
        let text = message(set(&[&format!("name={name}")]));
        assert!(text.ends_with("expected 1 to 100 letters, digits, `-`, `_` or `.`, not starting with `.`"), "{text}");
    }
    assert_eq!(
        message(with("[data]\npath = \"\"")),
        "c.toml: data.path = \"\": expected the folder of the cifar10 files"
    );
    assert_eq!(
        message(with("[data]\nlabels = \"coarse\"")),
        "c.toml: data.labels = \"coarse\": expected \"fine\": only cifar100 has two labels a sample, cifar10 has one"
    );
    assert_eq!(
        message(with("[data]\nmean = [0.1, 0.2]")),
        "c.toml: data.std = a list of 0: expected as many entries as data.mean has (2)"
    );
    assert_eq!(
        message(with("[data]\nmean = [0.1]\nstd = [0.0]")),
        "c.toml: data.std = 0.0: expected a list of finite numbers greater than 0, one a channel"
    );
    assert_eq!(
        message(with("[model]\nkind = \"mlp\"\nhidden = 1979-05-27")),
        "c.toml: model.hidden = 1979-05-27: expected finite numbers, strings, booleans, lists and tables of them"
    );
}

#[test]
fn values_must_fit_together() {
    assert_eq!(
        message(with("[split]\nhigh_share = 0")),
        "c.toml: split.high_share = 0: expected more than 0 where warmup.rounds is not 0: the warm-up needs a high-resource client"
    );
    assert_eq!(with("[split]\nhigh_share = 0\n[warmup]\nrounds = 0").unwrap().split.high_clients(), 0);
    assert_eq!(with("[split]\nhigh_share = 0.001").unwrap().split.high_clients(), 1);
    assert_eq!(
        message(with("[split]\nhigh_share = 1\nclients = 4\n[zo]\nparticipants = \"low\"")),
        "c.toml: split.high_share = 1: expected a share that leaves a low-resource client of 4, where zo.participants is \"low\""
    );
    assert_eq!(
        message(with("[warmup]\nrounds = 4294967295\n[zo]\nrounds = 1")),
        "c.toml: zo.rounds = 1: expected at most 4294967295 rounds with the warm-up's"
    );
    assert_eq!(
        message(with("[split]\nkind = \"shards\"\nsize_alpha = 1.5")),
        "c.toml: split.size_alpha = 1.5: expected 0 with split.kind = \"shards\", whose clients have equal sizes"
    );
}

#[test]
fn statistics_are_exchanged_only_of_batch_norms() {
    let with = |norm: &str| {
        message(parse(&format!("zo.norm_statistics = \"refreshed\"\nmodel = {{ kind = \"resnet\", {norm} }}")))
    };
    let refusal = with("norm = \"group\"");
    assert!(refusal.starts_with("c.toml: zo.norm_statistics = \"refreshed\": expected \"frozen\""), "{refusal}");
    assert_eq!(with("width = 4"), refusal);
    let batch = "zo.norm_statistics = \"recomputed\"\nmodel = { kind = \"resnet\", norm = \"batch\" }";
    assert_eq!(parse(batch).unwrap().zo.norm_statistics, NormStatistics::Recomputed);
}

#[test]
fn what_is_not_available_is_refused() {
    for (text, refusal) in [
        (
            "data.name = \"npz\"",
            "data.name = \"npz\" is not available in this version; use idx, with the samples saved as IDX files (docs/data.md shows how)",
        ),
        (
            "data.name = \"imagenet32\"",
            "data.name = \"imagenet32\" is not available in this version; use idx, with the samples saved as IDX files (docs/data.md shows how)",
        ),
        (
            "warmup.algorithm = \"fedadam\"",
            "warmup.algorithm = \"fedadam\" is not available in this version; use fedavg",
        ),
        ("zo.local_steps = 2", "zo.local_steps = 2 is not available in this version; use 1"),
        ("zo.optimizer = \"adam\"", "zo.optimizer = \"adam\" is not available in this version; use sgd"),
        (
            "zo.participants = \"high-first-order\"",
            "zo.participants = \"high-first-order\" is not available in this version; use all or low",
        ),
        (
            "zo.distribution = \"sphere\"",
            "zo.distribution = \"sphere\" is not available in this version; use rademacher, binomial, gaussian or uniform",
        ),
    ] {
        let text = if text.contains(" = ") && !text.starts_with('[') {
            format!("{text}\nmodel.kind = \"mlp\"")
        } else {
            text.to_owned()
        };
        assert_eq!(message(parse(&text)), format!("c.toml: {refusal}"));
    }
}

#[test]
fn files_that_are_no_toml_name_the_place() {
    let text = message(parse("seed = 1\n[zo]\nlr = = 2\n"));
    assert!(text.starts_with("c.toml: line 3, column 6: "), "{text}");
    let text = message(parse("[zo]\nlr = 1\nlr = 2\n"));
    assert!(text.starts_with("c.toml: line 3, column 1: ") && text.contains("duplicate key"), "{text}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.toml");
    let missing = message(Config::load(Some(&file), &[]));
    assert!(missing.starts_with(&format!("{}: cannot read the config: ", file.display())), "{missing}");
    std::fs::write(&file, b"seed = 1 # \xff").unwrap();
    let text = message(Config::load(Some(&file), &[]));
    assert_eq!(text, format!("{}: byte 11 is not valid UTF-8; expected a TOML text file", file.display()));
}
