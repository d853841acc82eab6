//! The connection options of pub and sub, for the broker that purge asks and the sources that are asked.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::arg_error::ArgError;
use super::args::{ClientArgs, Port};
use super::options::{REACH, SOURCE, add_options, take_matches};
use super::unreadable::Place;
use super::valid::Connection;
use crate::cmd::applet::Invocation;
use crate::cmd::connect;
use crate::diagnose::Sent;
use crate::mqtt::packet::ProtocolVersion;
use crate::net::Route;
use crate::queue::exchange::Login;
use crate::term::{Exit, Failure, Term};

/// The options as typed, the broker's name among them.
#[derive(Clone, Debug)]
pub struct BrokerOptions {
    typed: Result<Box<ClientArgs>, ArgError>,
    /// What of them holds for the sources that are looked at first, too.
    pub for_sources: SourceOptions,
}

/// The options as typed, without those that name a broker.
#[derive(Clone, Debug)]
pub struct SourceOptions(Result<Box<ClientArgs>, ArgError>);

impl Default for SourceOptions {
    fn default() -> Self {
        Self(Ok(Box::new(ClientArgs::default())))
    }
}

/// What was typed of the options of `verb`. An option's own error is told when the options are used, as those of all
/// options together are.
fn typed(matches: &ArgMatches, verb: u8) -> Result<Box<ClientArgs>, ArgError> {
    let mut typed = Box::new(ClientArgs::default());
    take_matches(&mut typed, matches, verb)?;
    Ok(typed)
}

impl BrokerOptions {
    /// The host or path that an option names; not that of the environment.
    pub fn host(&self) -> Option<&OsString> {
        self.typed.as_ref().ok().and_then(|typed| typed.host.as_ref())
    }
}

impl Args for BrokerOptions {
    fn augment_args(command: Command) -> Command {
        add_options(command, REACH)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for BrokerOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { typed: typed(matches, REACH), for_sources: SourceOptions::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SourceOptions {
    fn augment_args(command: Command) -> Command {
        add_options(command, SOURCE)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SourceOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(typed(matches, SOURCE)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What the URL of a source says of the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePlace {
    pub host: OsString,
    pub port: Port,
    pub websocket: bool,
    /// The path of the WebSocket, where the URL has one.
    pub path: Option<String>,
    /// With TLS or without it, where the URL decides; certificates that are not named are this system's.
    pub tls: Option<bool>,
}

impl SourcePlace {
    fn put_into(&self, typed: &mut ClientArgs) {
        typed.host = Some(self.host.clone());
        typed.port = Some(self.port);
        typed.websockets = self.websocket;
        if self.path.is_some() {
            typed.websocket.path.clone_from(&self.path);
        }
        typed.tls.os_certs |= self.tls == Some(true);
        typed.tls.no_tls |= self.tls == Some(false);
    }
}

/// How a broker is reached, read from the options and the files that they name.
#[derive(Debug)]
pub struct Reach {
    connection: Connection,
    username: Option<OsString>,
    pub route: Route,
}

impl Reach {
    /// The broker that `options` name, else that of the environment.
    pub fn broker(
        options: &BrokerOptions,
        timeout: Duration,
        invocation: &Invocation,
        term: &mut Term,
    ) -> Result<Self, Failure> {
        Self::new(options.typed.clone(), timeout, invocation, term)
    }

    /// The source at `place`, reached as `options` say.
    pub fn source(
        place: &SourcePlace,
        options: &SourceOptions,
        timeout: Duration,
        invocation: &Invocation,
        term: &mut Term,
    ) -> Result<Self, Failure> {
        let mut typed = options.0.clone();
        if let Ok(typed) = &mut typed {
            place.put_into(typed);
        }
        Self::new(typed, timeout, invocation, term)
    }

    fn new(
        typed: Result<Box<ClientArgs>, ArgError>,
        timeout: Duration,
        invocation: &Invocation,
        term: &mut Term,
    ) -> Result<Self, Failure> {
        let usage = |failure: Failure| Failure { exit: Exit::USAGE, ..failure };
        let refused = |error: ArgError| usage(error.into_failure(&invocation.program));
        let mut args = *typed.map_err(refused)?;
        if args.topic.is_some() {
            return Err(Failure::new(Exit::USAGE, "a topic has no place in the URL of a broker that is looked at"));
        }
        args.take_environment(|name| std::env::var_os(name)).map_err(refused)?;
        connect::checks::check_connection(&args).map_err(refused)?;
        connect::oauth::check_user_name(&args, version(args.version)).map_err(refused)?;
        connect::tls::refuse_missing_parts(&args)?;
        connect::tls::refuse_pre_shared_key(&args)?;
        let mut connection = Connection::new(&args, invocation, term)?;
        connection.login.set_limit(timeout);
        let mut route = connection.route(None, term)?;
        route.tls = connection.tls_client(term)?;
        route.timeout = timeout;
        Ok(Self { connection, username: args.username, route })
    }

    /// As whom to connect; a password that has to be asked for is asked for now.
    pub fn login(&self, term: &mut Term) -> Result<Login, Failure> {
        let username = self.username.as_ref().map(|name| {
            name.to_str().map(str::to_owned).ok_or_else(|| Failure::new(Exit::USAGE, "the user name is not UTF-8"))
        });
        Ok(Login {
            username: username.transpose()?,
            password: self.connection.login.first(term)?,
            version: self.version(),
        })
    }

    fn version(&self) -> ProtocolVersion {
        version(self.connection.version)
    }

    /// The same as it is told of when it fails.
    pub fn place(&self) -> Place {
        Place {
            endpoint: self.route.endpoint.clone(),
            tls: self.connection.tls.clone(),
            websocket: self.route.websocket.clone(),
            sent: Sent {
                version: self.version(),
                username: self.username.is_some(),
                password: self.connection.login.is_given(),
                client_id: false,
                will: false,
                scram: None,
            },
        }
    }
}

/// The version of what is asked by MQTT, where none was asked for.
fn version(typed: Option<ProtocolVersion>) -> ProtocolVersion {
    typed.unwrap_or(ProtocolVersion::V311)
}
