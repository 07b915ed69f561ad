//! A message for each thing that can be wrong in a config.

use super::*;

#[test]
fn unknown_keys_name_the_nearest() {
    for (text, key, nearest) in [
        ("[zo]\nprobs = 3", "zo.probs", "zo.probes"),
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
    for (text, expected) in [
        (
            "lr = 3",
            "`lr`; it is called `warmup.client_lr` (local steps of backprop) or `zo.lr` (zeroth-order rounds) here",
        ),
        ("[zo]\nlearning_rate = 3", "`zo.learning_rate`; it is called `zo.lr` here"),
        ("[warmup]\nepochs = 3", "`warmup.epochs`; it is called `warmup.local_epochs` here"),
        ("num_clients = 3", "`num_clients`; it is called `split.clients` here"),
    ] {
        assert_eq!(message(parse(text)), format!("c.toml: unknown key {expected}"));
    }
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
    let million = "expected an integer from 1 to 1000000";
    let probes = "expected an integer from 1 to 100000";
    let zero = "expected an integer from 0 to 100000000";
    let huge = "18446744073709551615";
    for (key, values, expected) in [
        ("zo.tau", &["0", "-1", "nan", "inf", "\"a\"", "true"][..], positive),
        ("zo.epsilon", &["0", "-1e-4", "inf", "nan"], positive),
        ("zo.lr", &["-0.1", "nan", "inf", "[1]", "fast"], "expected a finite number of at least 0, or \"auto\""),
        ("zo.rate_guard", &["1", "yes"], "expected true or false"),
        ("zo.sides", &["0", "3"], "expected an integer from 1 to 2"),
        ("zo.momentum", &["-0.1", "1", "nan"], "expected a number of at least 0 and below 1"),
        ("zo.local_lr", &["-0.1"], rate),
        ("zo.lr_decay", &["0", "-1"], positive),
        ("zo.rounds", &["-1", "1.5", "100000001", "5000000000", huge], zero),
        (
            "zo.probes",
            &["0", "-3", "3.0", "4294967295", "10000000", huge, "0xffffffffffffffffffffffffffffffffffffff"],
            probes,
        ),
        ("zo.local_steps", &["0", huge], probes),
        ("zo.participation", &["0", "1.5", "nan"], share),
        ("split.alpha", &["0", "-0.1", "nan", "inf"], positive),
        ("split.size_alpha", &["-1"], rate),
        ("split.clients", &["0", "-2", "2.5", "4294967295"], million),
        ("split.high_share", &["-0.1", "1.1", "nan"], "expected a number from 0 to 1"),
        ("warmup.rounds", &["-1"], zero),
        ("warmup.batch", &["0", "1000001"], million),
        ("warmup.local_epochs", &["0", "1001"], "expected an integer from 1 to 1000"),
        ("warmup.client_lr", &["-1", "inf"], rate),
        ("warmup.server_lr", &["-1"], rate),
        ("warmup.participation", &["0", "2"], share),
        ("data.train_limit", &["-1", "0.5", "4294967295"], zero),
        ("eval.every", &["0", "\"x\"", huge], "expected an integer from 1 to 100000000"),
        ("device.select", &["3"], "expected a string"),
        ("zo", &["3"], "expected a table, as [zo]"),
    ] {
        for value in values {
            let text = message(set(&[&format!("{key}={value}")]));
            assert!(text.starts_with(&format!("--set: {key} = ")), "{key}={value}: {text}");
            let integer = value.starts_with("0x") || value.parse::<i128>().is_ok();
            assert!(!integer || text.contains(&format!(" = {value}: ")), "{key}={value}: {text}");
            assert!(text.ends_with(&format!(": {expected}")), "{key}={value}: {text}");
        }
    }
    // The largest f32 is told, and taken.
    let most = "and no larger than an f32 holds (3.4028235e38)";
    assert!(message(set(&["zo.lr=1e39"])).ends_with(&format!(", {most}")), "{}", message(set(&["zo.lr=1e39"])));
    assert!(message(set(&["data.mean=[-1e39]"])).ends_with(most) && set(&["zo.lr=3.4028235e38"]).is_ok());
    assert_eq!(message(with("[zo]\ntau = -1.5")), "c.toml: zo.tau = -1.5: expected a finite number greater than 0");
    assert_eq!(
        message(with("[zo]\nepsilon = 1e-40")),
        "c.toml: zo.epsilon = 0.0000000000000000000000000000000000000001: expected a value whose product with zo.tau (0.75) is a normal f32"
            .replace("0.0000000000000000000000000000000000000001", &1e-40.to_string())
    );
    assert_eq!(
        message(with("[split]\nkind = \"dirichlt\"")),
        "c.toml: split.kind = \"dirichlt\": expected one of dirichlet, iid, shards, file or natural (did you mean \"dirichlet\"?)"
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
    for budget in ["lots", "-5", "5 bananas", "1.5.2MiB", "1025TiB", "99999999999999999999PiB", "18446744073709551615"]
    {
        let text = message(set(&[&format!("device.memory_budget={budget}")]));
        assert!(
            text.ends_with("expected an amount of memory such as \"512MiB\", at most \"1PiB\", or \"0\" for what the adapter allows"),
            "{text}"
        );
    }
    for name in ["", "a/b", "..", "a b", ".x"] {
        let text = message(set(&[&format!("name={name}")]));
        assert!(text.ends_with("expected 1 to 100 letters, digits, `-`, `_` or `.`, not starting with `.`"), "{text}");
    }
    assert_eq!(
        message(with("[data]\npath = \"\"")),
        "c.toml: data.path = \"\": expected the folder of data_batch_1.bin to data_batch_5.bin and test_batch.bin (docs/data.md, \"CIFAR-10\", says more)"
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
        message(with("[split]\nclients = 1000\n[zo]\nprobes = 5000")),
        "c.toml: zo.probes = 5000: expected at most 4194 with 1000 clients and 1 local steps in a round, which can have 4194304 probes in all"
    );
    assert!(with("[split]\nclients = 1000\n[zo]\nprobes = 4194").is_ok());
    assert!(with("[split]\nclients = 1000\n[zo]\nprobes = 5000\nparticipation = 0.5").is_ok());
    assert!(with("[split]\nclients = 1000000\n[zo]\nprobes = 4").is_ok());
    assert_eq!(
        message(with("[zo]\nlocal_steps = 90000")),
        "c.toml: zo.local_steps = 90000: expected at most 27962 with 50 clients and 3 probes in a round, which can have 4194304 probes in all"
    );
    assert_eq!(
        message(with("[split]\nkind = \"shards\"\nsize_alpha = 1.5")),
        "c.toml: split.size_alpha = 1.5: expected 0 with split.kind = \"shards\", whose clients have equal sizes"
    );
}

#[test]
fn methods_that_do_not_go_together_are_refused() {
    for (text, refusal) in [
        ("local_lr = 0.1", "zo.local_lr = 0.1: expected 0 with zo.local_steps = 1"),
        ("uplink = \"sign\"", "zo.uplink = \"sign\": expected another uplink, or zo.shared_seeds = true"),
        (
            "uplink = \"sign\"\nshared_seeds = true\nparticipants = \"high-gradient\"",
            "zo.uplink = \"sign\": expected another uplink, or zo.participants",
        ),
        ("normalise = \"deviation\"", "zo.normalise = \"deviation\": expected \"none\", or zo.sides = 1"),
        (
            "normalise = \"deviation\"\nsides = 1\nprobes = 1",
            "zo.normalise = \"deviation\": expected \"none\", or zo.probes of at least 2",
        ),
        ("rounds = 1\n[warmup]\nalgorithm = \"heterofl\"", "zo.rounds = 1: expected 0 where warmup.algorithm"),
        (
            "participants = \"high\"\n[warmup]\nrounds = 0\n[split]\nhigh_share = 0",
            "split.high_share = 0: expected more",
        ),
        ("participants = \"high-gradient\"\n[split]\nhigh_share = 1", "split.high_share = 1: expected a share that"),
    ] {
        let text = message(with(&format!("[zo]\n{text}")));
        assert!(text.starts_with(&format!("c.toml: {refusal}")), "{text}");
    }
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
    let of_layers = |norm: &str| {
        parse(&format!(
            "zo.norm_statistics = \"refreshed\"\nmodel = {{ kind = \"sequential\", layers = [{{ residual = [\"relu\", {norm}] }}] }}"
        ))
    };
    assert_eq!(of_layers("\"batchnorm\"").unwrap().zo.norm_statistics, NormStatistics::Refreshed);
    assert_eq!(message(of_layers("{ groupnorm = 1 }")), refusal);
}

#[test]
fn clients_that_the_data_name_need_data_that_name_them() {
    let of = |data: &str| message(parse(&format!("split.kind = \"natural\"\ndata.path = \"d\"\n{data}")));
    let own = "c.toml: split.kind = \"natural\": expected a kind that deals samples: only npz, safetensors, csv, parquet and leaf name";
    assert!(of("data.name = \"cifar10\"").starts_with(own), "{}", of("data.name = \"cifar10\""));
    let column = "c.toml: data.client = \"\": expected the column that names each sample's client, where split.kind is \"natural\"";
    assert_eq!(of("data.name = \"csv\""), column);
    let natural =
        |more: &str| parse(&format!("data = {{ name = \"npz\", path = \"d\" }}\n{more}")).unwrap().split.clients;
    assert_eq!((natural("split.kind = \"natural\""), natural("split = { kind = \"natural\", clients = 7 }")), (0, 7));
    let message = |text: &str| message(parse(text));
    assert!(message("data = { client = \"u\" }").starts_with("c.toml: data.client = \"u\": expected \"\": "));
    let shape = |text: &str| message(&format!("data = {{ name = \"csv\", path = \"d\", shape = {text} }}"));
    for wrong in ["[3]", "[0, 4]", "[1, 2, 3, 4]", "\"28x28\""] {
        let expected = "expected [], [rows, columns] or [channels, rows, columns], each from 1 to 16384";
        assert!(shape(wrong).ends_with(expected), "{}", shape(wrong));
    }
    let images = message("data = { name = \"images\", path = \"d\", shape = [2, 3] }");
    assert!(images.starts_with("c.toml: data.shape = given: expected []: "), "{images}");
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

#[test]
fn seeds_beyond_i64_are_read_in_every_form() {
    for written in ["0xbeeffacedeadcafe", "13758491153046293246", "13_758_491_153_046_293_246", "\"beeffacedeadcafe\""]
    {
        let seed = 0xbeef_face_dead_cafe;
        let config = with(&format!("seed = {written}\n[model]\nkind = \"mlp\"\n[seeds]\nsplit = {written}")).unwrap();
        assert_eq!((config.seed, config.seeds), (seed, Seeds { split: seed, ..Seeds::derived(seed) }), "{written}");
        let config = set(&[&format!("seed={written}"), &format!("seeds={{split = {written}}}")]).unwrap();
        assert_eq!((config.seed, config.seeds), (seed, Seeds { split: seed, ..Seeds::derived(seed) }), "{written}");
        assert_eq!(set(&[&format!("seeds.probes={written}")]).unwrap().named_seeds.probes, Some(seed));
    }
    assert_eq!(set(&["seed=18446744073709551615"]).unwrap().seed, u64::MAX);
    for beyond in ["18446744073709551616", "0x10000000000000000", "999999999999999999999999999999999999999999"] {
        let expected = format!("seed = {beyond}: expected {}", seeds::EXPECTED);
        assert_eq!(message(with(&format!("seed = {beyond}\n[model]\nkind = \"mlp\""))), format!("c.toml: {expected}"));
        assert_eq!(message(set(&[&format!("seed={beyond}")])), format!("--set: {expected}"));
    }
}

/// Every key that counts something, its range as docs/config.md gives it.
fn documented_counts() -> Vec<(String, u64, u64)> {
    let mut section = "";
    let mut counts = Vec::new();
    for line in include_str!("../../../docs/config.md").lines() {
        if let Some((_, rest)) = line.split_once("## `[") {
            section = rest.split(']').next().unwrap();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, names, _, range, _, _] = cells[..] else { continue };
        let Some((least, most)) = range.split_once(" to ") else { continue };
        let number = |text: &str| text.replace(',', "").parse::<u64>();
        if let (Ok(least), Ok(most)) = (number(least), number(most))
            && !section.is_empty()
            && most > 1
        {
            let full = |name: &str| if name.contains('.') { name.to_owned() } else { format!("{section}.{name}") };
            counts.extend(names.split(", ").map(|name| (full(name.trim_matches('`')), least, most)));
        }
    }
    counts
}

#[test]
fn counts_have_the_documented_ranges() {
    let counts = documented_counts();
    let names: Vec<&str> = counts.iter().map(|(key, ..)| key.as_str()).collect();
    assert_eq!(
        names,
        [
            "data.train_limit",
            "data.test_limit",
            "split.clients",
            "warmup.rounds",
            "warmup.local_epochs",
            "warmup.batch",
            "zo.rounds",
            "zo.probes",
            "zo.sides",
            "zo.local_steps",
            "zo.batch",
            "zo.seed_pool",
            "eval.every"
        ]
    );
    for (key, least, most) in counts {
        let with = |value: u64| set(&[&format!("{key}={value}")]);
        let refusal = |value: u64| with(value).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(
            refusal(most + 1).ends_with(&format!("{key} = {}: expected an integer from {least} to {most}", most + 1))
        );
        assert!(least == 0 || refusal(least - 1).contains(&format!("from {least} to {most}")));
        with(least).unwrap();
        // Many local steps of three probes are more than a round may have.
        let local = ["zo.local_steps=1000".to_owned()];
        assert!(with(most).is_ok() || (key == "zo.local_steps" && Config::load(None, &local).is_ok()), "{key}");
    }
}

proptest::proptest! {
    /// Huge counts, on every key that holds an integer: refused by key, or within the documented range. Nothing panics, and nothing is made
    /// in their size.
    #[test]
    fn absurd_counts_are_refused_by_key(value: u64, shift in 0u32..64, negative: bool) {
        let value = value >> shift;
        let negative = negative && value > 0;
        let text = if negative { format!("-{value}") } else { value.to_string() };
        for (key, least, most) in documented_counts() {
            match set(&[&format!("{key}={text}")]) {
                Ok(_) => proptest::prop_assert!((least..=most).contains(&value) && !negative),
                Err(e) => proptest::prop_assert!(e.to_string().contains(&format!("{key} = {text}")), "{}", e),
            }
        }
    }

    /// Text is read without a panic, whatever stands where an integer could.
    #[test]
    fn any_text_gives_a_config_or_an_error(value in "[0-9a-fx_+.eE\"-]{0,24}", key in 0usize..5) {
        let key = ["seed", "zo.probes", "seeds.split", "model.hidden", "device.memory_budget"][key];
        let _ = set(&[&format!("{key}={value}")]);
        let _ = with(&format!("{key} = {value}"));
    }
}
