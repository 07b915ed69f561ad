//! A result as lines with commas and as a table in Markdown.

use super::{Report, name, rows};

/// One line a workload, with what it was measured with in each.
pub fn csv(report: &Report) -> String {
    let quoted = |text: &str| match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    };
    let mut out = String::from(
        "name,shape,seconds,min_seconds,deviation_seconds,runs,rate,unit,of_ceiling,ceiling,clock,adapter,driver,version,commit,host,date\n",
    );
    for r in &report.results {
        let of = r.of_ceiling.map(|share| share.to_string()).unwrap_or_default();
        let ceiling = r.ceiling.map(|c| name(&c)).unwrap_or_default();
        let numbers = [r.seconds, r.min_seconds, r.deviation_seconds].map(|x| x.to_string()).join(",");
        let measured = [&report.adapter.name, &report.adapter.driver, &report.version, &report.commit, &report.host];
        let measured = measured.map(|text| quoted(text)).join(",");
        out.push_str(&format!(
            "{},{},{numbers},{},{},{},{of},{ceiling},{},{measured},{}\n",
            quoted(&r.name),
            quoted(&r.shape),
            r.runs,
            r.rate,
            name(&r.unit),
            r.clock,
            report.date
        ));
    }
    out
}

/// What it was measured with as a list, then the table.
pub fn markdown(report: &Report) -> String {
    let c = &report.ceilings;
    let mut out = String::new();
    for (what, value) in [
        ("adapter", report.adapter.text()),
        ("program", format!("zowarmup {} (commit {})", report.version, report.commit)),
        ("host", report.host.clone()),
        ("date", report.date.clone()),
        ("products", report.precision.clone()),
        (
            "rates",
            format!(
                "copy {:.1} GB/s, store {:.1} GB/s, multiply-add {:.1} GFLOP/s, of integers {:.1} GOP/s, launch {:.2} us, submission {:.1} us, upload {:.1} GB/s, read-back {:.1} GB/s",
                c.copy_gb_s,
                c.store_gb_s,
                c.madd_gflop_s,
                c.imadd_gop_s,
                c.launch_seconds * 1e6,
                c.submission_seconds * 1e6,
                c.upload_gb_s,
                c.read_back_gb_s
            ),
        ),
    ] {
        out.push_str(&format!("- {what}: {value}\n"));
    }
    out.push('\n');
    for (i, row) in rows(&report.results).iter().enumerate() {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
        if i == 0 {
            out.push_str(&format!("|---|---|{}\n", "---:|".repeat(row.len() - 2)));
        }
    }
    out
}
