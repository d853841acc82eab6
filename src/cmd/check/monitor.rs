//! `--monitor`: one line and an exit code, as Nagios, Icinga and their like read them.

use crate::cmd::duration::whole_seconds;
use crate::diagnose::Severity;
use crate::diagnose::when::DAY;
use crate::examine::report::Report;
use crate::term::{Exit, Failure, plural};

/// Bounds on the days that a certificate is still valid and on the round-trip time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bounds {
    pub days: Option<i64>,
    pub latency_ms: Option<f64>,
}

impl Bounds {
    /// `30d`, `2w`, `200ms`, `1.5s`, or several with commas between.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut bounds = Self::default();
        for part in text.split(',') {
            let bad = || "must be days (30d, 2w), a time (200ms, 1.5s), or both with a comma between".to_owned();
            let number =
                |digits: &str| digits.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
            if part.ends_with(['d', 'w']) {
                // As certgen reads them.
                bounds.days = Some(whole_seconds(part).ok_or_else(bad)? / DAY);
            } else if let Some(digits) = part.strip_suffix("ms") {
                bounds.latency_ms = Some(number(digits).ok_or_else(bad)?);
            } else if let Some(digits) = part.strip_suffix('s') {
                bounds.latency_ms = Some(number(digits).ok_or_else(bad)? * 1000.0);
            } else {
                return Err(bad());
            }
        }
        Ok(bounds)
    }

    /// These, and of the days those of `default` where none were given.
    #[must_use]
    pub fn or(self, default: Self) -> Self {
        Self { days: self.days.or(default.days), ..self }
    }

    /// Whether these warn before `critical` is reached.
    pub fn is_crossed_before(self, critical: Self) -> bool {
        let days = self.days.zip(critical.days).is_none_or(|(warn, critical)| warn >= critical);
        days && self.latency_ms.zip(critical.latency_ms).is_none_or(|(warn, critical)| warn <= critical)
    }

    /// What of the report is beyond the bounds: the server's certificate, the client's, the round trip.
    fn crossed(self, days: Option<f64>, own_days: Option<f64>, latency_ms: Option<f64>) -> Option<String> {
        for (whose, days) in [("certificate", days), ("client certificate", own_days)] {
            if let (Some(bound), Some(days)) = (self.days, days)
                && days < bound as f64
            {
                return Some(format!("{whose} valid for {}", plural(days.max(0.0) as u64, "more day")));
            }
        }
        let (bound, latency) = (self.latency_ms?, latency_ms?);
        (latency > bound).then(|| format!("round trip of {latency:.1} ms"))
    }
}

/// When to call a certificate's end near, unless the user says.
pub const WARN: Bounds = Bounds { days: Some(30), latency_ms: None };
pub const CRITICAL: Bounds = Bounds { days: Some(7), latency_ms: None };

/// The line and the code of `report`.
pub fn line(report: &Report, warn: Bounds, critical: Bounds) -> (String, Exit) {
    let days = report.number("chain", "days_left");
    let own_days = report.number("identity", "days_left");
    let latency = report.number("rtt", "milliseconds");
    let (warn, critical) = (warn.or(WARN), critical.or(CRITICAL));
    let but = report.reservations().iter().fold(String::new(), |all, one| all + "; " + one);
    let (word, exit, why) = if let Some(cause) = report.cause().filter(|_| report.is_unknown) {
        ("UNKNOWN", Exit::USAGE, format!("{} [{}]", cause.what, cause.id))
    } else if let Some(cause) = report.cause() {
        ("CRITICAL", Exit::DAMAGED, format!("{} [{}]", cause.what, cause.id))
    } else if let Some(why) = critical.crossed(days, own_days, latency) {
        ("CRITICAL", Exit::DAMAGED, why)
    } else if let Some(why) = warn.crossed(days, own_days, latency) {
        ("WARNING", Exit::FAILED, why)
    } else if let Some(finding) = report.findings().find(|finding| finding.severity == Severity::Warning) {
        ("WARNING", Exit::FAILED, format!("{} [{}]{but}", finding.what, finding.id))
    } else if !but.is_empty() {
        ("OK", Exit::OK, format!("nothing wrong was found{but}"))
    } else {
        ("OK", Exit::OK, "all stages passed".to_owned())
    };
    let mut data = Vec::new();
    let shown = |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
    for (name, days) in [("days", days), ("client_days", own_days)] {
        if let Some(days) = days {
            let (warn, critical) = (warn.days.unwrap_or_default(), critical.days.unwrap_or_default());
            data.push(format!("{name}={days:.0};{warn}:;{critical}:"));
        }
    }
    if let Some(latency) = latency {
        data.push(format!("rtt={latency:.2}ms;{};{}", shown(warn.latency_ms), shown(critical.latency_ms)));
    }
    if report.unjudged > 0 {
        data.push(format!("unjudged={}", report.unjudged));
    }
    let data = if data.is_empty() { String::new() } else { format!(" | {}", data.join(" ")) };
    (format!("MQTT {word} - {}: {}{data}", report.target, on_one_line(&why)), exit)
}

/// The line when nothing could be checked: monitoring systems read standard output.
pub fn unknown(failure: &Failure) -> String {
    let why = failure.message.as_deref().or(failure.verbatim.lines().next()).unwrap_or("nothing could be checked");
    format!("MQTT UNKNOWN - {}", on_one_line(why))
}

/// The line is one line, and what follows a bar is numbers.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '|' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnose::Finding;
    use crate::examine::report::Stage;

    fn report(days: i64, milliseconds: f64) -> Report {
        let mut chain = Stage::new("chain");
        chain.fact("days_left", days);
        let mut rtt = Stage::new("rtt");
        rtt.fact("milliseconds", milliseconds);
        let mut report = Report::new("host:8883");
        report.stages = vec![chain, rtt];
        report
    }

    #[test]
    fn days_and_latency_decide_between_ok_warning_and_critical() {
        let rows = [
            (90, 1.0, "OK", 0),
            (29, 1.0, "WARNING", 1),
            (6, 1.0, "CRITICAL", 2),
            (90, 60.0, "WARNING", 1),
            (90, 600.0, "CRITICAL", 2),
        ];
        for (days, latency, word, code) in rows {
            let warn = Bounds::parse("50ms").unwrap();
            let critical = Bounds::parse("0.5s,7d").unwrap();
            let (line, exit) = line(&report(days, latency), warn, critical);
            assert!(line.starts_with(&format!("MQTT {word} - host:8883: ")), "{line}");
            assert_eq!(exit.0, code, "{line}");
        }
    }

    #[test]
    fn the_line_carries_the_numbers_with_their_bounds() {
        let (line, _) = line(&report(90, 1.234), Bounds::parse("40d,50ms").unwrap(), Bounds::default());
        assert_eq!(line, "MQTT OK - host:8883: all stages passed | days=90;40:;7: rtt=1.23ms;50;");
    }

    #[test]
    fn what_was_not_judged_has_not_passed() {
        let mut report = report(90, 1.0);
        report.unjudged = 2;
        let (line, exit) = line(&report, Bounds::default(), Bounds::default());
        assert!(
            line.starts_with("MQTT OK - host:8883: nothing wrong was found; 2 things were not judged | "),
            "{line}"
        );
        assert!(line.ends_with(" unjudged=2"), "{line}");
        assert_eq!(exit, Exit::OK);
        report.stages[0].found(Finding::warning("session.not-kept", "nothing is stored"));
        let (line, _) = super::line(&report, Bounds::default(), Bounds::default());
        assert!(line.contains("nothing is stored [session.not-kept]; 2 things were not judged | "), "{line}");
    }

    #[test]
    fn the_clients_certificate_is_watched_too() {
        let mut report = report(90, 1.0);
        let mut identity = Stage::new("identity");
        identity.fact("days_left", 6);
        report.stages.push(identity);
        let (line, exit) = line(&report, Bounds::default(), Bounds::default());
        assert!(line.contains("CRITICAL - host:8883: client certificate valid for 6 more days"), "{line}");
        assert!(line.contains("days=90;30:;7: client_days=6;30:;7:"), "{line}");
        assert_eq!(exit, Exit::DAMAGED);
    }

    #[test]
    fn a_cause_is_critical() {
        let mut report = report(90, 1.0);
        report.stages[0].found(Finding::error("cert.hostname", "asked for `a|b`"));
        let (line, exit) = line(&report, Bounds::default(), Bounds::default());
        assert_eq!(exit, Exit::DAMAGED);
        assert!(line.contains("asked for `a b` [cert.hostname] | days=90"), "{line}");
    }

    #[test]
    fn a_warning_of_the_report_is_one_and_a_note_is_none() {
        let mut report = report(90, 1.0);
        report.stages[0].found(Finding::note("keepalive", "shorter"));
        assert_eq!(line(&report, Bounds::default(), Bounds::default()).1, Exit::OK);
        report.stages[0].found(Finding::warning("session.not-kept", "nothing is stored"));
        let (line, exit) = line(&report, Bounds::default(), Bounds::default());
        assert!(line.contains("WARNING - host:8883: nothing is stored [session.not-kept] | days=90"), "{line}");
        assert_eq!(exit, Exit::FAILED);
    }

    #[test]
    fn bounds_without_a_unit_are_refused() {
        for text in ["", "30", "xd", "-1ms", "-1d", "infs", "1d,"] {
            assert!(Bounds::parse(text).is_err(), "{text}");
        }
        assert_eq!(Bounds::parse("2w").unwrap().days, Some(14));
    }

    #[test]
    fn bounds_that_would_never_warn_are_seen() {
        let parse = |text| Bounds::parse(text).unwrap();
        assert!(parse("30d,200ms").is_crossed_before(parse("7d,1s")));
        assert!(parse("7d").is_crossed_before(parse("7d,1s")));
        assert!(!parse("5d").is_crossed_before(Bounds::default().or(CRITICAL)));
        assert!(!parse("30d,2s").is_crossed_before(parse("7d,1s")));
    }
}
