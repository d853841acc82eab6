//! The table for programs: JSON, CSV, OpenMetrics.

use serde_json::{Value, json};

use crate::cmd::qshape::options::By;
use crate::cmd::qshape::report::Report;
use crate::cmd::qshape::sentences::{moment, note};
use crate::queue::shape::{Counts, Row};
use crate::term::escape_controls;

const NANOS_PER_SECOND: f64 = 1e9;

/// One object: columns, TOTAL, rows in the order of the table, and what is known of the sources.
pub fn json(report: &Report<'_>) -> Value {
    let ends: Vec<_> = report.buckets.ends_in_seconds().map(|end| json!(end)).chain([Value::Null]).collect();
    let sources: Vec<_> = report
        .snapshots
        .iter()
        .map(|(word, snapshot, now)| {
            json!({
                "source": word,
                "kind": snapshot.kind,
                "taken_at": snapshot.taken_at.map(moment),
                "ages_at": moment(*now),
                "sessions": snapshot.sessions,
                "stored": snapshot.stored,
                "orphans": snapshot.orphans,
                "incoming": snapshot.incoming,
                "notes": snapshot.notes.iter().map(note).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "by": by_name(report.options.by),
        "unit": if report.options.by_bytes { "bytes" } else { "messages" },
        "bucket_ends_seconds": ends,
        "total": counts(&report.total),
        "rows": shown(report).map(row).collect::<Vec<_>>(),
        "sources": sources,
    })
}

/// The rows that the table would show; TOTAL is one of those that `-n` counts.
fn shown<'a>(report: &'a Report<'_>) -> impl Iterator<Item = &'a Row> {
    let limit = if report.options.rows == 0 { usize::MAX } else { report.options.rows - 1 };
    report.rows.iter().take(limit)
}

pub fn by_name(by: By) -> &'static str {
    match by {
        By::Client => "client",
        By::Topic => "topic",
        By::Filter => "filter",
        By::Publisher => "publisher",
        By::User => "user",
        By::Qos => "qos",
        By::ClientTopic => "client,topic",
    }
}

fn row(row: &Row) -> Value {
    let mut value = json!({ "name": row.name, "parent": row.is_parent });
    if let (Value::Object(value), Value::Object(counts)) = (&mut value, counts(&row.counts)) {
        value.extend(counts);
    }
    value
}

fn counts(counts: &Counts) -> Value {
    json!({
        "total": counts.total,
        "buckets": counts.buckets,
        "unknown": counts.unknown,
        "in_flight": counts.in_flight,
        "messages": counts.messages,
        "bytes": counts.bytes,
        "expired": counts.expired,
        "oldest_seconds": counts.oldest.map(|age| age as f64 / NANOS_PER_SECOND),
    })
}

/// A head line and one line a row, TOTAL first; lines end as RFC 4180 says.
pub fn csv(report: &Report<'_>) -> String {
    let mut heads: Vec<String> = vec![by_name(report.options.by).replace(',', " "), "total".into()];
    heads.extend(report.buckets.heads());
    heads.extend(["unknown", "in_flight", "messages", "bytes", "expired", "oldest_seconds"].map(String::from));
    let mut text = heads.join(",") + "\r\n";
    text += &csv_line("TOTAL", &report.total);
    text.extend(shown(report).map(|row| csv_line(&row.name, &row.counts)));
    text
}

fn csv_line(name: &str, counts: &Counts) -> String {
    let name = escape_controls(name);
    let quoted = name.contains(['"', ',']) || name.starts_with(['=', '+', '-', '@', '\t', ' ']);
    let name = if quoted { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.into_owned() };
    let Counts { total, buckets, unknown, in_flight, messages, bytes, expired, oldest, .. } = counts;
    let numbers = [total].into_iter().chain(buckets).chain([unknown, in_flight, messages, bytes, expired]);
    let oldest = oldest.map_or_else(String::new, |age| format!("{:.3}", age as f64 / NANOS_PER_SECOND));
    let fields: Vec<String> = [name].into_iter().chain(numbers.map(u64::to_string)).chain([oldest]).collect();
    fields.join(",") + "\r\n"
}

/// A gauge of the OpenMetrics output: name, help, value of a row.
type Gauge = (&'static str, &'static str, fn(&Counts) -> u64);

const GAUGES: [Gauge; 5] = [
    ("moskit_waiting", "Waiting, of known and unknown age", |counts| counts.total),
    ("moskit_waiting_unknown_age", "Waiting since nobody knows when", |counts| counts.unknown),
    ("moskit_waiting_in_flight", "Sent and not acknowledged", |counts| counts.in_flight),
    ("moskit_waiting_payload_bytes", "Payload bytes waiting", |counts| counts.bytes),
    ("moskit_waiting_expired", "Expired and still stored", |counts| counts.expired),
];

/// OpenMetrics text: a gauge histogram of ages and gauges beside it, one series a row.
pub fn openmetrics(report: &Report<'_>) -> String {
    let label = by_name(report.options.by).replace(',', "_");
    let rows: Vec<_> = shown(report)
        .filter(|row| !row.is_parent)
        .map(|row| (format!("{label}=\"{}\"", escape_label(&row.name)), &row.counts))
        .collect();
    let unit = if report.options.by_bytes { "bytes" } else { "messages" };
    let mut text = String::new();
    text += &family("moskit_waiting_age_seconds", "gaugehistogram", &format!("Ages of waiting {unit}"));
    text += "# UNIT moskit_waiting_age_seconds seconds\n";
    for (labels, counts) in &rows {
        text += &histogram(labels, counts, report);
    }
    for (name, help, value) in GAUGES {
        text += &family(name, "gauge", help);
        text.extend(rows.iter().map(|(labels, counts)| format!("{name}{{{labels}}} {}\n", value(counts))));
    }
    text + "# EOF\n"
}

fn family(name: &str, kind: &str, help: &str) -> String {
    format!("# TYPE {name} {kind}\n# HELP {name} {help}\n")
}

fn histogram(labels: &str, counts: &Counts, report: &Report<'_>) -> String {
    const NAME: &str = "moskit_waiting_age_seconds";
    let mut sum = 0_u64;
    let mut lines: Vec<String> = (report.buckets.ends_in_seconds().zip(&counts.buckets))
        .map(|(end, count)| {
            sum = sum.saturating_add(*count);
            format!("{NAME}_bucket{{{labels},le=\"{end:?}\"}} {sum}\n")
        })
        .collect();
    let known = counts.total.saturating_sub(counts.unknown);
    let ages = counts.age_sum as f64 / NANOS_PER_SECOND;
    lines.push(format!("{NAME}_bucket{{{labels},le=\"+Inf\"}} {known}\n"));
    lines.push(format!("{NAME}_gcount{{{labels}}} {known}\n"));
    lines.push(format!("{NAME}_gsum{{{labels}}} {ages:.3}\n"));
    lines.concat()
}

/// A control character is shown as elsewhere, but the end of a line, for which the format has its own form.
fn escape_label(value: &str) -> String {
    let escape = |line: &str| escape_controls(line).replace('\\', "\\\\").replace('"', "\\\"");
    value.split('\n').map(escape).collect::<Vec<_>>().join("\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_names_are_quoted_where_a_comma_or_a_spreadsheet_would_misread_them() {
        let counts = Counts { total: 1, buckets: vec![1], oldest: Some(1_500_000_000), ..Counts::default() };
        assert_eq!(csv_line("a", &counts), "a,1,1,0,0,0,0,0,1.500\r\n");
        assert!(csv_line("a,\"b\"", &counts).starts_with("\"a,\"\"b\"\"\","));
        assert!(csv_line("=cmd()", &counts).starts_with("\"=cmd()\","));
    }

    #[test]
    fn label_values_are_escaped() {
        assert_eq!(escape_label("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        assert_eq!(escape_label("\x1b\u{202e}"), "\\\\x1b\\\\u{202e}");
    }
}
