//! How a broker is reached, after all checks: what pub, sub, rr, check and qshape make of the connection options.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::args::{ClientArgs, EmbeddedArgs, Port};
use super::login::Login;
use super::oauth;
use super::outcome::{Outcome, unable_to_connect};
use super::proxy;
use super::tls::{tls_client, tls_wanted};
use super::values::UNSET;
use crate::cmd::applet::Invocation;
use crate::cmd::host::embedded::{self, Embedded};
use crate::mqtt::packet::ProtocolVersion;
use crate::net::ATTEMPT_DELAY;
use crate::net::authority::without_brackets;
use crate::net::endpoint::{EndpointError, PORT, TLS_PORT};
use crate::net::websocket::Opening;
use crate::net::{Endpoint, Route, tls};
use crate::scram::Mechanism;
use crate::term::{Exit, Failure, Term};

/// Which broker, and on which way.
#[derive(Debug)]
pub struct Connection {
    pub broker: Broker,
    /// Where another is tried if that one cannot be reached, in turn.
    pub others: Vec<Endpoint>,
    /// The local address to connect from.
    pub bind: Option<String>,
    pub proxy: proxy::Rule,
    /// The CAs for a proxy that is reached by TLS.
    pub proxy_cafile: Option<PathBuf>,
    /// MQTT in WebSocket frames, and what is asked for to open them.
    pub websocket: Option<Opening>,
    pub tls: Option<tls::Options>,
    /// Where the passphrase of the client's key stands; without it the terminal is asked.
    pub key_pass_file: Option<PathBuf>,
    pub login: Login,
    /// SCRAM in place of a password in CONNECT.
    pub auth_method: Option<Mechanism>,
    /// The version that was asked for, if one was.
    pub version: Option<ProtocolVersion>,
    pub debug: bool,
    pub as_mosquitto: bool,
}

/// Where the broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broker {
    At(Endpoint),
    /// In this process, once it is started.
    Embedded {
        configuration: Option<PathBuf>,
    },
}

impl Connection {
    /// From options that `connect::checks` has taken.
    pub fn new(args: &ClientArgs, invocation: &Invocation, term: &mut Term) -> Result<Self, Failure> {
        let tls = tls_wanted(invocation, args, term)?;
        let proxy = proxy::Rule::new(args.proxy.as_ref(), invocation.as_mosquitto);
        let grant = oauth::grant(args, &proxy)?;
        if let Some(grant) = grant.as_ref().filter(|_| args.debug) {
            let way = grant
                .route
                .proxy
                .as_ref()
                .map(|hop| format!(" through the proxy {} ({})", hop.proxy, hop.proxy.origin));
            term.line(format_args!("Logging in with a token from {}{}", grant.url, way.unwrap_or_default()));
        }
        Ok(Self {
            broker: broker(args)?,
            others: others(args)?,
            bind: args.bind_address.as_ref().map(|address| address.to_string_lossy().into_owned()),
            login: Login::new(args.password.as_ref(), grant),
            proxy,
            proxy_cafile: args.proxy_cafile.clone(),
            websocket: args.websockets.then(|| args.websocket.opening()).transpose()?,
            tls,
            key_pass_file: args.tls.key_pass_file.clone(),
            auth_method: args.auth_method,
            version: args.version,
            debug: args.debug,
            as_mosquitto: invocation.as_mosquitto,
        })
    }

    /// Starts the broker that is wanted in this process, if one is.
    pub fn start_embedded(&self, term: &mut Term) -> Result<Option<Embedded>, Failure> {
        match &self.broker {
            Broker::At(_) => Ok(None),
            Broker::Embedded { configuration } => embedded::start(configuration.as_deref(), term).map(Some),
        }
    }

    /// The TLS configuration, whose files are read now.
    pub fn tls_client(&self, term: &mut Term) -> Result<Option<tls::Client>, Failure> {
        let options = self.tls.as_ref();
        options.map(|options| tls_client(options, self.key_pass_file.as_deref(), self.debug, term)).transpose()
    }

    /// The route to the one broker, without TLS, for who asks one alone.
    pub fn route(&self, embedded: Option<&Embedded>, term: &mut Term) -> Result<Route, Failure> {
        if !self.others.is_empty() {
            return Err(Failure::new(
                Exit::USAGE,
                "several hosts are for pub, sub and rr: one broker is asked at a time",
            )
            .hint("-h HOST for one of them, and its port after -p"));
        }
        self.route_to(self.first(embedded)?, term)
    }

    /// The routes to the brokers that are tried in turn, without TLS; one at least. `embedded` is what
    /// [`Self::start_embedded`] has started.
    pub fn routes(&self, embedded: Option<&Embedded>, term: &mut Term) -> Result<Vec<Route>, Failure> {
        let mut routes = vec![self.route_to(self.first(embedded)?, term)?];
        for other in &self.others {
            routes.push(self.route_to(other.clone(), term)?);
        }
        Ok(routes)
    }

    fn first(&self, embedded: Option<&Embedded>) -> Result<Endpoint, Failure> {
        match (&self.broker, embedded) {
            (Broker::At(endpoint), _) => Ok(endpoint.clone()),
            (Broker::Embedded { .. }, Some(started)) => Endpoint::new(&started.address.host, started.address.port)
                .map_err(|_| unable_to_connect(Outcome::InvalidInput)),
            (Broker::Embedded { .. }, None) => Err(unable_to_connect(Outcome::InvalidInput)),
        }
    }

    /// The route to one of them. A proxy that is on it is named where that is wanted.
    fn route_to(&self, endpoint: Endpoint, term: &mut Term) -> Result<Route, Failure> {
        let mut route = Route::new(endpoint);
        route.bind.clone_from(&self.bind);
        // `--nodelay` or not: what we write is a batch already, and waiting for more only delays it.
        route.nodelay = true;
        route.stagger = (!self.as_mosquitto).then_some(ATTEMPT_DELAY);
        route.websocket.clone_from(&self.websocket);
        let is_tls = self.tls.is_some();
        if let Some(proxy) = self.proxy.proxy(&route.endpoint, is_tls)? {
            if self.debug && !self.as_mosquitto {
                term.line(format_args!("Connecting through the proxy {proxy} ({})", proxy.origin));
            }
            route.proxy = Some(proxy::hop(proxy, self.proxy_cafile.as_deref())?);
        }
        // By SCRAM the password is not sent.
        if self.login.is_given() && self.auth_method.is_none() {
            proxy::warn_of_secret(&route, is_tls, "the password", term);
        } else if self.websocket.as_ref().is_some_and(Opening::may_hold_secret) {
            proxy::warn_of_secret(&route, is_tls, "what --header and --ws-path send", term);
        }
        Ok(route)
    }
}

/// Where the broker is. As Mosquitto reads it, port 0 makes the host the path of a unix socket ([`Port`]).
fn broker(args: &ClientArgs) -> Result<Broker, Failure> {
    if let Some(EmbeddedArgs { configuration }) = &args.embedded {
        return Ok(Broker::Embedded { configuration: configuration.clone() });
    }
    let host = args.host.as_deref().unwrap_or(OsStr::new("localhost"));
    let port = port(args);
    let first = hosts(args, port).next().unwrap_or_default();
    endpoint(if port == Port::OfSocket || args.exact { host } else { first.as_ref() }, port).map(Broker::At)
}

/// The most hosts that are tried in turn.
const MOST_HOSTS: usize = 16;

/// The hosts that were typed, in their order. The path of a socket may have commas, and Mosquitto's programs know one host.
fn hosts(args: &ClientArgs, port: Port) -> impl Iterator<Item = String> {
    let is_one = port == Port::OfSocket || args.exact;
    let typed = args.host.iter().chain(&args.more_hosts).map(|host| host.to_string_lossy().into_owned());
    let typed: Vec<_> = if args.host.is_none() { vec!["localhost".to_owned()] } else { typed.collect() };
    let split = move |host: String| -> Vec<String> {
        if is_one {
            return vec![host];
        }
        host.split(',').map(|host| without_brackets(host.trim()).to_owned()).collect()
    };
    typed.into_iter().flat_map(split)
}

fn others(args: &ClientArgs) -> Result<Vec<Endpoint>, Failure> {
    if args.embedded.is_some() {
        return Ok(Vec::new());
    }
    let port = port(args);
    if port == Port::OfSocket && !args.more_hosts.is_empty() {
        return Err(Failure::new(Exit::FAILED, "one socket is tried, not several"));
    }
    let others: Vec<_> = hosts(args, port).skip(1).collect();
    if others.len() >= MOST_HOSTS {
        return Err(Failure::new(Exit::FAILED, format!("there are more than {MOST_HOSTS} hosts")));
    }
    others.iter().map(|host| endpoint(OsStr::new(host), port)).collect()
}

fn port(args: &ClientArgs) -> Port {
    let tls = &args.tls;
    let chooses_port = tls.cafile.is_some() || tls.capath.is_some() || tls.psk.is_some();
    args.port.unwrap_or(Port::from(if chooses_port { TLS_PORT } else { PORT }))
}

const PATH_TOO_LONG: &str = "the path of the unix socket is longer than the system takes (107 bytes)";

fn endpoint(host: &OsStr, port: Port) -> Result<Endpoint, Failure> {
    let invalid = || unable_to_connect(Outcome::InvalidInput);
    match port {
        // A path need not be text.
        Port::OfSocket if host.is_empty() => {
            Err(invalid().cause("the path of the unix socket is empty", "net.unix").hint(UNSET))
        }
        Port::OfSocket => Endpoint::unix(host).map_err(|_| invalid().cause(PATH_TOO_LONG, "net.unix")),
        Port::OutOfRange => Err(invalid()),
        Port::Tcp(port) => Endpoint::new(&host.to_string_lossy(), port.get()).map_err(|error| match error {
            EndpointError::HostEmpty => {
                unable_to_connect(Outcome::Lookup).cause("the host is empty", "net.dns").hint(UNSET)
            }
            EndpointError::HostCharacter => unable_to_connect(Outcome::Lookup)
                .cause("the host has a blank or a control character", "net.dns")
                .hint("write the name or the address alone: -h HOST"),
            EndpointError::HostTooLong => invalid()
                .cause("the host is longer than a name can be (253 characters)", "net.dns")
                .hint("write the name or the address alone: -h HOST"),
            EndpointError::UnixPathTooLong => invalid().cause(PATH_TOO_LONG, "net.unix"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cmd::connect::args::Verb;
    use crate::cmd::connect::options;
    use crate::os::text::OsStringExt;

    fn typed(words: &str) -> ClientArgs {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        options::read(Verb::Pub, true, &[], &words).unwrap()
    }

    #[test]
    fn the_port_follows_scheme_and_tls_options_but_not_no_tls() {
        for (words, port, websocket) in [
            ("", 1883, false),
            ("-L mqtt://h/t", 1883, false),
            ("-L mqtts://h/t", 8883, false),
            ("-L ws://h/t", 1883, true),
            ("-L wss://h/t", 8883, true),
            ("-L ws://h:80/t", 80, true),
            ("--ws", 1883, true),
            ("--cafile c", 8883, false),
            ("--capath c", 8883, false),
            ("--psk 00", 8883, false),
            ("--cafile c -p 7", 7, false),
            ("--cafile c --no-tls", 8883, false),
            ("--tls-use-os-certs", 1883, false),
            ("--cert c --key k", 1883, false),
        ] {
            let args = typed(words);
            let Broker::At(Endpoint::Tcp { port: chosen, .. }) = broker(&args).unwrap() else { panic!("{words}") };
            assert_eq!((chosen, args.websockets), (port, websocket), "{words}");
        }
        assert_eq!(broker(&typed("-p 0 -h /x")).unwrap(), Broker::At(Endpoint::unix("/x").unwrap()));
        for words in ["-L mqtt://h:70000/t", "-L mqtt://h:-1/t"] {
            assert!(broker(&typed(words)).is_err(), "{words}");
        }
    }

    #[test]
    fn the_path_of_a_socket_need_not_be_text() {
        let path: OsString = OsStringExt::from_vec(b"/run/\xff.sock".to_vec());
        let words = ["--unix".into(), path.clone()];
        let args = options::read(Verb::Pub, true, &[], &words).unwrap();
        assert_eq!(broker(&args).unwrap(), Broker::At(Endpoint::Unix(path.into())));
    }
}
