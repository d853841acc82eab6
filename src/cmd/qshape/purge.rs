//! `moskit qshape purge CLIENT`: ends one session, carefully.

use std::io::{IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::args::ApiArgs;
use super::sentences::{cannot_exchange, cannot_open, cannot_read, plural, snapshot_line, tell_notes};
use super::sources::Sources;
use crate::mqtt::packet::ProtocolVersion;
use crate::net::endpoint::{PORT, TLS_PORT};
use crate::net::tls::{Client, Options};
use crate::net::{Endpoint, Route};
use crate::queue::purge::Purge;
use crate::queue::{Item, Want};
use crate::term::{Exit, Failure, Secret, Term, escape_controls};

/// A longer file is no password.
const MAX_PASSWORD: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// The client id whose session ends
    #[arg(value_name = "CLIENT")]
    pub client: String,
    /// Only say what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask; needed when there is no terminal to ask on
    #[arg(long)]
    pub yes: bool,
    /// Also if no source shows the client as disconnected: one that is online loses its connection
    #[arg(long)]
    pub force: bool,
    #[command(flatten)]
    pub broker: BrokerArgs,
    #[command(flatten)]
    pub api: ApiArgs,
    /// Where to look first, as for the table
    #[arg(value_name = "SOURCE", value_hint = clap::ValueHint::FilePath)]
    pub sources: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    #[value(name = "311", alias = "mqttv311")]
    V311,
    #[value(name = "5", alias = "mqttv5")]
    V5,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "The broker")]
pub struct BrokerArgs {
    /// The broker to ask [default: $MQTT_HOST, else localhost]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Its port [default: $MQTT_PORT, else 1883, with TLS 8883]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Use TLS, with the certificates of this system
    #[arg(long)]
    pub tls: bool,
    /// Use TLS, and trust the certificates in FILE
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub cafile: Option<PathBuf>,
    /// User name
    #[arg(short = 'u', long, value_name = "NAME")]
    pub username: Option<String>,
    /// File with the password in its first line
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub pw_file: Option<PathBuf>,
    /// Protocol version
    #[arg(short = 'V', long, value_name = "VERSION", value_enum, default_value = "311")]
    pub protocol_version: Protocol,
}

impl BrokerArgs {
    fn route(&self, timeout: Duration) -> Result<Route, Failure> {
        let with_tls = self.tls || self.cafile.is_some();
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let host = self.host.clone().or_else(|| variable("MQTT_HOST")).unwrap_or_else(|| "localhost".into());
        let no_address = |port: &str| Failure::new(Exit::USAGE, format!("`{host}:{port}` is no address of a broker"));
        let port = match (self.port, variable("MQTT_PORT")) {
            (Some(port), _) => port,
            (None, Some(text)) => text.parse().map_err(|_| no_address(&text))?,
            (None, None) if with_tls => TLS_PORT,
            (None, None) => PORT,
        };
        let endpoint = Endpoint::new(&host, port).map_err(|_| no_address(&port.to_string()))?;
        let mut route = Route::new(endpoint);
        route.timeout = timeout;
        if with_tls {
            let options =
                Options { cafile: self.cafile.clone(), os_certificates: self.cafile.is_none(), ..Options::default() };
            let client = Client::new(&options, &mut |_, _| None).map_err(|_| {
                Failure::new(Exit::FAILED, "the certificates to trust cannot be used").hint("moskit check files CAFILE")
            })?;
            route.tls = Some(client);
        }
        Ok(route)
    }

    fn password(&self) -> Result<Option<Secret>, Failure> {
        self.pw_file.as_deref().map(first_line).transpose()
    }
}

fn first_line(path: &Path) -> Result<Secret, Failure> {
    use std::io::Read;
    let mut text = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_PASSWORD).read_to_end(&mut text))
        .map_err(|error| cannot_open(path, &error))?;
    let end = text.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(text.len());
    text.truncate(end);
    Ok(Secret::new(text))
}

/// What the sources know of the client.
#[derive(Default)]
struct Found {
    known: bool,
    messages: u64,
    connected: Option<bool>,
}

pub fn run(args: &PurgeArgs, term: &mut Term) -> Result<Exit, Failure> {
    let client = escape_controls(&args.client).into_owned();
    if args.client.is_empty() {
        return Err(Failure::new(Exit::USAGE, "a client id is needed"));
    }
    let sources = Sources::plain(&args.sources, &args.api)?;
    let timeout = sources.api.timeout();
    let route = args.broker.route(timeout)?;
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
        term.line(format_args!("Nothing was removed. At {} its session would end.", route.endpoint));
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
    let version = match args.broker.protocol_version {
        Protocol::V311 => ProtocolVersion::V311,
        Protocol::V5 => ProtocolVersion::V5,
    };
    let purge = Purge {
        client: args.client.clone(),
        username: args.broker.username.clone(),
        password: args.broker.password()?,
        version,
        timeout,
    };
    purge.run(&route).map_err(|error| cannot_exchange(&route.endpoint.to_string(), &error))?;
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
                found.messages += total.queued + total.in_flight;
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
        let snapshot = read.map_err(|error| cannot_read(&error))?;
        term.note(snapshot_line(word, &snapshot, now));
        tell_notes(&snapshot, term);
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
    stdin()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Exit::FAILED, format!("cannot read the answer: {error}")))?;
    Ok(answer.trim() == "yes")
}
