//! `moskit qshape explain CLIENT`: what the shape of one client's queue means, in words.

use super::options::ExplainArgs;
use super::render;
use super::sources::Sources;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::unreadable::cannot_read;
use crate::queue::findings::{Facts, Finding};
use crate::queue::{Item, Session, Total, Want};
use crate::state::ids::UnixTime;
use crate::term::{Exit, Failure, Term, escape_controls};

/// What is known of a client, and what its queue means.
pub struct Explained {
    pub client: String,
    pub queued: u64,
    pub in_flight: u64,
    pub session: Known,
    pub findings: Vec<Finding>,
    /// A source is damaged: there may be more.
    pub damaged: bool,
}

pub fn explain(args: &ExplainArgs, invocation: &Invocation, term: &mut Term) -> Result<Explained, Failure> {
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
    reading.end()
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
pub struct Known {
    pub connected: Option<bool>,
    pub disconnected_at: Option<UnixTime>,
    pub expires: Option<UnixTime>,
    pub never_expires: bool,
    pub dropped: Option<u64>,
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
        self.damaged |= render::reading(word, &snapshot, now, term);
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

    fn end(mut self) -> Result<Explained, Failure> {
        let Some(session) = self.session else {
            if self.damaged {
                return Err(Failure::silent(Exit::DAMAGED));
            }
            let client = escape_controls(self.client);
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
        Ok(Explained {
            client: self.client.to_owned(),
            queued: self.facts.queued,
            in_flight: self.facts.in_flight,
            session,
            findings: self.facts.findings(),
            damaged: self.damaged,
        })
    }
}
