//! A report as text, wide or narrow, and as JSON. Signs, not colour, carry the meaning.

use colored::Colorize;
use serde_json::{Value, json};

use crate::cmd::findings::{self, Sign, safe, wrap};
use crate::diagnose::stacks::Answer;
use crate::diagnose::{Finding, Severity};
use crate::examine::report::{self, Report, Stage};
use crate::term::{Term, plural};

/// Below this width facts stand under each other and under the name of their stage.
const NARROW: usize = 60;

/// Columns of sign and stage name.
const NAME: usize = 12;

/// The report as a person reads it.
pub fn text(report: &Report, term: &mut Term) {
    for line in lines(report, findings::columns(term)) {
        term.line(line);
    }
}

/// The report for programs, on standard output.
pub fn as_json(report: &Report, term: &mut Term) {
    term.json(json(report));
}

/// The one line for a monitoring system.
pub fn monitor(line: &str, term: &mut Term) {
    term.line(line);
}

fn lines(report: &Report, width: usize) -> Vec<String> {
    let mut lines = vec![safe(&report.target).bold().to_string()];
    for stage in &report.stages {
        stage_lines(stage, width, &mut lines);
    }
    for opinion in &report.opinions {
        let (sign, text) = findings::opinion(opinion);
        row(sign, "verdict", &text, width, &mut lines);
    }
    lines.push(String::new());
    conclusion(report, width, &mut lines);
    lines
}

fn conclusion(report: &Report, width: usize, lines: &mut Vec<String>) {
    let Some(cause) = report.cause() else {
        let warnings = report.findings().filter(|finding| finding.severity == Severity::Warning).count();
        let is_open = report.opinions.iter().any(|opinion| matches!(opinion.answer, Answer::Unknown(_)));
        let but = report.reservations();
        lines.push(match warnings {
            0 if !but.is_empty() => format!("nothing wrong was found; {}", but.join("; ")),
            count if !but.is_empty() => format!("{}; {}", plural(count as u64, "warning"), but.join("; ")),
            0 if is_open => "nothing wrong was found; what the clients say to it is not known".to_owned(),
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

fn stage_lines(stage: &Stage, width: usize, lines: &mut Vec<String>) {
    if let Some(why) = &stage.skipped {
        row(Sign::Skipped, stage.name, &format!("not tried: {why}"), width, lines);
        return;
    }
    let sentence = |(name, value): (&String, &Value)| format!("{}: {}", name.replace('_', " "), plain(value));
    let facts: Vec<_> = if stage.is_table {
        stage.facts.iter().map(sentence).collect()
    } else {
        stage.facts.iter().map(|(name, value)| fact(name, value)).collect()
    };
    if stage.is_table && width >= NARROW {
        row(sign_of(stage), stage.name, facts.first().map_or("", String::as_str), width, lines);
        for fact in facts.iter().skip(1) {
            let parts = wrap(&safe(fact), width.saturating_sub(NAME + 2));
            let indents = std::iter::once(NAME).chain(std::iter::repeat(NAME + 2));
            lines.extend(parts.into_iter().zip(indents).map(|(part, indent)| format!("{}{part}", " ".repeat(indent))));
        }
    } else {
        let joint = if width < NARROW { "\n" } else { ", " };
        row(sign_of(stage), stage.name, &facts.join(joint), width, lines);
    }
    let indent = if width < NARROW { 2 } else { NAME };
    for finding in &stage.findings {
        lines.extend(findings::lines(finding, indent, width));
    }
}

fn sign_of(stage: &Stage) -> Sign {
    match stage.worst() {
        _ if stage.is_open() => Sign::Skipped,
        None | Some(Severity::Note) => Sign::Good,
        Some(Severity::Warning) => Sign::Warning,
        Some(Severity::Error) => Sign::Bad,
    }
}

/// `name value`; a fact whose value is `true` is its name alone, and a time is its number.
fn fact(name: &str, value: &Value) -> String {
    let text = plain(value);
    if let Some(unit) = report::unit(name) {
        return format!("{text} {unit}");
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

/// The report for programs.
fn json(report: &Report) -> Value {
    let cause = report.cause();
    let is_cause = |finding: &Finding| cause.is_some_and(|cause| std::ptr::eq(cause, finding));
    let of = |finding: &Finding| {
        let mut object = findings::json(finding);
        object["cause"] = is_cause(finding).into();
        object
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
    json!({
        "target": report.target,
        "ok": (!report.is_unknown).then(|| !report.has_failed()),
        "cause": cause.map(|cause| cause.id),
        "next": cause.and_then(|cause| cause.fix.clone()),
        "stages": stages,
        "unjudged": report.unjudged,
        "reservation": report.reservation,
        "verdicts": findings::verdicts(&report.opinions),
    })
}

fn status(stage: &Stage) -> &'static str {
    match (&stage.skipped, stage.worst()) {
        (Some(_), _) => "skipped",
        (None, Some(Severity::Error)) => "failed",
        (None, Some(Severity::Warning)) => "warning",
        (None, _) if stage.is_open() => "unknown",
        (None, _) => "ok",
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

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
}
