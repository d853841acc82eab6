//! A report as text, wide or narrow, and as JSON. Signs, not colour, carry the meaning.

use colored::{Color, Colorize};
use serde_json::{Map, Value, json};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diagnose::{Finding, Severity};
use crate::examine::report::{Report, Stage};
use crate::term::{Term, is_control, plural};

/// Off a terminal, lines are laid out for this many columns.
const PAGE: usize = 100;

/// Below this width facts stand under each other and under the name of their stage.
const NARROW: usize = 60;

/// Columns of sign and stage name.
const NAME: usize = 12;

/// The report as a person reads it.
pub fn text(report: &Report, term: &mut Term) {
    let width = term.columns().map_or(PAGE, usize::from).clamp(20, 160);
    for line in lines(report, width) {
        term.line(line);
    }
}

fn lines(report: &Report, width: usize) -> Vec<String> {
    let mut lines = vec![safe(&report.target).bold().to_string()];
    for stage in &report.stages {
        stage_lines(stage, width, &mut lines);
    }
    for opinion in &report.opinions {
        let (sign, text) = match (&opinion.refusal, opinion.reservation) {
            (Some(why), _) => (Sign::Bad, format!("{}: refuse it ({why})", opinion.stack.users())),
            (None, Some(condition)) => (Sign::Warning, format!("{}: accept it; {condition}", opinion.stack.users())),
            (None, None) => (Sign::Good, format!("{}: accept it", opinion.stack.users())),
        };
        row(sign, "verdict", &text, width, &mut lines);
    }
    lines.push(String::new());
    conclusion(report, width, &mut lines);
    lines
}

fn conclusion(report: &Report, width: usize, lines: &mut Vec<String>) {
    let Some(cause) = report.cause() else {
        let warnings = report.findings().filter(|finding| finding.severity == Severity::Warning).count();
        lines.push(match warnings {
            0 => "all is well".to_owned(),
            count => format!("it works, with {}", plural(count as u64, "warning")),
        });
        return;
    };
    let mut say = |label: &str, text: &str| {
        for (index, part) in wrap(&safe(text), width.saturating_sub(7)).into_iter().enumerate() {
            let label = if index == 0 { format!("{label:<7}") } else { " ".repeat(7) };
            lines.push(format!("{label}{part}"));
        }
    };
    say("cause:", &format!("{} [{}]", cause.what, cause.id));
    if let Some(fix) = &cause.fix {
        say("next:", fix);
    }
}

#[derive(Clone, Copy)]
enum Sign {
    Good,
    Bad,
    Warning,
    Note,
    Skipped,
}

impl Sign {
    fn paint(self) -> String {
        let (sign, colour) = match self {
            Self::Good => ("✔", Some(Color::Green)),
            Self::Bad => ("✘", Some(Color::Red)),
            Self::Warning => ("!", Some(Color::Yellow)),
            Self::Note => ("·", None),
            Self::Skipped => ("–", None),
        };
        match colour {
            Some(colour) => sign.color(colour).bold().to_string(),
            None => sign.to_owned(),
        }
    }

    fn of(severity: Option<Severity>) -> Self {
        match severity {
            None | Some(Severity::Note) => Self::Good,
            Some(Severity::Warning) => Self::Warning,
            Some(Severity::Error) => Self::Bad,
        }
    }
}

fn stage_lines(stage: &Stage, width: usize, lines: &mut Vec<String>) {
    if let Some(why) = &stage.skipped {
        row(Sign::Skipped, stage.name, &format!("not tried: {why}"), width, lines);
        return;
    }
    let facts: Vec<_> = stage.facts.iter().map(|(name, value)| fact(name, value)).collect();
    let joint = if width < NARROW { "\n" } else { ", " };
    row(Sign::of(stage.worst()), stage.name, &facts.join(joint), width, lines);
    for finding in &stage.findings {
        finding_lines(finding, width, lines);
    }
}

fn finding_lines(finding: &Finding, width: usize, lines: &mut Vec<String>) {
    let sign = match finding.severity {
        Severity::Error => Sign::Bad,
        Severity::Warning => Sign::Warning,
        Severity::Note => Sign::Note,
    };
    let indent = if width < NARROW { 2 } else { NAME };
    let room = width.saturating_sub(indent + 2);
    let mut push = |first: &str, text: &str| {
        for (index, part) in wrap(&safe(text), room).into_iter().enumerate() {
            let mark = if index == 0 { first } else { " " };
            lines.push(format!("{}{mark} {part}", " ".repeat(indent)));
        }
    };
    push(&sign.paint(), &format!("{} [{}]", finding.what, finding.id));
    for evidence in &finding.evidence {
        push(" ", evidence);
    }
    if let Some(fix) = &finding.fix {
        push(" ", &format!("→ {fix}"));
    }
}

/// `name value`; a fact whose value is `true` is its name alone, and a time is its number.
fn fact(name: &str, value: &Value) -> String {
    let text = plain(value);
    if name == "milliseconds" {
        return format!("{text} ms");
    }
    let name = name.replace('_', " ");
    match value {
        Value::Bool(true) => name,
        _ if text.is_empty() => format!("{name} none"),
        _ => format!("{name} {text}"),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(answer) => if *answer { "yes" } else { "no" }.to_owned(),
        Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => format!("{float:.2}"),
            _ => number.to_string(),
        },
        Value::Null => "unknown".to_owned(),
        Value::Object(_) => value.to_string(),
    }
}

fn row(sign: Sign, name: &str, text: &str, width: usize, lines: &mut Vec<String>) {
    if width < NARROW {
        lines.push(format!("{} {name}", sign.paint()));
        for part in text.lines().flat_map(|line| wrap(&safe(line), width.saturating_sub(4))) {
            lines.push(format!("    {part}"));
        }
        return;
    }
    let room = width.saturating_sub(NAME);
    let parts = if text.is_empty() { vec![String::new()] } else { wrap(&safe(text), room) };
    for (index, part) in parts.into_iter().enumerate() {
        let line = if index == 0 {
            format!("{} {name:<10}{part}", sign.paint())
        } else {
            format!("{}{part}", " ".repeat(NAME))
        };
        lines.push(line.trim_end().to_owned());
    }
}

/// Names in certificates and answers of servers are strangers' text.
fn safe(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Lines of at most `room` columns, broken at spaces; a longer word is cut.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(8);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let width = word.width();
        if used > 0 && used + 1 + width > room {
            lines.push(String::new());
            used = 0;
        }
        if used > 0 {
            push(&mut lines, ' ');
            used += 1;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > room {
                lines.push(String::new());
                used = 0;
            }
            push(&mut lines, c);
            used += columns;
        }
    }
    lines
}

fn push(lines: &mut [String], c: char) {
    if let Some(line) = lines.last_mut() {
        line.push(c);
    }
}

/// The report for programs.
pub fn json(report: &Report) -> Value {
    let cause = report.cause();
    let is_cause = |finding: &Finding| cause.is_some_and(|cause| std::ptr::eq(cause, finding));
    let of = |finding: &Finding| {
        json!({
            "id": finding.id,
            "severity": finding.severity.name(),
            "what": finding.what,
            "evidence": finding.evidence,
            "fix": finding.fix,
            "cause": is_cause(finding),
        })
    };
    let stages: Vec<_> = report
        .stages
        .iter()
        .map(|stage| {
            json!({
                "name": stage.name,
                "status": status(stage),
                "facts": stage.facts,
                "findings": stage.findings.iter().map(of).collect::<Vec<_>>(),
                "not_tried": stage.skipped,
            })
        })
        .collect();
    let verdicts: Map<String, Value> = report
        .opinions
        .iter()
        .map(|opinion| {
            let value =
                json!({ "accepts": opinion.accepts(), "refusal": opinion.refusal, "reservation": opinion.reservation });
            (opinion.stack.name().to_owned(), value)
        })
        .collect();
    json!({
        "target": report.target,
        "ok": !report.has_failed(),
        "cause": cause.map(|cause| cause.id),
        "next": cause.and_then(|cause| cause.fix.clone()),
        "stages": stages,
        "verdicts": verdicts,
    })
}

fn status(stage: &Stage) -> &'static str {
    match (&stage.skipped, stage.worst()) {
        (Some(_), _) => "skipped",
        (None, Some(Severity::Error)) => "failed",
        (None, Some(Severity::Warning)) => "warning",
        (None, _) => "ok",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        colored::control::set_override(false);
        let mut report = Report::new("localhost:8883");
        let mut dns = Stage::new("dns");
        dns.fact("addresses", json!(["127.0.0.1", "::1"]));
        let mut chain = Stage::new("chain");
        chain.fact("subject", "CN=a\u{1b}[31m");
        chain.found(Finding::error("cert.expired", "it expired").evidence("yesterday").fix("renew it"));
        report.stages = vec![dns, chain, Stage::skipped("connect", "the certificate failed")];
        report
    }

    #[test]
    fn a_wide_report_has_one_line_for_each_stage() {
        let text = lines(&report(), 100).join("\n");
        let expected = "localhost:8883
✔ dns       addresses 127.0.0.1, ::1
✘ chain     subject CN=a\u{fffd}[31m
            ✘ it expired [cert.expired]
              yesterday
              → renew it
– connect   not tried: the certificate failed

cause: it expired [cert.expired]
next:  renew it";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_narrow_report_keeps_within_its_columns() {
        let lines = lines(&report(), 24);
        assert!(lines.iter().all(|line| line.width() <= 24), "{lines:#?}");
        assert!(lines.contains(&"✔ dns".to_owned()));
    }

    #[test]
    fn exactly_one_finding_is_the_cause_in_json() {
        let mut report = report();
        report.stages[1].found(Finding::error("cert.hostname", "other name"));
        let json = json(&report);
        let causes: Vec<_> =
            json["stages"][1]["findings"].as_array().unwrap().iter().map(|found| found["cause"].clone()).collect();
        assert_eq!(causes, [json!(true), json!(false)]);
        assert_eq!(json["cause"], "cert.expired");
        assert_eq!(json["stages"][2]["status"], "skipped");
    }

    #[test]
    fn words_longer_than_the_room_are_cut() {
        assert_eq!(wrap("aaaaaaaaaaaa b", 8), ["aaaaaaaa", "aaaa b"]);
    }
}
