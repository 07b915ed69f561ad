//! A request for a device: which one, how much memory, which flavour of kernels.

use std::path::PathBuf;

use super::DeviceError;
use crate::caps::{Layout, Matrices, MatrixSize, OperandSource, Precision, Tier, Tune};
use crate::config::DeviceConfig;
use crate::files::cache;

/// A request for a device. The default: the best adapter as it comes, and none is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// An index, part of a name, a backend, `cpu` or `reference`; `None`: nobody chose.
    pub wanted: Option<String>,
    /// Bytes that all buffers together may take; `None`: what the adapter allows.
    pub memory_budget: Option<u64>,
    /// The tier of the kernels; `None`: the highest that works. An adapter that lacks the one asked for is refused.
    pub tier: Option<Tier>,
    /// Where products read their operands; `None`: what suits the adapter. An adapter without texels refuses them.
    pub operands: Option<OperandSource>,
    /// How pixels lie in activations; `None`: what suits the adapter.
    pub layout: Option<Layout>,
    /// How exact products are. A device is asked for cooperative matrices, and these are checked, only where that admits them.
    pub precision: Precision,
    /// Whether ways of computing products are measured.
    pub tune: Tune,
    /// A file of ways to compute with (`ways.json` of a run), in the place of measured ones.
    pub ways: Option<PathBuf>,
    /// Where it admits matrices, plain code in the place of the device's.
    pub emulated_matrices: bool,
    /// Where nobody chose and there is no adapter: the CPU twins, with a warning, instead of an error.
    pub twins_if_none: bool,
    /// Cores that compile pipelines; `None`: all of them.
    pub compile_cores: Option<usize>,
    /// Folder in which compiled pipelines are kept from one process to the next, where the backend gives them out; `None`: nowhere.
    pub pipelines: Option<PathBuf>,
    /// Whether something ends work that takes an adapter too long, as desktop systems do: then submissions are short. `None`: as the
    /// system looks ([`crate::caps::Limits::submission_cost`]).
    pub watchdog: Option<bool>,
}

impl Selection {
    /// Resolves the flag, the environment (`ZOWARMUP_DEVICE`) and the config key, in this order; empty strings choose nothing. The
    /// flavour comes from `ZOWARMUP_TIER` and `ZOWARMUP_TEXELS`, the layout from `ZOWARMUP_LAYOUT`, the length of submissions from
    /// `ZOWARMUP_WATCHDOG`; `ZOWARMUP_MATRICES=emulated` puts plain code in the place of cooperative matrices. Pipelines are kept in the
    /// user's cache folder ([`cache::folder`]).
    ///
    /// # Errors
    /// [`DeviceError::Setting`]: a variable with a value that it doesn't take.
    pub fn resolve(flag: Option<&str>, config: &str, memory_budget: Option<u64>) -> Result<Self, DeviceError> {
        let environment = variable("ZOWARMUP_DEVICE");
        let wanted = [flag, environment.as_deref(), Some(config)]
            .into_iter()
            .flatten()
            .map(str::trim)
            .find(|text| !text.is_empty())
            .map(str::to_owned);
        let tiers = Tier::ALL.map(|tier| (tier.name(), tier));
        let layouts = Layout::ALL.map(|layout| (layout.name(), layout));
        let operands = [("0", OperandSource::Buffer), ("1", OperandSource::Texel)];
        let flags = [("0", false), ("1", true)];
        Ok(Self {
            wanted,
            memory_budget,
            tier: one_of("ZOWARMUP_TIER", variable("ZOWARMUP_TIER"), &tiers)?,
            operands: one_of("ZOWARMUP_TEXELS", variable("ZOWARMUP_TEXELS"), &operands)?,
            precision: Precision::default(),
            tune: Tune::default(),
            ways: None,
            layout: one_of("ZOWARMUP_LAYOUT", variable("ZOWARMUP_LAYOUT"), &layouts)?,
            emulated_matrices: one_of("ZOWARMUP_MATRICES", variable("ZOWARMUP_MATRICES"), &[("emulated", true)])?
                .unwrap_or(false),
            twins_if_none: true,
            compile_cores: None,
            pipelines: cache::folder(),
            watchdog: one_of("ZOWARMUP_WATCHDOG", variable("ZOWARMUP_WATCHDOG"), &flags)?,
        })
    }

    /// As [`Self::resolve`], for the device that a config names, within its memory and in its precision.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    pub fn of_config(flag: Option<&str>, config: &DeviceConfig) -> Result<Self, DeviceError> {
        let budget = (config.memory_budget > 0).then_some(config.memory_budget);
        let selection = Self::resolve(flag, &config.select, budget)?.with_precision(config.precision);
        Ok(Self { tune: config.tune, ..selection })
    }

    /// The matrices of a device that has `own`, none of them relied on yet.
    pub(super) fn matrices(&self, own: Matrices) -> Matrices {
        match self.precision {
            Precision::F32 => Matrices::default(),
            _ if self.emulated_matrices => Matrices { size: Some(MatrixSize::Emulated), ..Matrices::default() },
            _ => own,
        }
    }

    /// With products of this precision.
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// A particular device, by what `--device` takes.
    pub fn of(wanted: &str) -> Self {
        Self { wanted: Some(wanted.to_owned()), ..Self::default() }
    }
}

/// An environment variable; one that isn't Unicode is shown as such when it is refused.
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// The choice that a variable's value names; unset and empty choose nothing.
fn one_of<T: Copy>(
    variable: &'static str,
    value: Option<String>,
    choices: &[(&'static str, T)],
) -> Result<Option<T>, DeviceError> {
    let Some(value) = value.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()) else {
        return Ok(None);
    };
    match choices.iter().find(|(name, _)| *name == value) {
        Some((_, choice)) => Ok(Some(*choice)),
        None => {
            let expected = choices.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ");
            Err(DeviceError::Setting { variable, value, expected })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_a_choice_or_is_refused() {
        let choices = Tier::ALL.map(|tier| (tier.name(), tier));
        let of = |value: &str| one_of("ZOWARMUP_TIER", Some(value.to_owned()), &choices);
        assert_eq!(one_of("ZOWARMUP_TIER", None, &choices).unwrap(), None);
        assert_eq!(of(" ").unwrap(), None);
        assert_eq!(of("core").unwrap(), Some(Tier::Core));
        assert_eq!(of("subgroup").unwrap(), Some(Tier::Subgroup));
        let text = of("bogus").unwrap_err().to_string();
        assert_eq!(text, "environment variable ZOWARMUP_TIER: expected core or subgroup, found \"bogus\"");
    }
}
