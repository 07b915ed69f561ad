//! A sweep's table as Markdown.

use super::{Description, Outcome, RowFigures, Spread};

/// `54.3 (4.8)`, of values times `scale`: a mean and, where there are several, a deviation.
pub fn spread_text(spread: Option<Spread>, scale: f64, decimals: usize) -> String {
    spread.map_or_else(
        || "-".to_owned(),
        |s| {
            let deviation = s.deviation.map(|d| format!(" ({:.decimals$})", scale * d)).unwrap_or_default();
            format!("{:.decimals$}{deviation}", scale * s.mean)
        },
    )
}

/// As [`spread_text`], the mean alone.
pub fn mean_text(spread: Option<Spread>, scale: f64, decimals: usize) -> String {
    spread_text(spread.map(|s| Spread { deviation: None, ..s }), scale, decimals)
}

/// The table of a sweep as Markdown, a line a row of the (expanded) description; rows without a cell in the outcome are left out.
pub fn markdown(description: &Description, outcome: &Outcome) -> String {
    let mut out = String::new();
    if !description.title.is_empty() {
        out.push_str(&format!("## {}\n\n", description.title));
    }
    // The row that sends least sets what is compared at equal up-link.
    let smallest = outcome.smallest_uplink();
    let equal = smallest.map_or_else(|| "-".to_owned(), |bytes| format!("{:.2}", 1e-6 * bytes as f64));
    let clients = description.rows.iter().enumerate().any(|(i, _)| outcome.row(i).low.is_some());
    let (groups, line) = if clients { ("| low clients % | worst tenth % ", "|---:|---:") } else { ("", "") };
    out.push_str(&format!(
        "| setting | runs | pivot % (sd) | final % (sd) | gain (sd) | at {equal} MB up % {groups}| MB up | MB down | device s | paper |\n"
    ));
    out.push_str(&format!("|---|---:|---:|---:|---:|---:{line}|---:|---:|---:|---|\n"));
    let there = |row: &usize| outcome.cells.iter().any(|cell| cell.row == *row);
    for (i, row) in description.rows.iter().enumerate().filter(|(i, _)| there(i)) {
        let RowFigures {
            done, diverged, missing, pivot, last, gain, low, worst_tenth, uplink, downlink, seconds, ..
        } = outcome.row(i);
        let mut runs = done.to_string();
        for (count, what) in [(diverged, "diverged"), (missing, "missing")] {
            if count > 0 {
                runs.push_str(&format!(", {count} {what}"));
            }
        }
        let equal = smallest.and_then(|bytes| outcome.at_uplink(i, bytes));
        let mut figures = vec![
            spread_text(pivot, 100.0, 1),
            spread_text(last, 100.0, 1),
            spread_text(gain, 100.0, 1),
            spread_text(equal, 100.0, 1),
        ];
        if clients {
            figures.extend([spread_text(low, 100.0, 1), spread_text(worst_tenth, 100.0, 1)]);
        }
        let bytes = [mean_text(uplink, 1e-6, 2), mean_text(downlink, 1e-6, 2), mean_text(seconds, 1.0, 1)];
        let cells = [&figures[..], &bytes[..]].concat().join(" | ");
        out.push_str(&format!("| {} | {runs} | {cells} | {} |\n", in_table(&row.label), in_table(&row.paper)));
    }
    if !description.paper.is_empty() {
        out.push_str(&format!("\nPaper: {}\n", description.paper));
    }
    out
}

/// A text as a cell of a table.
fn in_table(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A table in Markdown whose columns have one width each, so that it reads well as plain text; the first to the left, the others to the
/// right.
pub fn aligned(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&text| text.to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|text| in_table(text)).collect()).collect();
    let width = |c: usize| {
        let texts = rows.iter().chain([&head]).filter_map(|row| row.get(c));
        texts.map(|text| text.chars().count()).max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(c, (text, &w))| if c == 0 { format!("{text:<w$}") } else { format!("{text:>w$}") });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate();
    let rule = rule.map(|(c, &w)| if c == 0 { "-".repeat(w) } else { format!("{}:", "-".repeat(w - 1)) });
    let rule: Vec<String> = rule.collect();
    let mut out = line(&head) + &line(&rule);
    rows.iter().for_each(|row| out.push_str(&line(row)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_one_width() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let table = aligned(&["a", "long"], &[row(["b|c", "1"]), row(["d", "22.5"])]);
        assert_eq!(table, "| a    | long |\n| ---- | ---: |\n| b\\|c |    1 |\n| d    | 22.5 |\n");
    }

    #[test]
    fn spreads_are_a_mean_and_a_deviation() {
        let spread = Some(Spread { mean: 0.5, deviation: Some(0.0123) });
        assert_eq!(
            (spread_text(spread, 100.0, 1).as_str(), mean_text(spread, 1.0, 2).as_str()),
            ("50.0 (1.2)", "0.50")
        );
        assert_eq!(spread_text(None, 1.0, 1), "-");
    }
}
