//! The table as a picture: SVG, and HTML that needs nothing else. The numbers stand in it; the
//! shade behind them only repeats what they say.

use std::fmt::Write;
use std::path::Path;

use unicode_width::UnicodeWidthStr;

use super::export::by_name;
use crate::cmd::qshape::report::{Report, heat, hottest};
use crate::cmd::qshape::sentences::{moment, source_name};
use crate::net::reason;
use crate::queue::shape::{Cell, Layout, Line, Table};
use crate::term::{Exit, Failure, Term, escape_controls, plural};
use crate::whole_file::{self, Permission};

/// Names wider than this are cut, in display columns.
const NAME_WIDTH: usize = 48;
const ROW_HEIGHT: usize = 22;
const CHARACTER_WIDTH: usize = 8;
const MARGIN: usize = 16;
const FONT: &str = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace";

/// `-`, the standard output.
pub fn is_output(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}

/// Writes a picture, whole or not at all.
pub fn write(path: &Path, text: &str, term: &mut Term) -> Result<(), Failure> {
    if is_output(Some(path)) {
        term.write(text.as_bytes());
        return Ok(());
    }
    whole_file::replace(path, text.as_bytes(), Permission::KeepOr(0o644)).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot write `{}`: {}", path.display(), reason(&error.cause)))
    })
}

/// The table without a width to fit into: names get the room that the longest needs.
fn table(report: &Report<'_>) -> Table {
    let longest = report.rows.iter().map(|row| escape_controls(&row.name).width()).max().unwrap_or(0);
    let numbers: usize = {
        let head = Table::new(&report.buckets, &report.total, &[], layout(report, 0)).head;
        head.cells.iter().map(|cell| cell.text.len()).sum()
    };
    let width = longest.clamp(18, NAME_WIDTH) + numbers;
    Table::new(&report.buckets, &report.total, &report.rows, layout(report, width))
}

fn layout(report: &Report<'_>, width: usize) -> Layout {
    Layout { width, rows: report.options.rows, in_flight: report.options.in_flight, folds: false }
}

fn title(report: &Report<'_>) -> String {
    let unit = if report.options.by_bytes { "payload bytes" } else { "messages" };
    format!("Waiting {unit} by {} and age in minutes", by_name(report.options.by))
}

fn caption(report: &Report<'_>) -> String {
    let mut parts = vec![format!("{} {}", plural(report.total.messages, "message"), report.verb())];
    for (word, snapshot, now) in &report.snapshots {
        let taken_at = snapshot.taken_at.unwrap_or(*now);
        parts.push(format!("{} ({}), as of {}", source_name(word), snapshot.kind, moment(taken_at)));
    }
    escape_controls(&parts.join(" · ")).into_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Opacity of the shade behind a number; none behind TOTAL and behind what has no age.
fn shade(cell: &Cell, line: &Line, hottest: u64) -> Option<f64> {
    (cell.is_age && !line.is_total && cell.count > 0).then(|| 0.08 + 0.72 * heat(cell.count, hottest))
}

/// A picture of the table.
pub fn svg(report: &Report<'_>) -> String {
    let table = table(report);
    let columns = table.head.text().width();
    let caption = caption(report);
    let width = MARGIN * 2 + CHARACTER_WIDTH * columns.max(caption.width());
    let height = MARGIN * 2 + ROW_HEIGHT * (table.lines.len() + 4);
    let mut text = String::new();
    let _ = write!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"{FONT}\" font-size=\"13\">\n\
         <title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{MARGIN}\" y=\"{y}\" font-weight=\"bold\">{title}</text>\n",
        title = escape(&title(report)),
        y = MARGIN + ROW_HEIGHT / 2,
    );
    let hottest = hottest(&table);
    for (place, line) in [&table.head].into_iter().chain(&table.lines).enumerate() {
        svg_line(&mut text, line, place == 0, MARGIN + ROW_HEIGHT * (place + 2), hottest);
    }
    let y = height - MARGIN;
    let _ = writeln!(text, "<text x=\"{MARGIN}\" y=\"{y}\" fill=\"#555555\">{}</text>\n</svg>", escape(&caption));
    text
}

fn svg_line(text: &mut String, line: &Line, is_head: bool, y: usize, hottest: u64) {
    let weight = if is_head || line.is_total { " font-weight=\"bold\"" } else { "" };
    let mut x = MARGIN + CHARACTER_WIDTH * line.name.width();
    let name = escape(line.name.trim_start());
    let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\"{weight}>{name}</text>");
    for cell in &line.cells {
        let width = CHARACTER_WIDTH * cell.text.len();
        if let Some(opacity) = shade(cell, line, hottest) {
            let _ = writeln!(
                text,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\" fill=\"#d9480f\" fill-opacity=\"{opacity:.2}\"/>",
                x + 2,
                y - 15,
                width - 2,
                ROW_HEIGHT - 2,
            );
        }
        x += width;
        let colour = if cell.count == 0 && !is_head { " fill=\"#aaaaaa\"" } else { "" };
        let number = escape(cell.text.trim_start());
        let _ = writeln!(text, "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\"{weight}{colour}>{number}</text>", x - 2);
    }
}

/// A page with the table.
pub fn html(report: &Report<'_>) -> String {
    let table = table(report);
    let hottest = hottest(&table);
    let title = escape(&title(report));
    let mut text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n\
         body {{ font: 14px/1.5 {FONT}; margin: 2em; color: #222; background: #fff }}\n\
         table {{ border-collapse: collapse }}\n\
         th, td {{ text-align: right; padding: 1px 8px; white-space: pre }}\n\
         tr.total {{ font-weight: bold }}\n td.zero {{ color: #aaa }}\n p {{ color: #555 }}\n\
         </style>\n</head>\n<body>\n<h1>{title}</h1>\n<table>\n<thead><tr><th></th>"
    );
    for cell in &table.head.cells {
        let _ = write!(text, "<th scope=\"col\">{}</th>", escape(cell.text.trim_start()));
    }
    text += "</tr></thead>\n<tbody>\n";
    for line in &table.lines {
        text += if line.is_total { "<tr class=\"total\">" } else { "<tr>" };
        let _ = write!(text, "<th scope=\"row\">{}</th>", escape(line.name.trim_start()));
        for cell in &line.cells {
            let look = match shade(cell, line, hottest) {
                Some(opacity) => format!(" style=\"background: rgb(217 72 15 / {opacity:.2})\""),
                None if cell.count == 0 => " class=\"zero\"".to_owned(),
                None => String::new(),
            };
            let _ = write!(text, "<td{look}>{}</td>", cell.count);
        }
        text += "</tr>\n";
    }
    let _ = write!(text, "</tbody>\n</table>\n<p>{}</p>\n</body>\n</html>\n", escape(&caption(report)));
    text
}
