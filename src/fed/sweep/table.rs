//! A sweep's table as Markdown.

use super::{Description, Outcome, Row, Spread};

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

/// Bytes as millions.
pub fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), |b| format!("{:.3}", 1e-6 * b as f64))
}

/// The table of a sweep as Markdown, a line a row of the (expanded) description; rows without a cell in the outcome are left out. Bytes and
/// memory are those of a client. The last column has what the paper says in a row's place.
pub fn markdown(description: &Description, outcome: &Outcome) -> String {
    let mut out = String::new();
    if !description.title.is_empty() {
        out.push_str(&format!("## {}\n\n", description.title));
    }
    let there = |row: &usize| outcome.cells.iter().any(|cell| cell.row == *row);
    let rows: Vec<(usize, &Row)> = description.rows.iter().enumerate().filter(|(i, _)| there(i)).collect();
    // The row that sends least sets what is compared at equal up-link.
    let smallest = outcome.smallest_uplink();
    let equal = format!("at {} MB up %", megabytes(smallest));
    let clients = rows.iter().any(|(i, _)| outcome.row(*i).of.low_clients.is_some());
    let validation = rows.iter().any(|(i, _)| outcome.row(*i).of.validation.is_some());
    let paper = rows.iter().any(|(_, row)| !row.paper.is_empty());
    let mut head = vec!["setting", "runs", "pivot % (sd)", "final % (sd)", "gain (sd)"];
    head.extend(smallest.is_some().then_some(equal.as_str()));
    head.extend(if clients { &["low clients %", "worst tenth %"][..] } else { &[] });
    head.extend(if validation { &["validation %"][..] } else { &[] });
    head.extend(["MB up", "MB down", "client memory MB", "time s"]);
    head.extend(if paper { &["paper"][..] } else { &[] });
    let line = |&(i, row): &(usize, &Row)| {
        let figures = outcome.row(i);
        let percent = |spread| spread_text(spread, 100.0, 1);
        let of = figures.of;
        let mut texts = vec![row.label.clone(), figures.runs()];
        texts.extend([of.pivot, of.last, of.gain].map(percent));
        texts.extend(smallest.map(|bytes| percent(outcome.at_uplink(i, bytes))));
        texts.extend([of.low_clients, of.worst_tenth].into_iter().filter(|_| clients).map(percent));
        texts.extend([of.validation].into_iter().filter(|_| validation).map(percent));
        texts.extend([of.uplink_bytes, of.downlink_bytes, of.client_memory_bytes].map(megabytes));
        texts.push(of.seconds.map_or_else(|| "-".to_owned(), |s| format!("{s:.1}")));
        texts.extend(paper.then(|| row.paper.clone()));
        texts
    };
    out.push_str(&aligned(&head, &rows.iter().map(line).collect::<Vec<_>>()));
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
