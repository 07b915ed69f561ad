//! Lists of seeds: `0..4` (both ends are in it), `0,2,5`, or both: `0..2,7`.

/// The most seeds of one list: more are a slip of the keyboard.
const MOST: u64 = 10_000;

/// Reads a list of seeds, in the order in which it names them.
///
/// # Errors
/// A text that is no such list; a range that ends before it begins; a seed named twice; more than 10,000 of them.
pub fn parse_seeds(text: &str) -> Result<Vec<u64>, String> {
    let number = |word: &str| {
        let word = word.trim();
        word.parse::<u64>()
            .map_err(|_| format!("seeds {text:?}: expected numbers such as 0..4 or 0,1,2, found {word:?}"))
    };
    let mut seeds = Vec::new();
    for part in text.split(',') {
        let (first, last) = match part.split_once("..") {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(part)?, number(part)?),
        };
        if last < first {
            return Err(format!("seeds {text:?}: {first}..{last} ends before it begins"));
        }
        if last - first >= MOST || seeds.len() as u64 + (last - first) >= MOST {
            return Err(format!("seeds {text:?}: expected at most {MOST} seeds"));
        }
        seeds.extend(first..=last);
    }
    only_once(&seeds).map_err(|seed| format!("seeds {text:?}: {seed} is named twice"))?;
    Ok(seeds)
}

/// The first seed that occurs twice, as an error.
pub(super) fn only_once(seeds: &[u64]) -> Result<(), u64> {
    let mut sorted = seeds.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(pair[0]),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_seeds;

    #[test]
    fn ranges_have_both_their_ends() {
        assert_eq!(parse_seeds("0..4").unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(parse_seeds("7, 0..1,3..3").unwrap(), [7, 0, 1, 3]);
        assert_eq!(parse_seeds("18446744073709551615").unwrap(), [u64::MAX]);
    }

    #[test]
    fn what_is_no_list_is_named() {
        for (text, message) in [
            ("", "found \"\""),
            ("0..x", "found \"x\""),
            ("4..0", "4..0 ends before it begins"),
            ("0..2,1", "1 is named twice"),
            ("0..18446744073709551615", "at most 10000"),
            ("-1", "found \"-1\""),
        ] {
            let error = parse_seeds(text).unwrap_err();
            assert!(error.contains(message), "{text}: {error}");
        }
    }
}
