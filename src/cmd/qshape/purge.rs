//! `moskit qshape purge CLIENT`: ends one session, carefully.

use std::io::{IsTerminal, stdin};

use super::options::PurgeArgs;
use super::sentences::{show_notes, snapshot_line};
use super::sources::Sources;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::api::{Asked, timeout};
use crate::cmd::connect::reach::Reach;
use crate::cmd::connect::unreadable::{cannot_end, cannot_read};
use crate::queue::purge::purge;
use crate::queue::{Item, Want};
use crate::term::{Exit, Failure, Term, escape_controls, plural};

/// What the sources know of the client.
#[derive(Default)]
struct Found {
    known: bool,
    messages: u64,
    connected: Option<bool>,
}

pub fn run(args: &PurgeArgs, invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    term.set_quiet(args.quiet.quiet);
    let client = escape_controls(&args.client).into_owned();
    if args.client.is_empty() {
        return Err(Failure::new(Exit::USAGE, "a client id is needed"));
    }
    let asked = Asked::new(&args.api, &args.broker.for_sources, invocation)?;
    let sources = Sources::plain(&args.sources, &asked, term)?;
    let timeout = timeout(&args.api)?;
    let reach = Reach::broker(&args.broker, timeout, invocation, term)?;
    let found = look(args, &sources, term)?;
    if !found.known {
        return Err(Failure::new(Exit::FAILED, format!("no client `{client}` here, nothing is removed")));
    }
    let waiting = plural(found.messages, "message");
    term.line(format_args!("{client}: {waiting} waiting"));
    term.line(match found.connected {
        Some(true) => "It is connected, and would lose its connection.",
        Some(false) => "It is not connected.",
        None => "This source cannot tell whether it is connected; if it is, it would lose its connection.",
    });
    if args.dry_run {
        term.line(format_args!(
            "Nothing was removed. At {} its session would end, with its subscriptions and {waiting}.",
            reach.route.endpoint
        ));
        return Ok(Exit::OK);
    }
    if found.connected != Some(false) && !args.force {
        return Err(Failure::new(Exit::FAILED, format!("`{client}` is not shown as disconnected, nothing is removed"))
            .hint("--force, if you know that it is away or may lose its connection"));
    }
    if !args.yes && !confirmed(&client, &waiting, term)? {
        term.line("Nothing was removed.");
        return Ok(Exit::FAILED);
    }
    let login = reach.login(term)?;
    purge(&args.client, &login, &reach.route, timeout).map_err(|error| cannot_end(&reach.place(), &error))?;
    term.line(format_args!("The session of {client} has ended."));
    Ok(Exit::OK)
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
        term.note(snapshot_line(word, &snapshot, now));
        show_notes(&snapshot, term);
    }
    Ok(found)
}

fn confirmed(client: &str, waiting: &str, term: &mut Term) -> Result<bool, Failure> {
    if !stdin().is_terminal() || !term.err_is_terminal() {
        return Err(Failure::new(Exit::USAGE, "no terminal to ask on, nothing is removed")
            .hint("--yes, after a look with --dry-run"));
    }
    term.complain(format_args!("End the session of {client} and lose {waiting}? Type yes:"));
    let mut answer = String::new();
    stdin().read_line(&mut answer).map_err(|error| {
        Failure::new(Exit::FAILED, format!("cannot read the answer: {}", crate::net::reason(&error)))
    })?;
    Ok(answer.trim() == "yes")
}
