//! Durations as people write them.

use std::time::Duration;

/// More than any job runs.
const MOST: f64 = 10_000.0 * 86_400.0;

/// Names of the units, longest durations first, and their seconds.
const UNITS: [(&[&str], f64); 4] = [
    (&["d", "day", "days"], 86_400.0),
    (&["h", "hr", "hrs", "hour", "hours"], 3_600.0),
    (&["m", "min", "mins", "minute", "minutes"], 60.0),
    (&["s", "sec", "secs", "second", "seconds"], 1.0),
];

/// Reads `3h50m`, `90 min`, `1.5h`, `1d 2h`, and as schedulers write it `03:50:00` and `1-02:00:00`.
///
/// # Errors
/// What was expected, where it is none of these, 0, or more than 10,000 days. A number without a unit is none: it means minutes to some
/// schedulers, seconds to others.
pub fn parse(text: &str) -> Result<Duration, String> {
    let seconds = if text.contains(':') { clock(text) } else { units(text) };
    let seconds = seconds.filter(|s| *s > 0.0 && *s <= MOST);
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        "expected a duration such as 3h50m, 90min, 45s, 1d12h or 03:50:00, above 0 and at most 10000d".to_owned()
    })
}

/// `[D-]HH:MM:SS`.
fn clock(text: &str) -> Option<f64> {
    let (days, rest) = text.trim().split_once('-').unwrap_or(("0", text.trim()));
    let number = |part: &str| {
        let digits = !part.is_empty() && part.len() <= 9 && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse::<f64>().ok()).flatten()
    };
    let parts = rest.split(':').map(number).collect::<Option<Vec<f64>>>()?;
    match parts[..] {
        [hours, minutes, seconds] if minutes < 60.0 && seconds < 60.0 => {
            Some(86_400.0 * number(days)? + 3_600.0 * hours + 60.0 * minutes + seconds)
        }
        _ => None,
    }
}

/// Numbers, each with a unit; a unit stands once.
fn units(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    let (mut seconds, mut seen) = (0.0, [false; UNITS.len()]);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        let unit = UNITS.iter().position(|(names, _)| names.contains(&name.as_str()))?;
        if std::mem::replace(&mut seen[unit], true) {
            return None;
        }
        seconds += number * UNITS[unit].1;
        rest = rest[end..].trim_start();
    }
    Some(seconds)
}

/// `12s`, `1m20s`, `3h50m`, `2d4h`: the two largest units.
pub fn text(duration: Duration) -> String {
    let s = duration.as_secs_f64().round() as u64;
    let (d, h, m) = (s / 86_400, s / 3_600 % 24, s / 60 % 60);
    let two = |a: u64, x: &str, b: u64, y: &str| if b > 0 { format!("{a}{x}{b}{y}") } else { format!("{a}{x}") };
    match s {
        0..60 => format!("{s}s"),
        60..3_600 => two(m, "m", s % 60, "s"),
        3_600..86_400 => two(h, "h", m, "m"),
        _ => two(d, "d", h, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_durations_are_read() {
        for (text, seconds) in [
            ("3h50m", 13_800.0),
            ("3h 50m", 13_800.0),
            ("90min", 5_400.0),
            ("90 minutes", 5_400.0),
            ("1.5h", 5_400.0),
            ("45s", 45.0),
            ("0.5s", 0.5),
            ("1d12h", 129_600.0),
            ("2 Days", 172_800.0),
            ("50m3h", 13_800.0),
            ("03:50:00", 13_800.0),
            ("1-02:00:30", 93_630.0),
            ("100:00:00", 360_000.0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
    }

    #[test]
    fn others_are_refused() {
        for text in [
            "",
            " ",
            "3",
            "3.5",
            "h",
            "3x",
            "3h3h",
            "-3h",
            "3h-5m",
            "0s",
            "0h0m",
            "1e3s",
            "3:50",
            "3:50:61",
            "a:b:c",
            "1-1-1:0:0",
            "::",
            "1..2h",
            "10001d",
            "99999999999999999999h",
            "3h50",
            "½h",
            "inf s",
            "nanh",
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains("3h50m") && message.contains("03:50:00"), "{text}: {message}");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for (seconds, expected) in
            [(0, "0s"), (59, "59s"), (60, "1m"), (80, "1m20s"), (13_800, "3h50m"), (7_200, "2h"), (187_200, "2d4h")]
        {
            let duration = Duration::from_secs(seconds);
            assert_eq!(text(duration), expected);
            assert!(seconds == 0 || parse(expected) == Ok(duration));
        }
        assert_eq!(text(Duration::from_millis(59_600)), "1m");
    }
}
