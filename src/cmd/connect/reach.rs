//! The connection options of pub and sub, for the broker that purge asks and the sources that are asked.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::unreadable::Place;
use crate::cmd::applet::Invocation;
use crate::cmd::connect;
use crate::cmd::connect::arg_error::ArgError;
use crate::cmd::connect::args::{ClientArgs, Verb};
use crate::cmd::connect::login;
use crate::cmd::connect::options::{
    CLIENT_OPTIONS, NO_TOPIC, Opt, REACH, add_options, argument, typed_words, url_words,
};
use crate::cmd::words::OptionSpec;
use crate::mqtt::packet::ProtocolVersion;
use crate::net::{Route, tls};
use crate::queue::exchange::Login;
use crate::term::{Exit, Failure, Term};

/// Which of the options name the broker and its protocol; a SOURCE has them in its URL.
const NAMING: [Opt; 5] = [Opt::Host, Opt::Port, Opt::Url, Opt::Unix, Opt::WebSockets];

/// The options as typed, the broker's name among them.
#[derive(Clone, Debug)]
pub struct BrokerWords {
    words: Vec<OsString>,
    /// What of them holds for the sources that are looked at first, too.
    pub for_sources: SourceWords,
}

/// The options as typed, without those that name a broker, and by their long names only: most letters
/// mean something else in a table.
#[derive(Clone, Debug, Default)]
pub struct SourceWords(Vec<OsString>);

fn names_no_broker(spec: &OptionSpec<Opt>) -> bool {
    spec.verbs & REACH != 0 && !NAMING.contains(&spec.id)
}

impl Args for BrokerWords {
    fn augment_args(command: Command) -> Command {
        add_options(command, REACH)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for BrokerWords {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut words = typed_words(matches, |spec| spec.verbs & REACH != 0 && spec.id != Opt::Url);
        if let Some(url) = matches.get_one::<OsString>("url").and_then(|url| url.to_str()) {
            words.extend(url_words(url));
        }
        Ok(Self { words, for_sources: SourceWords::from_arg_matches(matches)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SourceWords {
    fn augment_args(command: Command) -> Command {
        let options = CLIENT_OPTIONS.iter().filter(|spec| names_no_broker(spec) && spec.long.is_some());
        options.fold(command, |command, spec| command.arg(argument(spec).short(None)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SourceWords {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(typed_words(matches, |spec| names_no_broker(spec) && spec.long.is_some())))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// How a broker is reached, read from the options and the files that they name.
#[derive(Debug)]
pub struct Reach {
    args: ClientArgs,
    tls: Option<tls::Options>,
    pub route: Route,
}

impl Reach {
    /// The broker of `words`, else of the environment.
    pub fn broker(
        words: &BrokerWords,
        timeout: Duration,
        invocation: &Invocation,
        term: &mut Term,
    ) -> Result<Self, Failure> {
        Self::new(&words.words, timeout, invocation, term)
    }

    /// The place that `place` names in pub's words, reached as `words` say.
    pub fn source(
        place: &[OsString],
        words: &SourceWords,
        timeout: Duration,
        invocation: &Invocation,
        term: &mut Term,
    ) -> Result<Self, Failure> {
        Self::new(&[place, &words.0].concat(), timeout, invocation, term)
    }

    fn new(words: &[OsString], timeout: Duration, invocation: &Invocation, term: &mut Term) -> Result<Self, Failure> {
        let usage = |failure: Failure| Failure { exit: Exit::USAGE, ..failure };
        let refused = |error: ArgError| usage(error.into_failure(&invocation.program));
        let mut args = ClientArgs::read(Verb::Pub, false, &[], words).map_err(refused)?;
        if args.topic.as_ref().is_some_and(|topic| **topic != *NO_TOPIC) {
            return Err(Failure::new(Exit::USAGE, "a topic has no place in the URL of a broker that is looked at"));
        }
        args.take_environment(|name| std::env::var_os(name)).map_err(refused)?;
        connect::checks::check(Verb::Pub, &args).map_err(refused)?;
        connect::tls::refuse_missing_parts(&args)?;
        connect::tls::refuse_pre_shared_key(&args)?;
        let tls = connect::tls::tls_wanted(invocation, &args, term)?;
        let tls_client = tls.as_ref().map(|options| connect::tls::tls_client(&args, options, term)).transpose()?;
        let mut route = connect::route::route(&args, None)?;
        route.tls = tls_client;
        route.timeout = timeout;
        Ok(Self { args, tls, route })
    }

    /// As whom to connect; a password that has to be asked for is asked for now.
    pub fn login(&self, term: &mut Term) -> Result<Login, Failure> {
        let username = self.args.username.as_ref().map(|name| {
            name.to_str().map(str::to_owned).ok_or_else(|| Failure::new(Exit::USAGE, "the user name is not UTF-8"))
        });
        Ok(Login {
            username: username.transpose()?,
            password: login::Login::new(self.args.password.as_ref()).first(term)?,
            version: self.version(),
        })
    }

    fn version(&self) -> ProtocolVersion {
        self.args.version.unwrap_or(ProtocolVersion::V311)
    }

    /// The same as it is told of when it fails.
    pub fn place(&self) -> Place {
        Place {
            endpoint: self.route.endpoint.clone(),
            tls: self.tls.clone(),
            websocket: self.route.websocket.is_some(),
            version: self.version(),
        }
    }
}
