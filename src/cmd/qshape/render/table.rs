//! The table as text, in colour on a terminal, or in the form that was asked for; and the footer below it.

use colored::{ColoredString, Colorize};

use super::reading::reading;
use super::{export, picture};
use crate::cmd::qshape::options::{FailOver, Format};
use crate::cmd::qshape::report::{Report, heat, hottest};
use crate::queue::shape::{Cell, Counts, Line, Table};
use crate::term::{Failure, Term, plural};

/// Clears a terminal from its first line.
const REDRAW: &str = "\x1b[H\x1b[J";

/// What a table is laid out for.
pub struct Screen {
    /// Of the terminal that is standard output, or that the environment tells of.
    pub columns: Option<u16>,
    pub is_terminal: bool,
}

pub fn screen(term: &Term) -> Screen {
    Screen { columns: term.columns(), is_terminal: term.out_is_terminal() }
}

/// The next table takes the place of the last one on the terminal.
pub fn redraw(term: &mut Term) {
    term.write(REDRAW.as_bytes());
}

/// The table is complete; what stands between two of them where they are not on a terminal.
pub fn next_look(term: &mut Term) {
    if !term.out_draws() {
        term.line("");
    }
    term.flush();
}

/// More messages are too old than may be.
pub fn over_the_limit(too_old: u64, limit: FailOver, term: &mut Term) {
    term.complain(format_args!(
        "error: {} older than {} minutes, and at most {} may be",
        plural(too_old, "message"),
        limit.minutes,
        limit.count
    ));
}

pub fn show(report: &Report<'_>, term: &mut Term) -> Result<(), Failure> {
    let is_picture = [&report.options.svg, &report.options.html].iter().any(|path| picture::is_output(path.as_deref()));
    match report.options.format {
        _ if is_picture => {}
        Format::Text => print(&report.table(), term),
        Format::Json => term.json(export::json(report)),
        Format::Csv => term.write(export::csv(report).as_bytes()),
        Format::OpenMetrics => term.write(export::openmetrics(report).as_bytes()),
    }
    if let Some(path) = &report.options.svg {
        picture::write(path, &picture::svg(report), term)?;
    }
    if let Some(path) = &report.options.html {
        picture::write(path, &picture::html(report), term)?;
    }
    Ok(())
}

fn print(table: &Table, term: &mut Term) {
    let hottest = hottest(table);
    term.line(table.head.text().bold());
    for line in &table.lines {
        let mut text = if line.is_total { line.name.bold().to_string() } else { line.name.clone() };
        for cell in &line.cells {
            text += &coloured(cell, line, hottest).to_string();
        }
        term.line(text);
    }
    if table.left_out > 0 {
        term.flush();
        term.note(format_args!("{} not shown (-n 0 shows all)", plural(table.left_out as u64, "row")));
    }
}

/// Colour only repeats what the number says; nothing is told by it alone.
fn coloured(cell: &Cell, line: &Line, hottest: u64) -> ColoredString {
    let text = cell.text.as_str();
    match heat(cell.count, hottest) {
        _ if line.is_total => text.bold(),
        _ if cell.count == 0 => text.dimmed(),
        _ if !cell.is_age => text.normal(),
        hot if hot > 0.85 => text.red().bold(),
        hot if hot > 0.6 => text.red(),
        hot if hot > 0.3 => text.yellow(),
        _ => text.green(),
    }
}

pub fn footer(report: &Report<'_>, term: &mut Term) {
    for (word, snapshot, now) in &report.snapshots {
        reading(word, snapshot, *now, term);
        if snapshot.orphans > 0 {
            let orphans = if snapshot.orphans == 1 { "1 entry" } else { &format!("{} entries", snapshot.orphans) };
            term.note(format_args!("{orphans} whose message is gone, in no row"));
        }
        if snapshot.incoming > 0 && !report.options.incoming {
            term.note(format_args!(
                "{} published with QoS 2 and not released (--incoming counts them)",
                plural(snapshot.incoming, "message")
            ));
        }
    }
    term.note(waiting_line(report));
    if report.total.unknown > 0 {
        term.note(unknown_line(report));
    }
}

fn waiting_line(report: &Report<'_>) -> String {
    let Counts { messages, bytes, in_flight, expired, .. } = report.total;
    let detail = match in_flight {
        _ if report.options.by_bytes => format!(", {}", plural(bytes, "byte")),
        0 => String::new(),
        sent => format!(", {sent} of them in flight"),
    };
    let expired = match expired {
        0 => String::new(),
        expired => format!("; {expired} expired and will never be delivered"),
    };
    format!("{} {}{detail}{expired}", plural(messages, "message"), report.verb())
}

fn unknown_line(report: &Report<'_>) -> String {
    let counts_only = report.snapshots.iter().any(|(_, snapshot, _)| snapshot.counter.is_some());
    let advice =
        if counts_only { "; this broker only counts messages, --ledger FILE dates them from now on" } else { "" };
    format!("age unknown: {} of {}{advice}", report.total.unknown, report.total.total)
}
