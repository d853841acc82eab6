//! Shows the table: once or again and again, in the form that was asked for.

use std::thread::sleep;

use colored::{ColoredString, Colorize};

use super::count::{Counted, count};
use super::options::{Format, TableOptions};
use super::refresh::refresh;
use super::sentences::{snapshot_line, tell_notes};
use super::sources::Sources;
use super::{export, picture};
use crate::queue::shape::{Buckets, Cell, Counts, Layout, Line, Row, Table};
use crate::term::{Exit, Failure, Term, plural};

/// Clears a terminal from its first line.
const REDRAW: &str = "\x1b[H\x1b[J";

/// Everything that a form of output shows.
#[derive(Debug)]
pub struct Report<'a> {
    pub options: &'a TableOptions,
    pub buckets: Buckets,
    pub total: Counts,
    pub rows: Vec<Row>,
    pub snapshots: Vec<(String, crate::queue::Snapshot, crate::state::ids::UnixTime)>,
}

pub fn run(options: &TableOptions, sources: &Sources, term: &mut Term) -> Result<Exit, Failure> {
    let Some(pause) = options.watch else { return once(options, sources, term) };
    loop {
        // A file that is just being replaced, or a server that is busy, is back at the next look.
        if let Err(failure) = once(options, sources, term) {
            if failure.exit == Exit::USAGE {
                return Err(failure);
            }
            failure.tell(term);
        }
        if !term.out_is_terminal() {
            term.line("");
        }
        term.flush();
        if term.out_failed().is_some() {
            return Ok(Exit::OK);
        }
        sleep(pause);
    }
}

fn once(options: &TableOptions, sources: &Sources, term: &mut Term) -> Result<Exit, Failure> {
    let counted = look(options, sources, term).map_err(|mut failure| {
        if options.fail_over.is_some() && failure.exit == Exit::FAILED {
            failure.exit = Exit::USAGE; // for a monitor: the state cannot be known
        }
        failure
    })?;
    for (_, snapshot, _) in &counted.snapshots {
        sources.keep_ledger(snapshot, term)?;
    }
    if options.watch.is_some() && term.out_is_terminal() {
        term.write(REDRAW.as_bytes());
    }
    let (damaged, too_old) = (counted.is_damaged(), counted.too_old);
    let report = Report::new(options, counted);
    show(&report, term)?;
    footer(&report, term);
    if damaged {
        return Ok(Exit::DAMAGED);
    }
    match options.fail_over {
        Some(limit) if too_old > limit.count => {
            term.complain(format_args!(
                "error: {} older than {} minutes, and at most {} may be",
                plural(too_old, "message"),
                limit.minutes,
                limit.count
            ));
            Ok(Exit::FAILED)
        }
        _ => Ok(Exit::OK),
    }
}

fn look(options: &TableOptions, sources: &Sources, term: &Term) -> Result<Counted, Failure> {
    if let Some(whom) = options.refresh {
        refresh(&sources.files(), whom)?;
    }
    count(options, sources, term)
}

impl<'a> Report<'a> {
    fn new(options: &'a TableOptions, counted: Counted) -> Self {
        let Counted { shape, snapshots, .. } = counted;
        let (buckets, total, mut rows) = shape.into_rows(options.parents.as_ref());
        rows.retain(|row| row.counts.total >= options.least);
        Self { options, buckets, total, rows, snapshots }
    }

    /// The table, laid out.
    pub fn table(&self) -> Table {
        let Self { options, .. } = self;
        let layout = Layout { width: options.width, rows: options.rows, in_flight: options.in_flight };
        Table::new(&self.buckets, &self.total, &self.rows, layout)
    }
}

fn show(report: &Report<'_>, term: &mut Term) -> Result<(), Failure> {
    match report.options.format {
        Format::Text => print(&report.table(), term),
        Format::Json => term.line(export::json(report)),
        Format::Csv => term.write(export::csv(report).as_bytes()),
        Format::OpenMetrics => term.write(export::openmetrics(report).as_bytes()),
    }
    if let Some(path) = &report.options.svg {
        picture::write(path, &picture::svg(report))?;
    }
    if let Some(path) = &report.options.html {
        picture::write(path, &picture::html(report))?;
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

/// The greatest number of an age column, TOTAL aside.
pub fn hottest(table: &Table) -> u64 {
    let cells = table.lines.iter().filter(|line| !line.is_total).flat_map(|line| &line.cells);
    cells.filter(|cell| cell.is_age).map(|cell| cell.count).max().unwrap_or(0)
}

/// How hot a number is, 0 to 1: by its order of magnitude, since backlogs double.
pub fn heat(count: u64, hottest: u64) -> f64 {
    if count == 0 || hottest == 0 {
        return 0.0;
    }
    ((count as f64).ln_1p() / (hottest as f64).ln_1p()).min(1.0)
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

fn footer(report: &Report<'_>, term: &mut Term) {
    for (word, snapshot, now) in &report.snapshots {
        term.note(snapshot_line(word, snapshot, *now));
        tell_notes(snapshot, term);
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
    format!("{} waiting{detail}{expired}", plural(messages, "message"))
}

fn unknown_line(report: &Report<'_>) -> String {
    let counts_only = report.snapshots.iter().any(|(_, snapshot, _)| snapshot.counter.is_some());
    let advice =
        if counts_only { "; this broker only counts messages, --ledger FILE dates them from now on" } else { "" };
    format!("age unknown: {} of {}{advice}", report.total.unknown, report.total.total)
}
