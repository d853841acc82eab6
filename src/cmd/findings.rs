//! Findings and the opinions of TLS stacks as every verb shows them: lines for people, JSON for programs. Signs, not
//! colour, carry the meaning.

use colored::{Color, Colorize};
use serde_json::{Map, Value, json};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diagnose::stacks::{Answer, Opinion};
use crate::diagnose::{Finding, Severity};
use crate::term::{Term, is_control};

/// Off a terminal, lines are laid out for this many columns.
const PAGE: usize = 100;

/// The columns to lay lines out for.
pub fn columns(term: &Term) -> usize {
    term.columns().map_or(PAGE, usize::from).clamp(20, 160)
}

/// What stands before a line, instead of a word.
#[derive(Clone, Copy)]
pub enum Sign {
    Good,
    Bad,
    Warning,
    Note,
    Skipped,
}

impl Sign {
    pub fn paint(self) -> String {
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

    fn of(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Bad,
            Severity::Warning => Self::Warning,
            Severity::Note => Self::Note,
        }
    }
}

/// A finding below `indent` columns: what it is, what speaks for it, what to do.
pub fn lines(finding: &Finding, indent: usize, width: usize) -> Vec<String> {
    let room = width.saturating_sub(indent + 2);
    let mut lines = Vec::new();
    let mut push = |first: &str, text: &str| {
        for (index, part) in wrap(&safe(text), room).into_iter().enumerate() {
            let mark = if index == 0 { first } else { " " };
            lines.push(format!("{}{mark} {part}", " ".repeat(indent)));
        }
    };
    push(&Sign::of(finding.severity).paint(), &format!("{} [{}]", finding.what, finding.id));
    for evidence in &finding.evidence {
        push(" ", evidence);
    }
    if let Some(fix) = &finding.fix {
        push(" ", &format!("→ {fix}"));
    }
    lines
}

/// What one stack makes of a chain, as one line without its layout.
pub fn opinion(opinion: &Opinion) -> (Sign, String) {
    let users = opinion.stack.users();
    match (&opinion.answer, opinion.reservation) {
        (Answer::Refuses(why), _) => (Sign::Bad, format!("{users}: refuse it ({why})")),
        (Answer::Unknown(what), _) => (Sign::Skipped, format!("{users}: not known, {what}")),
        (Answer::Accepts, Some(condition)) => (Sign::Warning, format!("{users}: accept it; {condition}")),
        (Answer::Accepts, None) => (Sign::Good, format!("{users}: accept it")),
    }
}

/// A finding for programs.
pub fn json(finding: &Finding) -> Value {
    json!({
        "id": finding.id,
        "severity": finding.severity.name(),
        "what": finding.what,
        "evidence": finding.evidence,
        "fix": finding.fix,
    })
}

/// The opinions for programs, by the name of the stack. What is not known is `null`.
pub fn verdicts(opinions: &[Opinion]) -> Value {
    let of = |opinion: &Opinion| {
        let (accepts, refusal, unknown) = match &opinion.answer {
            Answer::Accepts => (Some(true), None, None),
            Answer::Refuses(why) => (Some(false), Some(why.as_str()), None),
            Answer::Unknown(what) => (None, None, Some(*what)),
        };
        let value = json!({
            "accepts": accepts, "refusal": refusal, "unknown": unknown, "reservation": opinion.reservation,
        });
        (opinion.stack.name().to_owned(), value)
    };
    Value::Object(opinions.iter().map(of).collect::<Map<_, _>>())
}

/// Names in certificates and answers of servers are strangers' text.
pub fn safe(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Lines of at most `room` columns, broken at spaces; a longer word is cut.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_longer_than_the_room_are_cut() {
        assert_eq!(wrap("aaaaaaaaaaaa b", 8), ["aaaaaaaa", "aaaa b"]);
    }
}
