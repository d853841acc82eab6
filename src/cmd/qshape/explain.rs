//! `moskit qshape explain CLIENT`: what the shape of one client's queue means, in words.

use super::options::ExplainArgs;
use super::sentences::{age, moment, show_notes, snapshot_line};
use super::sources::Sources;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::unreadable::cannot_read;
use crate::diagnose::shell;
use crate::queue::explain::{Age, Facts, Finding};
use crate::queue::{Item, Session, Total, Want};
use crate::state::ids::UnixTime;
use crate::term::{Exit, Failure, Term, escape_controls, plural};

pub fn run(args: &ExplainArgs, invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    term.set_quiet(args.quiet.quiet);
    let sources = Sources::new(&args.from, invocation, term)?;
    let want = Want {
        topics: true,
        filters: true,
        client: Some(args.client.clone()),
        age_from: sources.age_from.clone(),
        ..Want::default()
    };
    let mut reading =
        Reading { client: &args.client, facts: Facts::default(), said: None, session: None, damaged: false };
    for word in &sources.words {
        reading.source(word, &sources, &want, term)?;
    }
    reading.show(term)
}

struct Reading<'a> {
    client: &'a str,
    facts: Facts,
    /// From a source that only counts.
    said: Option<(u64, u64)>,
    session: Option<Known>,
    damaged: bool,
}

/// What is known of the session.
#[derive(Default)]
struct Known {
    connected: Option<bool>,
    disconnected_at: Option<UnixTime>,
    expires: Option<UnixTime>,
    never_expires: bool,
    dropped: Option<u64>,
}

impl Reading<'_> {
    fn source(&mut self, word: &str, sources: &Sources, want: &Want, term: &mut Term) -> Result<(), Failure> {
        let now = sources.now(word);
        let read = sources.open(word)?.read(want, &mut |item| match item {
            Item::Message(message) if message.client == self.client => {
                self.session.get_or_insert_default();
                self.facts.add(&message, now);
            }
            Item::Total(total) if total.client == self.client => self.total(&total),
            Item::Session(session) if session.client == self.client => self.session(&session),
            _ => {}
        });
        let snapshot = read.map_err(|error| cannot_read(&error, sources.place(word)))?;
        sources.keep_ledger(&snapshot, term)?;
        term.note(snapshot_line(word, &snapshot, now));
        self.damaged |= show_notes(&snapshot, term);
        Ok(())
    }

    fn total(&mut self, total: &Total<'_>) {
        self.session.get_or_insert_default();
        let (queued, in_flight) = self.said.unwrap_or_default();
        self.said = Some((queued.saturating_add(total.queued), in_flight.saturating_add(total.in_flight)));
    }

    fn session(&mut self, session: &Session<'_>) {
        self.session = Some(Known {
            connected: session.connected,
            disconnected_at: session.disconnected_at,
            expires: session.expires,
            never_expires: session.never_expires,
            dropped: session.dropped,
        });
        self.facts.queue_limit = session.queue_limit;
        self.facts.in_flight_limit = session.in_flight_limit;
        if let Some(filters) = session.filters {
            self.facts.filters = filters.len();
            self.facts.filters_of_qos_zero = filters.iter().filter(|filter| filter.qos == 0).count();
        }
    }

    fn show(mut self, term: &mut Term) -> Result<Exit, Failure> {
        let client = escape_controls(self.client);
        let Some(known) = &self.session else {
            if self.damaged {
                return Ok(Exit::DAMAGED);
            }
            return Err(Failure::new(Exit::FAILED, format!("no client `{client}` here"))
                .hint("moskit qshape lists the clients that have messages waiting"));
        };
        if let Some((queued, in_flight)) = self.said
            && self.facts.queued == 0
            && self.facts.in_flight == 0
        {
            self.facts.queued = queued;
            self.facts.in_flight = in_flight;
            self.facts.unknown_age = queued.saturating_add(in_flight);
        }
        let (queued, in_flight) = (self.facts.queued, self.facts.in_flight);
        term.line(format_args!("{client}: {queued} queued, {in_flight} in flight"));
        for line in session_lines(known) {
            term.line(line);
        }
        for finding in self.facts.findings() {
            let (what, advice) = sentence(&finding, &operand(self.client));
            term.line(format_args!("- {what}"));
            if let Some(advice) = advice {
                term.line(format_args!("  {advice}"));
            }
        }
        Ok(if self.damaged { Exit::DAMAGED } else { Exit::OK })
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
