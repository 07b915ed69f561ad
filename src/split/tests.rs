//! Properties of all kinds of split, and the file.

use std::path::Path;

use super::*;
use crate::config::{SplitConfig, SplitKind};
use crate::data::Dataset;
use crate::data::{Clients, Normalisation, Part, Values};
use proptest::prelude::*;

fn config(kind: SplitKind, clients: u32, alpha: f64, size_alpha: f64) -> SplitConfig {
    SplitConfig { kind, file: None, clients, alpha, high_share: 0.1, size_alpha, dropout: 0.0 }
}

fn labels(samples: u32, classes: u32) -> Vec<u32> {
    // Uneven classes: class 0 has the most, the last few or none.
    (0..samples).map(|i| (i * i + i / 3) % classes * (i % 7) / 7).collect()
}

/// What holds of every split.
fn check(split: &Split, labels: &[u32], sizes: Option<&[usize]>) {
    let mut seen = vec![0; labels.len()];
    for list in split.clients.iter().chain([&split.leftover]) {
        assert!(list.windows(2).all(|w| w[0] < w[1]), "ascending");
        list.iter().for_each(|&i| seen[i as usize] += 1);
    }
    assert!(seen.iter().all(|&n| n == 1), "each index once");
    assert!(split.clients.iter().all(|list| !list.is_empty()));
    if let Some(sizes) = sizes {
        assert_eq!(split.clients.iter().map(Vec::len).collect::<Vec<_>>(), sizes);
    }
    for (list, histogram) in split.clients.iter().zip(&split.histograms) {
        for (class, &count) in histogram.iter().enumerate() {
            assert_eq!(list.iter().filter(|&&i| labels[i as usize] == class as u32).count(), count as usize);
        }
    }
    assert_eq!(Split::from_json(&split.to_json(), Path::new("split.json")).unwrap(), *split);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn equal_sizes(seed: u64, clients in 1u32..40, extra in 0u32..400, classes in 1u32..12, log_alpha in -3.0f64..2.0) {
        let labels = labels(2 * clients + extra, classes);
        let n = labels.len() / clients as usize;
        for kind in [SplitKind::Dirichlet, SplitKind::Iid] {
            let split = Split::new(&config(kind, clients, 10f64.powf(log_alpha), 0.0), &labels, classes, seed, None).unwrap();
            check(&split, &labels, Some(&vec![n; clients as usize]));
            prop_assert_eq!(split.leftover.len(), labels.len() % clients as usize);
        }
        let split = Split::new(&config(SplitKind::Shards, clients, 1.0, 0.0), &labels, classes, seed, None).unwrap();
        check(&split, &labels, Some(&vec![labels.len() / (2 * clients as usize) * 2; clients as usize]));
    }

    #[test]
    fn drawn_sizes(seed: u64, clients in 1u32..40, extra in 0u32..400, log_alpha in -3.0f64..2.0, log_size in -3.0f64..2.0) {
        let labels = labels(clients + extra, 10);
        for kind in [SplitKind::Dirichlet, SplitKind::Iid] {
            let config = config(kind, clients, 10f64.powf(log_alpha), 10f64.powf(log_size));
            let split = Split::new(&config, &labels, 10, seed, None).unwrap();
            check(&split, &labels, None);
            prop_assert!(split.leftover.is_empty());
        }
    }
}

#[test]
fn the_seed_decides() {
    let labels = labels(500, 10);
    let config = config(SplitKind::Dirichlet, 20, 0.1, 0.0);
    let make = |seed| Split::new(&config, &labels, 10, seed, Some(vec![4, 9])).unwrap();
    assert_eq!(make(7), make(7));
    assert_ne!(make(7).clients, make(8).clients);
    // From an independent implementation of docs/random.md in Python: saved runs repeat only while this stays.
    assert_eq!(make(7).sha256(), "05563bae85fb7fc28a3e0e057de8a2a5611534e94750354a9da5293b39ba0a14");
    // A change of the number of high-resource clients leaves the samples where they are.
    let more = SplitConfig { high_share: 0.5, ..config.clone() };
    let more = Split::new(&more, &labels, 10, 7, None).unwrap();
    assert_eq!(more.clients, make(7).clients);
    assert_eq!(more.high_clients().len(), 10);
    assert_eq!(more.low_clients().len(), 10);
}

#[test]
fn hash_is_of_the_documented_text() {
    let split = Split {
        classes: 2,
        clients: vec![vec![0, 3], vec![1]],
        high: vec![false, true],
        histograms: vec![vec![1, 1], vec![1, 0]],
        leftover: vec![2],
        test: Some(vec![4, 9]),
    };
    // printf 'low 0 3\nhigh 1\nleftover 2\ntest 4 9\n' | sha256sum
    assert_eq!(split.sha256(), "891fec809998501720794b5ec8eced6b2146aa49c88775fdc9ed2ff7b9d6b89a");
    let without = Split { test: None, leftover: vec![], clients: vec![vec![0, 2], vec![1]], ..split };
    // printf 'low 0 2\nhigh 1\nleftover\n' | sha256sum
    assert_eq!(without.sha256(), "a41c39a1cbb3689994eaec771e90f73074827f09acd29660a53bc528d24beba7");
}

#[test]
fn small_alpha_concentrates_and_large_alpha_evens_out() {
    let labels: Vec<u32> = (0..2000).map(|i| i % 10).collect();
    let largest = |alpha| {
        let split = Split::new(&config(SplitKind::Dirichlet, 20, alpha, 0.0), &labels, 10, 3, None).unwrap();
        let top: u32 = split.histograms.iter().map(|h| *h.iter().max().unwrap()).sum();
        f64::from(top) / 2000.0
    };
    // Mean share of a client's most frequent class.
    assert!(largest(1e-3) > 0.9 && largest(0.1) > 0.5 && largest(1000.0) < 0.25);
}

#[test]
fn shards_have_few_classes() {
    let labels: Vec<u32> = (0..1000).map(|i| i % 10).collect();
    let split = Split::new(&config(SplitKind::Shards, 10, 1.0, 0.0), &labels, 10, 3, None).unwrap();
    // 20 shards of 50 samples, 100 of each class: every shard is of one class.
    assert!(split.histograms.iter().all(|h| h.iter().filter(|&&n| n > 0).count() <= 2));
}

#[test]
fn high_clients_are_rounded_half_up() {
    for (clients, share, expected) in
        [(20, 0.1, 2), (25, 0.1, 3), (24, 0.1, 2), (3, 0.1, 1), (50, 0.29, 15), (7, 1.0, 7), (7, 0.0, 0)]
    {
        let config = SplitConfig { high_share: share, ..config(SplitKind::Iid, clients, 1.0, 0.0) };
        let split = Split::new(&config, &labels(100, 3), 3, 1, None).unwrap();
        assert_eq!(split.high_clients().len(), expected, "{share} of {clients}");
    }
}

#[test]
fn too_many_clients_are_refused() {
    let message = |kind| Split::new(&config(kind, 11, 0.1, 0.0), &labels(10, 2), 2, 1, None).unwrap_err().to_string();
    assert_eq!(
        message(SplitKind::Dirichlet),
        "split.clients = 11: expected at most 10, as a dirichlet split needs 11 samples for them and there are 10"
    );
    assert_eq!(
        message(SplitKind::Shards),
        "split.clients = 11: expected at most 5, as a shards split needs 22 samples for them and there are 10"
    );
}

#[test]
fn bad_files_are_named() {
    let split = Split::new(&config(SplitKind::Iid, 2, 1.0, 0.0), &[0, 1, 0, 1, 0], 2, 1, None).unwrap();
    let json: serde_json::Value = serde_json::from_str(&split.to_json()).unwrap();
    let message = |pointer: &str, value: serde_json::Value| {
        let mut json = json.clone();
        *json.pointer_mut(pointer).unwrap() = value;
        Split::from_json(&json.to_string(), Path::new("s.json")).unwrap_err().to_string()
    };
    assert_eq!(message("/format", "x".into()), "s.json: format is \"x\", expected \"zowarmup-split\"");
    assert_eq!(message("/version", 2.into()), "s.json: version is 2, expected 1");
    assert_eq!(message("/clients/0/indices/0", 9.into()), "s.json: an index is 9, expected each of 0 to 4 once");
    assert_eq!(message("/clients/1/client", 5.into()), "s.json: clients[1].client is 5, expected 1");
    assert_eq!(
        message("/clients/1/histogram", serde_json::json!([3, 3])),
        "s.json: clients[1].histogram is 2 entries with a sum of 6, expected 2 entries with a sum of 2"
    );
    assert!(message("/sha256", "00".into()).starts_with("s.json: sha256 is \"00\", expected \""));
    let high = !split.high[0];
    assert!(message("/clients/0/high", high.into()).starts_with("s.json: sha256 is \""));
    let text = Split::from_json("{\n\"format\": 3}", Path::new("s.json")).unwrap_err().to_string();
    assert!(text.starts_with("s.json: line 2, column "), "{text}");
    assert!(
        Split::read(Path::new("no/such.json"))
            .unwrap_err()
            .to_string()
            .starts_with("no/such.json: cannot read the split: ")
    );
}

/// A set of one value a sample, with these labels.
fn set(labels: &[u32], classes: u32, test: Option<Vec<u32>>, clients: Option<Clients>) -> Dataset {
    let part = |labels: &[u32]| Part::of(Values::Bytes(vec![0; labels.len()]), labels.to_vec(), 1);
    let normalisation = Normalisation { divisor: 1.0, mean: vec![0.0], std: vec![1.0] };
    let (train, none) = (part(labels), part(&[]));
    Dataset {
        name: "x".to_owned(),
        shape: [1; 3],
        classes,
        train,
        test: none,
        normalisation,
        test_indices: test,
        clients,
    }
}

#[test]
fn another_runs_partition_is_taken_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("split.json");
    let sets =
        |more: &[String]| -> crate::config::SplitConfig { crate::config::Config::load(None, more).unwrap().split };
    let labels: Vec<u32> = (0..61).map(|i| i % 4).collect();
    let first = Split::new(&sets(&["split.clients=5".to_owned()]), &labels, 4, 7, Some(vec![3])).unwrap();
    std::fs::write(&path, first.to_json()).unwrap();
    let of_file = sets(&["split.kind=file".to_owned(), format!("split.file={}", path.display())]);
    let of =
        |config: &SplitConfig, labels: &[u32], classes, test| Split::of(config, &set(labels, classes, test, None), 99);
    // Neither the seed nor the number of clients matters.
    assert_eq!(of(&of_file, &labels, 4, Some(vec![3])).unwrap(), first);
    let every = SplitConfig { high_share: 1.0, ..of_file.clone() };
    let all = of(&every, &labels, 4, Some(vec![3])).unwrap();
    assert_eq!((all.high.as_slice(), &all.clients), (&[true; 5][..], &first.clients));
    let message = |labels: &[u32], classes, test| {
        let error = of(&of_file, labels, classes, test).unwrap_err().to_string();
        error.replace(&path.display().to_string(), "FILE")
    };
    assert_eq!(
        message(&labels[..60], 4, Some(vec![3])),
        "FILE: the number of indices is 61, expected 60 as the data have training samples"
    );
    assert_eq!(message(&labels, 5, Some(vec![3])), "FILE: classes is 4, expected 5 as the data have");
    assert_eq!(message(&labels, 4, None), "FILE: test is 1 indices, expected none, those of the data");
    let mut other = labels.clone();
    let (a, b) = (first.clients[0][0] as usize, first.clients[1][0] as usize);
    other[a] = (labels[a] + 1) % 4;
    other[b] = (labels[b] + 1) % 4;
    assert!(message(&other, 4, Some(vec![3])).starts_with("FILE: clients[0].histogram is ["));
}

#[test]
fn clients_may_be_those_that_the_data_name() {
    let labels: Vec<u32> = (0..40).map(|i| i % 3).collect();
    let of_train: Vec<u32> = (0..40).map(|i| i * 3 % 7 % 5).collect();
    let names = (0..5).map(|i| format!("u{i}")).collect();
    let data = set(&labels, 3, Some(vec![4]), Some(Clients { names, of_train: of_train.clone() }));
    let natural = SplitConfig { high_share: 0.4, ..config(SplitKind::Natural, 0, 0.1, 0.0) };
    let split = Split::of(&natural, &data, 7).unwrap();
    check(&split, &labels, None);
    assert!(split.leftover.is_empty() && split.clients.len() == 5);
    for (client, list) in split.clients.iter().enumerate() {
        assert!(list.iter().all(|&i| of_train[i as usize] as usize == client));
    }
    // High-resource clients are drawn as in every kind: by their share, and the seed.
    assert_eq!(split.high_clients().len(), 2);
    let highs: Vec<_> = (0..20).map(|seed| Split::of(&natural, &data, seed).unwrap().high).collect();
    assert!(highs.iter().any(|high| *high != highs[0]));
    let drawn = Split::new(&SplitConfig { clients: 5, ..config(SplitKind::Iid, 5, 0.1, 0.0) }, &labels, 3, 7, None);
    assert_eq!(
        drawn.unwrap().high,
        Split::of(&SplitConfig { high_share: 0.1, ..natural.clone() }, &data, 7).unwrap().high
    );
    // The number of clients may be given, and must be right then.
    let given = |clients| Split::of(&SplitConfig { clients, ..natural.clone() }, &data, 7);
    assert_eq!(given(5).unwrap(), split);
    let expected =
        "split.clients = 20: expected 5, as the data name 5 clients with training samples (0 takes what there is)";
    assert_eq!(given(20).unwrap_err().to_string(), expected);
    let nameless = Split::of(&natural, &set(&labels, 3, None, None), 7).unwrap_err().to_string();
    assert_eq!(nameless, "split.kind = \"natural\": the samples of x name no clients");
}

#[test]
fn a_text_file_may_name_the_client_of_each_sample() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("clients.txt");
    let labels = [0, 1, 1, 0, 2, 1];
    let of_file = SplitConfig { file: Some(path.clone()), ..config(SplitKind::File, 50, 0.1, 0.0) };
    let of = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Split::of(&of_file, &set(&labels, 3, None, None), 7)
    };
    let split = of("ward 9\r\nward 10\nward 9\nicu\nicu\nward 9\n").unwrap();
    check(&split, &labels, None);
    // icu, ward 10, ward 9: text is sorted as text.
    assert_eq!(split.clients, [vec![3, 4], vec![1], vec![0, 2, 5]]);
    assert_eq!(of("10\n9\n10\n9\n9\n9").unwrap().clients, [vec![1, 3, 4, 5], vec![0, 2]]);
    let message = |text: &str| of(text).unwrap_err().to_string().replace(&path.display().to_string(), "FILE");
    assert_eq!(message("a\n\nb\n"), "FILE: line 2, column 1: empty, expected the name of a client");
    let expected = "FILE: the number of lines is 2, expected 6, one for each training sample as loaded, in file order";
    assert_eq!(message("a\nb\n"), expected);
}

#[test]
fn the_clients_of_a_file_are_those_of_the_config_then() {
    let config = crate::config::Config::load(None, &[]).unwrap();
    let taken = config.clone().with_clients(Path::new("s.json"), 7, 3).unwrap();
    assert_eq!((taken.split.clients, taken.split.high_clients()), (7, 3));
    let message = config.with_clients(Path::new("s.json"), 7, 0).unwrap_err().to_string();
    assert!(message.starts_with("s.json: split.high_share = 0: expected more than 0 where warmup.rounds"), "{message}");
}
