//! Which columns of a table are label, client and features.

/// Most features of a row: each has a mean and a deviation in a run's config.
pub(super) const MOST_FEATURES: usize = 16_384;
/// Most classes.
pub(super) const MOST_CLASSES: usize = 65_535;
/// Characters of a file's text that a message shows.
const SHOWN: usize = 100;
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
                let listed: Vec<String> = names.iter().take(20).map(|name| short(name)).collect();
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
            return Err(format!("column `{}` is both data.label and data.client", short(&names[label])));
        }
        Ok(Self { names, label, client })
    }

    /// A column's name, as messages show it.
    pub fn shown(&self, column: usize) -> String {
        short(&self.names[column])
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

/// A text of a file as messages show it: its beginning. A damaged file may take pages of itself for a name.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A library's message, which may hold any text of the file: of a long one its beginning and its end, where it says what was expected.
pub(super) fn short_message(text: &str) -> String {
    let length = text.chars().count();
    if length <= 4 * SHOWN {
        return text.to_owned();
    }
    let end: String = text.chars().skip(length - 2 * SHOWN).collect();
    format!("{} {end}", short(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_the_beginning_of_a_text() {
        assert_eq!(short(&"\u{e9}".repeat(SHOWN)), "\u{e9}".repeat(SHOWN));
        assert_eq!(short(&"\u{e9}".repeat(SHOWN + 1)), "\u{e9}".repeat(SHOWN) + "...");
        let message = format!("invalid type: {}, expected numbers", "\u{e9}".repeat(5_000));
        let told = short_message(&message);
        assert!(
            told.starts_with("invalid type: ") && told.ends_with(", expected numbers") && told.len() < 800,
            "{told}"
        );
        assert_eq!(short_message("invalid"), "invalid");
        let names = vec!["a".repeat(5_000); 40];
        assert!(Columns::of(names, "label", "").unwrap_err().len() < 3_000);
    }
}
