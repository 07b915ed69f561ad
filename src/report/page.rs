//! A report as one HTML page: nothing is loaded from anywhere, colours follow the reader's light or dark, wide tables scroll by themselves.

use super::bars::{self, Drawn};
use super::svg::escape;
use super::tables::Table;
use super::{Report, charts, svg, tables};

const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1c1c1c;--back:#fff;--soft:#666;--line:#ddd;--row:#f5f5f5}
@media(prefers-color-scheme:dark){:root{--text:#e4e4e4;--back:#15181c;--soft:#a0a0a0;--line:#333;--row:#1d2126}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:72rem;margin:0 auto;padding:1rem}
h1,h2{line-height:1.2;overflow-wrap:anywhere}h2{margin-top:2.5rem}p,figcaption{color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap;font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}tbody tr:nth-child(even){background:var(--row)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr));gap:1.5rem}
figure{margin:0}figure svg{width:100%;height:auto}figcaption{display:flex;justify-content:space-between}
button{font:inherit;font-size:.8rem;color:inherit;background:none;border:1px solid var(--line);border-radius:4px;cursor:pointer}
";

/// Saves a chart with the style that it has on the page.
const SCRIPT: &str = "\
document.addEventListener('click',e=>{const b=e.target.closest('button.save');if(!b)return;
const s=b.closest('figure').querySelector('svg').cloneNode(true),t=document.createElementNS(s.namespaceURI,'style');
t.textContent=document.getElementById('chart').textContent;s.prepend(t);
const a=document.createElement('a');a.href=URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(s)],{type:'image/svg+xml'}));
a.download=b.dataset.name;a.click();URL.revokeObjectURL(a.href)});
";

/// The page.
pub fn of(report: &Report) -> String {
    let title = escape(&report.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n<style id=\"chart\">\n{}{}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        svg::STYLE,
        svg::colours()
    );
    let tables = tables::of(report);
    let mut tables = tables.iter();
    // What came of it, the curves, everything else.
    tables.by_ref().take(1).for_each(|first| table(&mut out, first));
    let curves = charts::of(report).into_iter().map(|chart| (chart.title, svg::of(&chart))).collect();
    let note = "Means over the runs; bands are one sample deviation to each side; a dot is the pivot.";
    let next = figures(&mut out, "Curves", note, curves, 1);
    figures(&mut out, "What it costs, and whom it serves", "Means over the runs.", bars::of(report), next);
    tables.for_each(|more| table(&mut out, more));
    if !report.problems.is_empty() {
        out.push_str("<h2>Left out</h2>\n<ul>\n");
        report.problems.iter().for_each(|p| out.push_str(&format!("<li>{}</li>\n", escape(&p.message))));
        out.push_str("</ul>\n");
    }
    out.push_str(&format!("<script>\n{SCRIPT}</script>\n</body>\n</html>\n"));
    out
}

/// Charts below a heading, numbered from `first` on; the number of the next.
fn figures(out: &mut String, title: &str, note: &str, charts: Vec<Drawn>, first: usize) -> usize {
    let next = first + charts.len();
    if charts.is_empty() {
        return next;
    }
    out.push_str(&format!("<h2>{title}</h2>\n<p>{note}</p>\n<div class=\"charts\">\n"));
    for (number, (title, chart)) in (first..).zip(charts) {
        out.push_str(&format!(
            "<figure><figcaption>{}<button class=\"save\" data-name=\"chart-{number}.svg\">save</button></figcaption>\n{chart}\n</figure>\n",
            escape(title)
        ));
    }
    out.push_str("</div>\n");
    next
}

fn table(out: &mut String, table: &Table) {
    let cells = |tag: &str, row: &[String]| {
        row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect::<String>()
    };
    out.push_str(&format!("<h2>{}</h2>\n", escape(table.title)));
    if !table.note.is_empty() {
        out.push_str(&format!("<p>{}</p>\n", escape(table.note)));
    }
    out.push_str(&format!(
        "<div class=\"wide\"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n",
        cells("th", &table.head)
    ));
    table.rows.iter().for_each(|row| out.push_str(&format!("<tr>{}</tr>\n", cells("td", row))));
    out.push_str("</tbody></table></div>\n");
}
