//! Whose weights are looked at: a run's at one of its three moments, or those that a config starts from.

use std::path::Path;

use crate::config::Config;
use crate::fed::experiment::Experiment;
use crate::fed::folder::{CONFIG, FINAL, INIT, PIVOT};
use crate::fed::{FedError, RunFolder, origin, schedule};
use crate::rng::host::{choose, pcg};
use crate::weights;

/// A moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// Before the first round.
    Init,
    /// Between the phases.
    Pivot,
    /// After the last round.
    Final,
}

impl At {
    /// All, in the order of time.
    pub const ALL: [Self; 3] = [Self::Init, Self::Pivot, Self::Final];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Pivot => "pivot",
            Self::Final => "final",
        }
    }

    fn file(self) -> &'static str {
        match self {
            Self::Init => INIT,
            Self::Pivot => PIVOT,
            Self::Final => FINAL,
        }
    }
}

/// Data, split and model, and the weights in question.
pub struct Subject {
    /// The config's ingredients.
    pub experiment: Experiment,
    /// The weight vector, running statistics behind the parameters.
    pub weights: Vec<f32>,
    /// The moment.
    pub at: At,
}

impl Subject {
    /// The weights that a config starts from.
    ///
    /// # Errors
    /// Whatever the config names that is wrong.
    pub fn of_config(config: &Config) -> Result<Self, FedError> {
        let experiment = Experiment::prepare(config)?;
        let weights = experiment.initial.clone();
        Ok(Self { experiment, weights, at: At::Init })
    }

    /// A run's weights. `sets` override its config; only keys of `zo` and `device` may, for others would make it another run.
    ///
    /// # Errors
    /// A folder that is no run's; another key; weights, config or data that aren't what the run wrote or saw; weights that the run hasn't
    /// come to.
    pub fn of_run(dir: &Path, at: At, sets: &[String]) -> Result<Self, FedError> {
        RunFolder::check_run(dir)?;
        let other = sets.iter().find(|set| !["zo.", "device."].iter().any(|section| set.trim().starts_with(section)));
        if let Some(set) = other {
            return Err(FedError::Refused(format!(
                "--set {set}: of a run only keys of zo and device may be set here, for others would make it another run (a config file takes all)"
            )));
        }
        let path = dir.join(CONFIG);
        let own = Config::load(Some(&path), &[])?;
        let mut experiment = Experiment::prepare(&own)?;
        origin::check_config(&path, &own, &experiment.data)?;
        experiment.config = Config::load(Some(&path), sets)?;
        let file = dir.join(at.file());
        if !file.exists() {
            let there: Vec<&str> = At::ALL.into_iter().filter(|a| dir.join(a.file()).exists()).map(At::name).collect();
            return Err(FedError::Refused(format!(
                "{}: the run hasn't come to it yet; there is --at {}",
                file.display(),
                there.join(", --at ")
            )));
        }
        let weights = weights::load(&file, &experiment.graph.tensors)?.values;
        origin::check_weights(&file)?;
        Ok(Self { experiment, weights, at })
    }

    /// `most` of the clients with samples, ascending: all, or as many drawn by the config's `sampling` seed.
    pub fn clients(&self, most: Option<u32>) -> Vec<u32> {
        let all = schedule::clients_with_samples(&self.experiment.split);
        match most {
            Some(most) if (most as usize) < all.len() => {
                let mut rng = pcg(self.experiment.config.seeds.sampling, "lab");
                choose(&mut rng, all.len() as u32, most).into_iter().map(|i| all[i as usize]).collect()
            }
            _ => all,
        }
    }
}
