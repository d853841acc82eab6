//! What a check found, stage by stage; which finding is the cause, and how the check ends.

use serde_json::{Map, Value};

use crate::diagnose::stacks::Opinion;
use crate::diagnose::{Finding, Severity};
use crate::term::{Exit, plural};

/// One step of a check, in the order in which a client meets them.
#[derive(Clone, Debug)]
pub struct Stage {
    pub name: &'static str,
    /// What was seen, by name; the text form shows the values.
    pub facts: Map<String, Value>,
    pub findings: Vec<Finding>,
    /// Why the stage was not tried.
    pub skipped: Option<String>,
    /// Its facts are sentences: each has a line of its own.
    pub is_table: bool,
}

impl Stage {
    pub fn new(name: &'static str) -> Self {
        Self { name, facts: Map::new(), findings: Vec::new(), skipped: None, is_table: false }
    }

    pub fn skipped(name: &'static str, why: impl Into<String>) -> Self {
        Self { skipped: Some(why.into()), ..Self::new(name) }
    }

    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    pub fn found(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    pub fn failed(&self) -> bool {
        self.worst() == Some(Severity::Error)
    }

    /// It was tried, nothing is wrong, and what it was to tell is still not known: a fact of it has no value.
    pub fn is_open(&self) -> bool {
        self.worst().is_none_or(|worst| worst == Severity::Note) && self.facts.values().any(Value::is_null)
    }
}

/// The name of a fact that is a time.
pub const MILLISECONDS: &str = "milliseconds";

/// The unit of a fact that is a number of one, by its name in JSON.
pub fn unit(fact: &str) -> Option<&'static str> {
    match fact {
        MILLISECONDS => Some("ms"),
        _ => None,
    }
}

/// A whole check.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What was checked, for people.
    pub target: String,
    pub stages: Vec<Stage>,
    /// What was to be judged could not be read: the cause says why, and nothing is known of the rest.
    pub is_unknown: bool,
    pub opinions: Vec<Opinion>,
    /// A broker accepted the connection with all that was given.
    pub is_let_in: bool,
    /// How many things were met that nobody here can judge.
    pub unjudged: usize,
    /// What a report without an error does not say, for people: it stands in its last line.
    pub reservation: Option<&'static str>,
}

impl Report {
    pub fn new(target: impl Into<String>) -> Self {
        Self { target: target.into(), ..Self::default() }
    }

    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.stages.iter().flat_map(|stage| &stage.findings)
    }

    /// The first error in the order of the stages: what comes after follows from it, or hides behind it.
    pub fn cause(&self) -> Option<&Finding> {
        self.findings().find(|finding| finding.is_error())
    }

    /// Yes or no, for scripts: warnings do not fail a check. What is not known is neither.
    pub fn exit(&self) -> Exit {
        match self.cause() {
            _ if self.is_unknown => Exit::USAGE,
            Some(_) => Exit::FAILED,
            None => Exit::OK,
        }
    }

    /// What a report without an error does not say, each as a half sentence.
    pub fn reservations(&self) -> Vec<String> {
        let were = if self.unjudged == 1 { "was" } else { "were" };
        let unjudged = format!("{} {were} not judged", plural(self.unjudged as u64, "thing"));
        let open = self.stages.iter().filter(|stage| stage.is_open()).map(|stage| stage.name);
        let open = open.map(|name| format!("what stage {name} was to tell is not known"));
        let unjudged = (self.unjudged > 0).then_some(unjudged);
        unjudged.into_iter().chain(open).chain(self.reservation.map(str::to_owned)).collect()
    }

    pub fn has_failed(&self) -> bool {
        self.cause().is_some()
    }

    /// A number among the facts, wherever it is.
    pub fn number(&self, stage: &str, fact: &str) -> Option<f64> {
        self.stages.iter().find(|found| found.name == stage)?.facts.get(fact)?.as_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_first_error_whatever_warnings_come_before() {
        let mut report = Report::new("test");
        let mut chain = Stage::new("chain");
        chain.found(Finding::warning("cert.v1", "old"));
        let mut connect = Stage::new("connect");
        connect.found(Finding::error("connect.refused", "no"));
        connect.found(Finding::error("connect.other", "no"));
        report.stages = vec![chain, connect];
        assert_eq!(report.cause().map(|finding| finding.id), Some("connect.refused"));
        assert_eq!(report.exit(), Exit::FAILED);
    }

    #[test]
    fn warnings_do_not_fail_a_check() {
        let mut report = Report::new("test");
        let mut chain = Stage::new("chain");
        chain.found(Finding::warning("cert.v1", "old"));
        report.stages.push(chain);
        assert_eq!((report.cause(), report.exit()), (None, Exit::OK));
    }
}
