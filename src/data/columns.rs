//! Which columns of a table are label, client and features.

/// Most features of a row: each has a mean and a deviation in a run's config.
pub(super) const MOST_FEATURES: usize = 16_384;
/// Most classes.
pub(super) const MOST_CLASSES: usize = 65_535;
/// Names of a label column that nobody has to give, in order of preference.
const USUAL: [&str; 4] = ["label", "y", "class", "target"];

/// A table's columns by name.
#[derive(Debug)]
pub(super) struct Columns {
    pub names: Vec<String>,
    /// Which is the label.
    pub label: usize,
    /// Which names the client.
    pub client: Option<usize>,
}

impl Columns {
    /// The label column is the one called `label`, where that isn't empty; else one of a usual name, else the last. The client column is
    /// the one called `client`; none where that is empty.
    ///
    /// # Errors
    /// A column that isn't there, too few or too many, as a message.
    pub fn of(names: Vec<String>, label: &str, client: &str) -> Result<Self, String> {
        let named = |name: &str, key: &str| {
            names.iter().position(|n| n == name).ok_or_else(|| {
                let listed: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
                format!("no column `{name}` ({key}); columns are {}", listed.join(", "))
            })
        };
        let others = 1 + usize::from(!client.is_empty());
        if !(1 + others..=MOST_FEATURES + others).contains(&names.len()) {
            let label = if client.is_empty() { "a label" } else { "a label, a client" };
            let found = format!("{} columns", names.len());
            return Err(format!("{found}, expected {label} and 1 to {MOST_FEATURES} features, separated by commas"));
        }
        let client = if client.is_empty() { None } else { Some(named(client, "data.client")?) };
        let usual = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        let last = || (0..names.len()).rfind(|&i| Some(i) != client);
        let label = match label {
            "" => USUAL.into_iter().find_map(usual).filter(|&i| Some(i) != client).or_else(last).unwrap_or(0),
            name => named(name, "data.label")?,
        };
        if Some(label) == client {
            return Err(format!("column `{}` is both data.label and data.client", names[label]));
        }
        Ok(Self { names, label, client })
    }

    /// Whether a column is a feature.
    pub fn is_feature(&self, column: usize) -> bool {
        column != self.label && Some(column) != self.client
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.names.len() - 1 - usize::from(self.client.is_some())
    }
}
