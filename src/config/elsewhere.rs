//! What other systems call the settings that are keys here: Flower, FedLab, FedScale, LEAF, PyTorch loops, MeZO, DeComFL, FedKSeed.

/// A setting under the names that others have for it.
struct Setting {
    /// Their names, in small letters, without what stands between words.
    names: &'static [&'static str],
    /// The keys that it is here, each with what tells them apart.
    keys: &'static [(&'static str, &'static str)],
}

const fn setting(names: &'static [&'static str], keys: &'static [(&'static str, &'static str)]) -> Setting {
    Setting { names, keys }
}

const RATES: &[(&str, &str)] = &[("warmup.client_lr", "local steps of backprop"), ("zo.lr", "zeroth-order rounds")];
const BATCHES: &[(&str, &str)] = &[("warmup.batch", "local steps of backprop"), ("zo.batch", "zeroth-order steps")];
const ROUNDS: &[(&str, &str)] = &[("warmup.rounds", "first order"), ("zo.rounds", "zeroth order")];
const SHARES: &[(&str, &str)] =
    &[("warmup.participation", "of the high-resource clients"), ("zo.participation", "in zeroth-order rounds")];

const SETTINGS: [Setting; 30] = [
    setting(&["lr", "learningrate", "eta", "clientlearningrate", "locallr", "stepsize"], RATES),
    setting(&["serverlearningrate", "globallr", "etag"], &[("warmup.server_lr", ""), ("zo.lr", "zeroth-order rounds")]),
    setting(
        &["epochs", "epoch", "localepoch", "localep", "numepochs", "numlocalepochs", "clientepochs", "nepochs"],
        &[("warmup.local_epochs", "")],
    ),
    setting(&["batchsize", "bs", "localbs", "trainbatchsize", "localbatchsize", "minibatch", "batch"], BATCHES),
    setting(
        &["mu", "proximal", "prox", "fedproxmu", "proxmu"],
        &[("warmup.proximal_mu", "FedProx's pull"), ("zo.epsilon", "the finite-difference step")],
    ),
    setting(
        &[
            "numclients",
            "nclients",
            "numusers",
            "nusers",
            "numsupernodes",
            "numparties",
            "numpartitions",
            "clientcount",
        ],
        &[("split.clients", "")],
    ),
    setting(
        &[
            "fractionfit",
            "fractiontrain",
            "frac",
            "fraction",
            "clientfraction",
            "samplefraction",
            "samplerate",
            "clientspersample",
            "clientsperround",
            "numclientsperround",
            "joinratio",
            "participationrate",
        ],
        SHARES,
    ),
    setting(
        &[
            "numrounds",
            "rounds",
            "commround",
            "commrounds",
            "globalrounds",
            "globalepochs",
            "numserverrounds",
            "nrounds",
        ],
        ROUNDS,
    ),
    setting(
        &["dirichletalpha", "diralpha", "noniidalpha", "concentration", "partitionalpha", "iidalpha"],
        &[("split.alpha", "")],
    ),
    setting(&["partition", "partitioner", "partitioning", "noniid", "iid", "splitmethod"], &[("split.kind", "")]),
    setting(&["stragglers", "straggler", "dropoutrate", "dropprob", "dropratio", "dropouts"], &[("split.dropout", "")]),
    setting(
        &["eps", "zoeps", "mezoeps", "perturbationscale", "smoothing", "muzo"],
        &[("zo.epsilon", "finite-difference step"), ("zo.tau", "size of the directions")],
    ),
    setting(
        &["numpert", "numperturbations", "nperturbations", "numdirections", "numseeds", "numprobes", "q", "s"],
        &[("zo.probes", "")],
    ),
    setting(&["seedpoolsize", "numcandidateseeds", "candidateseeds", "poolsize", "numpool"], &[("zo.seed_pool", "")]),
    setting(
        &["localsteps", "localupdates", "numlocalsteps", "localstep", "localiterations"],
        &[("zo.local_steps", "")],
    ),
    setting(&["dataset", "datasetname", "dataname"], &[("data.name", "")]),
    setting(&["datadir", "dataroot", "datapath", "datasetpath"], &[("data.path", "")]),
    setting(&["arch", "architecture", "net", "network", "modelname", "modeltype"], &[("model.kind", "")]),
    setting(
        &["checkpoint", "pretrained", "initweights", "loadmodel", "modelpath"],
        &[("model.weights", "a safetensors file")],
    ),
    setting(
        &["strategy", "aggregator", "aggregation", "algorithm", "method", "fedalg"],
        &[("warmup.algorithm", "or a preset: run --preset")],
    ),
    setting(
        &["optimizer", "optimiser", "optim", "opt"],
        &[("warmup.algorithm", "first order"), ("zo.optimizer", "zeroth order")],
    ),
    setting(&["wd", "l2", "decay"], &[("warmup.weight_decay", "")]),
    setting(&["gradclip", "clip", "maxnorm", "maxgradnorm", "clipping"], &[("warmup.clip_norm", "")]),
    setting(
        &["beta"],
        &[("warmup.server_beta1", "FedAdam"), ("zo.beta1", "zeroth-order Adam"), ("split.alpha", "Dirichlet")],
    ),
    setting(&["randomseed", "manualseed", "rngseed", "randomstate"], &[("seed", "")]),
    setting(
        &["evalevery", "evalinterval", "evalfreq", "testinterval", "testfreq", "evaluateevery"],
        &[("eval.every", "")],
    ),
    setting(&["gpu", "cuda", "gpuid", "backend"], &[("device.select", "")]),
    setting(&["gpumemory", "memory", "maxmemory", "vram"], &[("device.memory_budget", "")]),
    setting(
        &["normalize", "normalization", "normalise"],
        &[("data.normalisation", ""), ("zo.normalise", "of the rate")],
    ),
    setting(&["augmentation", "transform", "transforms"], &[("data.augment", "")]),
];

/// The keys that others call `name`: those of `section` alone, where there are some.
pub(super) fn keys(section: &str, name: &str) -> Option<Vec<(&'static str, &'static str)>> {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let found = SETTINGS.iter().find(|setting| setting.names.contains(&plain.as_str()))?.keys;
    let own: Vec<_> = found.iter().copied().filter(|(key, _)| key.split('.').next() == Some(section)).collect();
    Some(if own.is_empty() { found.to_vec() } else { own })
}

/// `a` (this) or `b` (that).
pub(super) fn list(keys: &[(&'static str, &'static str)]) -> String {
    let one = |(key, what): &(&str, &str)| match *what {
        _ if keys.len() == 1 => format!("`{key}`"),
        "" => format!("`{key}`"),
        what => format!("`{key}` ({what})"),
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::super::keys::{ROOT, SECTIONS};
    use super::*;

    #[test]
    fn every_key_is_one_and_no_name_stands_twice() {
        let mut seen = std::collections::HashSet::new();
        for setting in &SETTINGS {
            for (key, _) in setting.keys {
                let known = match key.split_once('.') {
                    Some((section, name)) => SECTIONS.iter().any(|(s, keys)| *s == section && keys.contains(&name)),
                    None => ROOT.contains(key),
                };
                assert!(known, "{key}");
            }
            for name in setting.names {
                assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{name}");
                assert!(seen.insert(*name), "{name}");
            }
        }
    }

    #[test]
    fn names_are_told_by_their_letters_and_by_the_section_they_stand_in() {
        let found = |section, name| keys(section, name).map(|keys| list(&keys));
        let lr = Some("`warmup.client_lr` (local steps of backprop) or `zo.lr` (zeroth-order rounds)".to_owned());
        assert_eq!(found("", "lr"), lr);
        assert_eq!(found("", "Learning-Rate"), lr);
        assert_eq!(found("zo", "learning_rate"), Some("`zo.lr`".to_owned()));
        assert_eq!(found("warmup", "lr"), Some("`warmup.client_lr`".to_owned()));
        assert_eq!(found("data", "batchSize"), found("", "batch_size"));
        assert_eq!(found("", "fraction_fit"), found("", "frac"));
        assert_eq!(found("", "probes"), None);
    }
}
