//! From files and arguments to a config, and back.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::reader::Section;
use super::source::{self, Source};
use super::{
    Config, ConfigError, DataConfig, DeviceConfig, EvalConfig, HeteroflConfig, ModelConfig, NamedSeeds, Preset,
    PresetChange, Seeds, SplitConfig, WarmupConfig, ZoConfig, checks, document, elsewhere, keys, overrides,
};
use crate::files::{self, Limit};

/// No config is larger: it is a page of text.
const LIMIT: Limit = Limit { bytes: 1 << 20, what: "a config" };

/// The embedded experiment, which also lists every key.
pub(super) const DIGITS: &str = include_str!("../../configs/digits.toml");

/// What lies over a config file, from the bottom up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    /// `key.path=value` that the preset starts from.
    pub first: &'a [String],
    /// A method by name; what it computes from other keys it takes from the file and `first`.
    pub preset: Option<&'static Preset>,
    /// `key.path=value`, over everything else.
    pub then: &'a [String],
}

impl Config {
    /// The files and folders that an experiment reads: its samples, a given partition, first weights.
    pub fn inputs(&self) -> Vec<PathBuf> {
        [&self.data.path, &self.split.file, &self.model.weights].into_iter().flatten().cloned().collect()
    }

    /// Reads a config file, or without one the embedded digits experiment, and applies `--set` arguments (`key.path=value`).
    /// Paths in the file are relative to its folder, in `overrides` to the current folder; they come out absolute.
    ///
    /// # Errors
    /// Every way in which file or arguments can be wrong; see [`ConfigError`].
    pub fn load(path: Option<&Path>, overrides: &[String]) -> Result<Self, ConfigError> {
        Self::load_layers(path, &Layers { then: overrides, ..Layers::default() })
    }

    /// As [`Config::load`], with a preset between the file and the arguments.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_layers(path: Option<&Path>, layers: &Layers<'_>) -> Result<Self, ConfigError> {
        let Some(path) = path else {
            return Self::parse_layers(DIGITS, "the embedded config", Path::new(""), layers);
        };
        let read = |e: files::FileError| ConfigError::Read { path: e.path, source: e.source };
        let bytes = files::read(path, LIMIT).map_err(read)?;
        let text = String::from_utf8(bytes)
            .map_err(|e| ConfigError::NotText { path: path.to_owned(), byte: e.utf8_error().valid_up_to() })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse_layers(&text, &path.display().to_string(), folder, layers)
    }

    /// The key and the value of an argument of `--set`: the value read as TOML, else taken as a bare string.
    ///
    /// # Errors
    /// [`ConfigError::Override`]: a text without `=`, a key that is none.
    pub fn setting(argument: &str) -> Result<(String, Value), ConfigError> {
        overrides::split(argument).map(|(key, value, _)| (key.to_owned(), value))
    }

    /// Whether a config has such a key or section at its top.
    pub fn has_root_key(name: &str) -> bool {
        keys::ROOT.contains(&name) || keys::SECTIONS.iter().any(|(section, _)| *section == name)
    }

    /// Whether a config has such a key, `section.key` or one outside every section.
    pub fn has_key(name: &str) -> bool {
        keys::ROOT.contains(&name)
            || keys::SECTIONS.iter().any(|(section, keys)| keys.iter().any(|key| source::join(section, key) == name))
    }

    /// The keys that other systems call `name`, as a message lists them.
    pub fn keys_called(name: &str) -> Option<String> {
        elsewhere::keys("", name).map(|keys| elsewhere::list(&keys))
    }

    /// Reads a config from text. `file` names it in messages, `folder` is what its paths are relative to.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, file: &str, folder: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        Self::parse_layers(text, file, folder, &Layers { then: overrides, ..Layers::default() })
    }

    pub(super) fn parse_layers(
        text: &str,
        file: &str,
        folder: &Path,
        layers: &Layers<'_>,
    ) -> Result<Self, ConfigError> {
        let document = document::parse(text, str::to_owned).map_err(|e| syntax(text, file, &e))?;
        let (mut root, mut source) = (document.table, Source::of(file, folder));
        source.large = document.large;
        overrides::apply(&mut root, layers.first, &mut source)?;
        if let Some(preset) = layers.preset {
            let changes = preset.changes(&Self::checked(&root, &source)?);
            let arguments: Vec<String> = changes.iter().map(PresetChange::argument).collect();
            overrides::apply(&mut root, &arguments, &mut source)?;
            let keys: Vec<&'static str> = changes.iter().map(|change| change.key).collect();
            source.overridden.retain(|key| !keys.contains(&key.as_str()));
            source.preset = Some((preset.name, keys));
        }
        overrides::apply(&mut root, layers.then, &mut source)?;
        Self::checked(&root, &source)
    }

    /// Reads a table, and compares what its sections decide together.
    fn checked(root: &Table, source: &Source) -> Result<Self, ConfigError> {
        keys::check(root, source)?;
        let config = Self::read(root, source)?;
        checks::check(&config, source)?;
        Ok(config)
    }

    fn read(root: &Table, source: &Source) -> Result<Self, ConfigError> {
        let section = |name| Section::of(root, name, source);
        let top = Section::root(root, source);
        let split = SplitConfig::read(&section("split")?)?;
        let data = DataConfig::read(&section("data")?, split.kind)?;
        let model = ModelConfig::read(&section("model")?)?;
        let device = DeviceConfig::read(&section("device")?)?;
        let seed = top.seed("seed")?.unwrap_or(0);
        let named_seeds = NamedSeeds::read(&section("seeds")?)?;
        let name = top.text("name", &format!("{}-{}", data.name, model.kind))?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.chars().all(allowed) {
            return Err(top.error(
                "name",
                Value::String(name),
                "1 to 100 letters, digits, `-`, `_` or `.`, not starting with `.`",
            ));
        }
        Ok(Self {
            name,
            seed,
            data,
            split,
            model,
            warmup: WarmupConfig::read(&section("warmup")?)?,
            heterofl: HeteroflConfig::read(&section("heterofl")?)?,
            zo: ZoConfig::read(&section("zo")?, device.precision)?,
            eval: EvalConfig::read(&section("eval")?)?,
            device,
            seeds: Seeds::resolve(seed, &named_seeds),
            named_seeds,
        })
    }

    /// The complete config as TOML: every key, defaults filled in, seeds as hex strings (of `[seeds]` those that
    /// were named: the others follow from `seed`), paths absolute. Loading it gives an equal config.
    pub fn to_toml(&self) -> String {
        let mut root = Table::new();
        root.insert("name".to_owned(), Value::String(self.name.clone()));
        root.insert("seed".to_owned(), Value::String(format!("{:016x}", self.seed)));
        let sections = [
            ("data", Table::try_from(&self.data)),
            ("split", Table::try_from(&self.split)),
            ("model", Ok(self.model.to_toml())),
            ("warmup", Table::try_from(&self.warmup)),
            ("heterofl", Table::try_from(&self.heterofl)),
            ("zo", Table::try_from(&self.zo)),
            ("eval", Table::try_from(&self.eval)),
            ("device", Table::try_from(&self.device)),
            ("seeds", Table::try_from(self.named_seeds)),
        ];
        for (name, table) in sections {
            // Plain numbers, strings and lists of them: there is nothing that TOML could refuse.
            root.insert(name.to_owned(), Value::Table(table.unwrap_or_default()));
        }
        root.to_string()
    }

    /// As [`Config::to_toml`], with a comment behind each key that a preset sets over `base`, and still has its value: why, and the paper.
    pub fn to_toml_with(&self, preset: &Preset, base: &Self) -> String {
        let mut section = String::new();
        let mut out = String::new();
        let changes = preset.changes(base);
        for line in self.to_toml().lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                section = name.to_owned();
            }
            out.push_str(line);
            let key = line.split_once(" = ").map(|(key, value)| (source::join(&section, key), value));
            let set = |change: &&PresetChange| {
                let same = |value: &str| toml::from_str::<Table>(&format!("v = {value}")).ok();
                key.as_ref().is_some_and(|(key, value)| key == change.key && same(value) == same(&change.value))
            };
            if let Some(change) = changes.iter().find(set) {
                out.push_str(&format!(" # {}: {}; {}", preset.name, change.note, preset.source));
            }
            out.push('\n');
        }
        out
    }

    /// The default config with a comment on every key: what runs when no file is named.
    pub fn default_toml_commented() -> &'static str {
        DIGITS
    }
}

/// The parser's error with the place of its span.
fn syntax(text: &str, file: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |i| i + 1);
    ConfigError::Syntax {
        origin: file.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[start..].chars().count() + 1,
        message: error.message().replace('\n', "; "),
    }
}
