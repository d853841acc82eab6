//! What the shape of a client's queue means, in words.

use crate::cmd::qshape::explain::{Explained, Known};
use crate::cmd::qshape::sentences::{age, moment};
use crate::diagnose::shell;
use crate::queue::findings::{Age, Finding};
use crate::term::{Term, escape_controls, plural};

pub fn explained(explained: &Explained, term: &mut Term) {
    let Explained { client, queued, in_flight, session, findings, .. } = explained;
    term.line(format_args!("{}: {queued} queued, {in_flight} in flight", escape_controls(client)));
    for line in session_lines(session) {
        term.line(line);
    }
    for finding in findings {
        let (what, advice) = sentence(finding, &operand(client));
        term.line(format_args!("- {what}"));
        if let Some(advice) = advice {
            term.line(format_args!("  {advice}"));
        }
    }
}

fn session_lines(known: &Known) -> Vec<String> {
    let mut lines = Vec::new();
    match (known.connected, known.disconnected_at) {
        (Some(true), _) => lines.push("It is connected.".into()),
        (_, Some(at)) => lines.push(format!("It was last connected at {}.", moment(at))),
        (Some(false), None) => lines.push("It is not connected.".into()),
        (None, None) => {}
    }
    if known.never_expires {
        lines.push("Its session never expires.".into());
    } else if let Some(at) = known.expires {
        lines.push(format!("The broker drops its session at {}.", moment(at)));
    }
    if let Some(dropped) = known.dropped.filter(|dropped| *dropped > 0) {
        lines.push(format!("The broker has dropped {} for it.", plural(dropped, "message")));
    }
    lines
}

/// The client's id as an operand of a command that a person copies: it is a stranger's text.
fn operand(client: &str) -> String {
    let word = shell::quoted(client);
    if client.starts_with('-') { format!("-- {word}") } else { word }
}

/// An age that is known, or that it is at least.
fn known(known: Age) -> String {
    let age = age(known.least);
    if known.is_exact { age } else { format!("at least {age}") }
}

/// What a finding means, and what to do. `client` is an operand for the shell.
fn sentence(finding: &Finding, client: &str) -> (String, Option<String>) {
    let old = |age: &Option<Age>| age.map_or_else(|| "unknown age".to_owned(), known);
    match finding {
        Finding::NothingWaits => ("Nothing waits for it.".into(), None),
        Finding::QosZeroTrap { filters } => (
            format!("QoS 0 trap: its {} of QoS 0, so nothing is kept while it is away.", plural_are(*filters as u64)),
            Some("Subscribe with QoS 1 if it should get what it missed.".into()),
        ),
        Finding::QosZeroWaiting { count } => (
            format!("{} of QoS 0 among them: a connection lost while they are sent loses them.", plural(*count, "message")),
            None,
        ),
        Finding::FullQueue { waiting, limit, assumed, youngest } => {
            let which = if *assumed { "Mosquitto's usual limit" } else { "the limit" };
            let youngest = youngest.map_or_else(String::new, |at| format!(" The youngest is {} old.", known(at)));
            (
                format!(
                    "Full queue: {waiting} wait and {limit} is {which}, so messages for it are being dropped.{youngest}"
                ),
                Some(format!(
                    "Bring the client back, raise max_queued_messages, or give it up: moskit qshape purge {client}"
                )),
            )
        }
        Finding::DeadConsumer { per_minute, oldest } => (
            format!(
                "Dead consumer: messages come in at about {per_minute:.1} a minute and nobody takes them, for {}.",
                known(*oldest)
            ),
            Some("Look at the client's process and network. An old backlog costs memory, not speed.".into()),
        ),
        Finding::NeverResumed { oldest } => (
            format!("Never resumed: the oldest message waits for {}, and nobody has come for it.", known(*oldest)),
            Some(format!(
                "If the client is gone for good: moskit qshape purge {client}. Test clients should start clean or set a session expiry."
            )),
        ),
        Finding::SlowConsumer { in_flight, queued, oldest_in_flight } => (
            format!(
                "Slow consumer: {in_flight} sent and not acknowledged (the oldest of {}), {queued} wait behind them.",
                old(oldest_in_flight)
            ),
            Some(
                "Raise its receive maximum, share the work by a shared subscription, or use a lower QoS. If it is away, it left with these unacknowledged."
                    .into(),
            ),
        ),
        Finding::Burst { from, to, count, topic } => {
            let until = to.map_or_else(|| format!("more than {}", age(*from)), |to| format!("{} to {}", age(*from), age(to)));
            let most = topic.as_ref().map_or_else(String::new, |(topic, of)| {
                format!(" {of} of them are on {}.", escape_controls(topic))
            });
            (
                format!("Burst: {count} messages came {until} ago, far more than before and after.{most}"),
                Some("moskit qshape --by publisher tells who sent them.".into()),
            )
        }
        Finding::PoisonTopic { topic, sent_again, oldest } => (
            format!(
                "Poison topic: {} on {} sent again without an acknowledgement, the oldest of {}.",
                plural(*sent_again, "message"),
                escape_controls(topic),
                old(oldest)
            ),
            Some(format!("The client may die on this payload: moskit qshape list --payload {client}")),
        ),
        Finding::RetainedReplay { count } => (
            format!("{} among them: retained ones, whose age is that of the topic and no backlog.", plural(*count, "message")),
            None,
        ),
        Finding::Expired { count } => {
            (format!("{} expired: the broker drops them when the client comes back.", plural(*count, "message")), None)
        }
        Finding::AgesUnknown { count } => (
            format!("{} of unknown age.", plural(*count, "message")),
            Some("For Mosquitto 2.0 and older, moskit qshape --ledger FILE, run every few minutes, dates them.".into()),
        ),
        Finding::AtLeast { count, oldest } => (
            format!(
                "{}, the oldest of {}; how much longer it waits is not known.",
                plural(*count, "message"),
                known(*oldest)
            ),
            Some("With --ledger FILE, run every few minutes, moskit qshape dates what comes from now on.".into()),
        ),
        Finding::Healthy { count, oldest } => (
            format!("Healthy: {}, the oldest of {}.", plural(*count, "message"), known(*oldest)),
            None,
        ),
    }
}

fn plural_are(filters: u64) -> String {
    if filters == 1 { "only filter is".to_owned() } else { format!("{filters} filters are all") }
}
