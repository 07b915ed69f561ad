//! Descriptions that load, and what is wrong with others.

use super::*;

fn load(text: &str) -> Result<(Description, Vec<Cell>), String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sweep.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::write(
        dir.path().join("base.toml"),
        "name = \"base\"\n[data]\nname = \"digits\"\n[model]\nkind = \"mlp\"\nhidden = [8]\n",
    )
    .unwrap();
    Description::load(&path).map_err(|e| e.to_string())
}

#[test]
fn cells_are_rows_times_seeds_with_names_of_their_own() {
    let (description, cells) = load(
        "title = \"A\"\nbase = \"base.toml\"\nset = [\"zo.rounds=20\", \"warmup.rounds=4\"]\nseeds = [0, 12]\n\
         [[row]]\nlabel = \"tau 0.5, S = 3\"\nset = [\"zo.tau=0.5\"]\npaper = \"48.3\"\n\
         [[row]]\nlabel = \"High Res Only\"\npreset = \"high-res-only\"\n",
    )
    .unwrap();
    let names: Vec<&str> = cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names, ["tau-0.5-s-3-s0", "tau-0.5-s-3-s12", "high-res-only-s0", "high-res-only-s12"]);
    let config = |cell: usize| cells[cell].config.as_ref().unwrap();
    assert_eq!((cells[1].seed, config(1).seed, config(1).zo.tau), (12, 12, 0.5));
    assert_eq!((config(3).warmup.rounds, config(3).zo.rounds), (24, 0), "the preset is over what all share");
    assert_eq!((config(0).name.as_str(), description.rows[0].paper.as_str()), ("base", "48.3"));
}

#[test]
fn the_sweeps_of_the_project_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let folders = ["tables", "tables/fashion", "paper", "small", "small/fashion"].map(|name| folder.join(name));
    let entries = folders.map(|folder| std::fs::read_dir(folder).unwrap());
    let paths = entries.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for path in paths.filter(|path| path.is_file() && !path.ends_with("values.toml")) {
        let (description, cells) = Description::load(&path).unwrap();
        assert_eq!(cells.len(), description.rows.len() * description.seeds.len());
        for cell in &cells {
            assert!(cell.config.is_ok(), "{}: {}: {:?}", path.display(), cell.name, cell.config);
        }
        let of_paper = !path.parent().unwrap().ends_with("tables");
        assert!(!of_paper || !description.table.is_empty(), "{}", path.display());
        count += 1;
    }
    assert!(count >= 10 + 8 + 3 * 11, "{count}");
}

#[test]
fn values_of_the_paper_are_found_by_their_names() {
    let row = |head: &str, value: &str| load(&format!("{head}\n[[row]]\nlabel = \"a\"\nvalue = \"{value}\"\n"));
    let (description, _) = row("table = \"table2\"", "ZOWarmUp 10/90").unwrap();
    assert_eq!(description.rows[0].paper, "54.3 (4.8)");
    assert!(description.paper.starts_with("table 2"), "{}", description.paper);
    let error = row("table = \"table2\"", "ZOWarmUp 11/90").unwrap_err();
    assert!(error.contains("row \"a\"") && error.contains("table2") && error.contains("ZOWarmUp 11/90"), "{error}");
    let error = row("table = \"table9\"", "a").unwrap_err();
    assert!(error.contains("table9") && error.contains("table1"), "{error}");
}

#[test]
fn a_grid_is_rows_and_a_value_that_makes_no_sense_is_its_cells_alone() {
    let (description, cells) =
        load("seeds = \"0..1\"\n[grid]\n\"zo.tau\" = [0.5, -1]\nsplit.high_share = [0.1, 0.3]\n").unwrap();
    assert_eq!((description.rows.len(), description.grid.len(), cells.len()), (4, 0, 8));
    assert_eq!(cells[2].name, "zo.tau-0.5-split.high-share-0.3-s0");
    let config = cells[3].config.as_ref().unwrap();
    assert_eq!((config.seed, config.zo.tau, config.split.high_share), (1, 0.5, 0.3));
    assert_eq!(cells[3].set[1], ("split.high_share".to_owned(), toml::Value::Float(0.3)));
    let wrong: Vec<bool> = cells.iter().map(|cell| cell.config.is_err()).collect();
    assert_eq!(wrong, [false, false, false, false, true, true, true, true]);
    let why = cells[4].config.as_ref().unwrap_err();
    assert!(why.starts_with("zo.tau = -1: expected"), "{why}");
    // So it is with a model's, whatever key it is.
    let (_, cells) = load("[grid]\nmodel.hidden = [[8], [0]]\n").unwrap();
    assert!(cells[0].config.is_ok());
    let expected = "model.hidden: expected an integer from 1 to 16777216, found 0";
    assert_eq!(cells[1].config.as_ref().unwrap_err(), expected);
}

#[test]
fn a_config_is_told_from_a_description() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.toml");
    let of = |text: &str| {
        std::fs::write(&path, text).unwrap();
        Description::of_file(&path).map_err(|e| e.to_string())
    };
    for config in ["", "name = \"a\"", "[zo]\nlr = 0.1", "[seeds]\nsplit = 1"] {
        assert_eq!(of(config).unwrap().base.as_deref(), Some(path.as_path()), "{config}");
    }
    assert_eq!(of("seeds = [1]\n[[row]]\nlabel = \"a\"").unwrap().base, None);
    assert!(of("[[rwo]]\nlabel = \"a\"").unwrap_err().contains("rwo"));
    assert!(of("name = ").unwrap_err().contains("line 1"));
}

#[test]
fn what_is_wrong_is_named() {
    let row = |text: &str| load(&format!("[[row]]\nlabel = \"a\"\n{text}")).unwrap_err();
    assert!(row("sets = []").contains("sets"));
    assert!(row("set = [\"zo.tua=1\"]").contains("row \"a\": --set: unknown key `zo.tua`"));
    assert!(row("[grid]\n\"zo.tua\" = [1]").contains("unknown key `zo.tua`"));
    assert!(row("[grid]\nseed = [1, 2]").contains("--seeds"));
    assert!(row("[grid]\nzo.lr = 0.1").contains("grid zo.lr: expected a list of values, found 0.1"));
    assert!(load("seeds = [1, 1]\n[[row]]\nlabel = \"a\"").unwrap_err().contains("1 is named twice"));
    let many = load("seeds = \"0..9999\"\n[grid]\nzo.probes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]").unwrap_err();
    assert!(many.contains("10000 of them in 11 rows") && many.contains("at most 100000"), "{many}");
    assert!(load("seeds = \"4..1\"\n[[row]]\nlabel = \"a\"").unwrap_err().contains("ends before it begins"));
    assert!(row("preset = \"x\"").contains("unknown preset `x`"));
    assert!(row("[[row]]\nlabel = \"A!\"").contains("folder a-s0 is another cell's"));
    assert!(load("seeds = [1]").unwrap_err().contains("[[row]]"));
    assert!(load("base = \"nowhere.toml\"\n[[row]]\nlabel = \"a\"").unwrap_err().contains("nowhere.toml"));
    assert!(load("title = ").unwrap_err().contains("line 1"));
}
