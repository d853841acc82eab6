//! `moskit qshape purge CLIENT`: ends one session, carefully.

use std::io::{IsTerminal, stdin};

use super::options::PurgeArgs;
use super::render;
use super::sources::Sources;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::api::{Asked, timeout};
use crate::cmd::connect::reach::Reach;
use crate::cmd::connect::unreadable::{cannot_end, cannot_read};
use crate::net::this_machine::is_loopback;
use crate::queue::purge::{purge, purge_unseen};
use crate::queue::{Item, Want};
use crate::term::{Exit, Failure, Term, escape_controls, plural};

/// What the sources know of the client.
#[derive(Default)]
struct Found {
    known: bool,
    messages: u64,
    connected: Option<bool>,
}

/// What is known before a session is ended, for people.
struct Before {
    /// What is lost with it: `5 messages`.
    waiting: String,
    connected: Option<bool>,
    /// There is a source that knows the client.
    is_seen: bool,
}

pub fn run(args: &PurgeArgs, invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    term.set_quiet(args.quiet.quiet);
    let client = escape_controls(&args.client).into_owned();
    if args.client.is_empty() {
        return Err(Failure::new(Exit::USAGE, "a client id is needed"));
    }
    let asked = Asked::new(&args.api, &args.broker.for_sources, invocation)?;
    let timeout = timeout(&args.api);
    // A broker elsewhere has nothing to do with this machine's files.
    let asks_the_broker_only = args.sources.is_empty() && is_elsewhere(args);
    let sources = if asks_the_broker_only { None } else { Some(Sources::plain(&args.sources, &asked, term)?) };
    let reach = Reach::broker(&args.broker, timeout, invocation, term)?;
    let before = match &sources {
        None => unseen(&client, term),
        Some(sources) => seen(args, sources, &client, term)?,
    };
    let Before { waiting, connected, is_seen } = before;
    if args.dry_run {
        render::would_end(&reach.route.endpoint, &waiting, term);
        return Ok(Exit::OK);
    }
    if connected != Some(false) && !args.force {
        return Err(Failure::new(Exit::FAILED, format!("`{client}` is not shown as disconnected, nothing is removed"))
            .hint("--force, if you know that it is away or may lose its connection"));
    }
    if !args.yes && !confirmed(&client, &waiting, term)? {
        render::nothing_removed(term);
        return Ok(Exit::FAILED);
    }
    let login = reach.login(term)?;
    let cannot_end = |error| cannot_end(&reach.place(), &error);
    if is_seen {
        purge(&args.client, &login, &reach.route, timeout).map_err(cannot_end)?;
    } else if !purge_unseen(&args.client, &login, &reach.route, timeout).map_err(cannot_end)? {
        let what = format!("the broker says that it had no session of `{client}`; if it had one, it has ended");
        return Err(Failure::new(Exit::FAILED, what)
            .hint("is the client id right? A few brokers, RabbitMQ among them, say so of every session"));
    }
    render::ended(&client, term);
    Ok(Exit::OK)
}

/// Whether the broker that is named is another machine's, or this one's without a file of Mosquitto's.
fn is_elsewhere(args: &PurgeArgs) -> bool {
    let Some(host) = args.broker.host() else { return false };
    let host = host.to_string_lossy();
    let is_here = host.starts_with('/') || is_loopback(&host);
    !is_here || !Sources::has_default()
}

/// Without a source nothing is known but what the broker says at the end.
fn unseen(client: &str, term: &mut Term) -> Before {
    render::unknown(client, term);
    Before { waiting: "all that waits for it".to_owned(), connected: None, is_seen: false }
}

fn seen(args: &PurgeArgs, sources: &Sources, client: &str, term: &mut Term) -> Result<Before, Failure> {
    let found = look(args, sources, term)?;
    if !found.known {
        return Err(Failure::new(Exit::FAILED, format!("no client `{client}` here, nothing is removed")));
    }
    let waiting = plural(found.messages, "message");
    render::known(client, &waiting, found.connected, term);
    Ok(Before { waiting, connected: found.connected, is_seen: true })
}

fn look(args: &PurgeArgs, sources: &Sources, term: &mut Term) -> Result<Found, Failure> {
    let want = Want { client: Some(args.client.clone()), ..Want::default() };
    let mut found = Found::default();
    for word in &sources.words {
        let now = sources.now(word);
        let read = sources.open(word)?.read(&want, &mut |item| match item {
            Item::Message(message) if message.client == args.client => {
                found.known = true;
                found.messages += 1;
            }
            Item::Total(total) if total.client == args.client => {
                found.known = true;
                found.messages = found.messages.saturating_add(total.waiting());
            }
            Item::Session(session) if session.client == args.client => {
                found.known = true;
                // Connected anywhere is connected.
                found.connected = match (found.connected, session.connected) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (before, now) => now.or(before),
                };
            }
            _ => {}
        });
        let snapshot = read.map_err(|error| cannot_read(&error, sources.place(word)))?;
        render::reading(word, &snapshot, now, term);
    }
    Ok(found)
}

fn confirmed(client: &str, waiting: &str, term: &mut Term) -> Result<bool, Failure> {
    if !stdin().is_terminal() || !term.err_is_terminal() {
        return Err(Failure::new(Exit::USAGE, "no terminal to ask on, nothing is removed")
            .hint("--yes, after a look with --dry-run"));
    }
    render::ask(client, waiting, term);
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot read the answer: {}", crate::net::reason(&error)))
    })?;
    Ok(answer.trim() == "yes")
}
