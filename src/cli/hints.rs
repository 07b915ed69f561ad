//! What was meant by a command or an option that there isn't: names that other systems have for it.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::config::Config;

/// Commands of other systems: their names, the command here, and what is to be known of it.
const COMMANDS: [(&[&str], &str, &str); 13] = [
    (&["train", "fit", "start", "simulate", "simulation", "launch", "exec", "federate"], "run", "trains"),
    (
        &["server", "client", "supernode", "superlink", "worker"],
        "run",
        "simulates the server and all clients in one process",
    ),
    (&["test", "evaluate", "validate", "predict", "infer"], "eval", "tests weights"),
    (&["plot", "visualize", "visualise", "tensorboard", "show", "results", "curves"], "report", "draws what runs left"),
    (&["continue", "restart"], "resume", "goes on with a run"),
    (&["monitor", "status", "top", "dashboard", "tail"], "watch", "shows a run in progress"),
    (&["benchmark", "benchmarks", "perf"], "bench", "measures"),
    (&["gpus", "gpu", "adapters", "list-devices", "info"], "devices", "lists what there is to compute on"),
    (&["init", "new", "template", "default-config"], "config", "prints a config to begin with"),
    (&["grid", "search", "hparams", "hparam", "hpo", "multirun", "ablate"], "sweep", "runs many configs"),
    (
        &["dataset", "datasets", "download", "partition"],
        "data",
        "looks at data; nothing is downloaded, docs/data.md says where sets come from",
    ),
    (&["audit", "rebuild", "reconstruct"], "replay", "rebuilds weights from a ledger"),
    (&["completion", "autocomplete", "shell-completion"], "completions", "prints a shell's completions"),
];

/// Adds to an error of the command line what was meant, where that is known.
pub fn add(error: &mut clap::Error) {
    let invalid = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        _ => return,
    };
    let Some(ContextValue::String(name)) = error.get(invalid) else { return };
    let hint = match invalid {
        ContextKind::InvalidSubcommand => command(name),
        _ => option(name),
    };
    if let Some(hint) = hint {
        // Names that merely look alike are no help then.
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint.into()]));
    }
}

fn command(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let (_, here, what) = COMMANDS.iter().find(|(names, ..)| names.contains(&name.as_str()))?;
    Some(format!("`zowarmup {here}` {what}"))
}

/// Keys of a config are options elsewhere.
fn option(name: &str) -> Option<String> {
    let name = name.trim_start_matches('-').split('=').next().unwrap_or_default();
    if Config::has_key(name) {
        return Some(format!("keys of the config are set by `--set {name}=VALUE`"));
    }
    Config::keys_called(name).map(|keys| format!("that is a key of the config, {keys}: `--set KEY=VALUE`"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::Cli;
    use super::*;

    #[test]
    fn every_command_that_is_offered_is_one_and_no_name_stands_twice() {
        let known = Cli::command();
        let known: Vec<&str> = known.get_subcommands().map(clap::Command::get_name).collect();
        let mut seen = std::collections::HashSet::new();
        for (names, here, _) in COMMANDS {
            assert!(known.contains(&here), "{here}");
            assert!(names.iter().all(|name| seen.insert(*name) && !known.contains(name)), "{names:?}");
        }
    }
}
