//! `zowarmup config`.

use std::path::PathBuf;

use clap::Args;

use super::args::{JsonArgs, PresetArgs, SetArgs};
use super::error::Error;
use super::output;
use crate::config::{Config, Layers};

/// `config`.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// A config to print complete, defaults filled in; without it the default config with its comments
    pub config: Option<PathBuf>,
    /// Preset.
    #[command(flatten)]
    pub preset: PresetArgs,
    /// Overrides.
    #[command(flatten)]
    pub set: SetArgs,
    /// Output.
    #[command(flatten)]
    pub json: JsonArgs,
}

/// Prints the default config with its comments, or, given a file, a preset or overrides, that config complete.
pub fn execute(args: &ConfigArgs) -> Result<u8, Error> {
    let given = args.config.is_some() || !args.set.set.is_empty();
    let preset = args.preset.preset()?;
    let layers = Layers { first: &[], preset, then: &args.set.set };
    let config = Config::load_layers(args.config.as_deref(), &layers)?;
    if args.json.json {
        let table: toml::Table = toml::from_str(&config.to_toml())
            .map_err(|e| Error::Request(format!("the config has no JSON form: {}", e.message())))?;
        output::print(true, &table, |_| String::new())?;
    } else if let Some(preset) = preset {
        let base = Config::load(args.config.as_deref(), &[])?;
        output::raw(&config.to_toml_with(preset, &base))?;
    } else if given {
        output::raw(&config.to_toml())?;
    } else {
        output::raw(Config::default_toml_commented())?;
    }
    Ok(0)
}
