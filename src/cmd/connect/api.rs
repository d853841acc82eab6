//! Sources that are asked: SOURCE words that are URLs (`emqx+https://HOST:PORT`), and the options for them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::args::Port;
use super::proxy;
use super::reach::{Reach, SourceOptions, SourcePlace};
use super::unreadable::{Place, cannot_open, cannot_read};
use crate::cmd::applet::Invocation;
use crate::cmd::number::seconds;
use crate::net::authority::Authority;
use crate::net::endpoint::{PORT, TLS_PORT};
use crate::net::websocket::check_path;
use crate::queue::api::{ApiSource, Kind};
use crate::queue::http::Address;
use crate::queue::sys::SysSource;
use crate::queue::{Item, Snapshot, Source, Want};
use crate::term::{Exit, Failure, Secret, Term};

/// A longer file is no password.
const MAX_KEY: usize = 64 * 1024;
const KEY_VARIABLE: &str = "MOSKIT_API_KEY";
const MAX_TIMEOUT_SECONDS: f64 = 3600.0;

#[derive(Debug, Args)]
#[command(next_help_heading = "Sources that are asked")]
pub struct ApiArgs {
    /// For APIs: a file of USER:PASSWORD, or of one bearer token
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub api_key_file: Option<PathBuf>,
    /// Seconds that a request, or a whole exchange over MQTT, may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds(0.1..=MAX_TIMEOUT_SECONDS))]
    pub timeout: f64,
}

/// Asks the source at `url` what it knows of `client`: what is reached is up to `api` and `words`.
pub fn ask(
    url: &str,
    client: &str,
    api: &ApiArgs,
    words: &SourceOptions,
    invocation: &Invocation,
    term: &mut Term,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<Snapshot, Failure> {
    let live = Asked::new(api, words, invocation)?.source(url, term)?;
    let want = Want { filters: true, client: Some(client.to_owned()), ..Want::default() };
    live.open().read(&want, each).map_err(|error| cannot_read(&error, Some(&live.place)))
}

/// How sources that are asked are reached and spoken to.
#[derive(Debug)]
pub struct Asked<'a> {
    credentials: Option<Secret>,
    timeout: Duration,
    reach: &'a SourceOptions,
    invocation: &'a Invocation,
}

/// A source that is asked, ready to be.
#[derive(Debug)]
pub struct Live {
    source: LiveSource,
    pub place: Place,
}

#[derive(Debug)]
enum LiveSource {
    Api(ApiSource),
    Sys(SysSource),
}

impl Live {
    pub fn open(&self) -> Box<dyn Source> {
        match &self.source {
            LiveSource::Api(source) => Box::new(source.clone()),
            LiveSource::Sys(source) => Box::new(source.clone()),
        }
    }
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::USAGE, message)
}

/// How long a request may take.
pub fn timeout(args: &ApiArgs) -> Duration {
    Duration::from_secs_f64(args.timeout)
}

impl<'a> Asked<'a> {
    pub fn new(args: &ApiArgs, reach: &'a SourceOptions, invocation: &'a Invocation) -> Result<Self, Failure> {
        let credentials = credentials(args.api_key_file.as_deref())?;
        Ok(Self { credentials, timeout: timeout(args), reach, invocation })
    }

    /// The source that `url` names.
    pub fn source(&self, url: &str, term: &mut Term) -> Result<Live, Failure> {
        let Url { kind, place } = Url::parse(url)?;
        let reach = Reach::source(&place, self.reach, self.timeout, self.invocation, term)?;
        let source = if let Some(kind) = kind {
            if self.credentials.is_some() {
                proxy::warn_of_secret(&reach.route, reach.route.tls.is_some(), "the API's key", term);
            }
            let address = Address { route: reach.route.clone(), credentials: self.credentials.clone() };
            LiveSource::Api(ApiSource { kind, address })
        } else {
            let login = reach.login(term)?;
            LiveSource::Sys(SysSource { route: reach.route.clone(), login, timeout: self.timeout })
        };
        Ok(Live { source, place: reach.place() })
    }
}

/// A SOURCE word taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Url {
    /// The API, or none for a broker that is asked by MQTT.
    kind: Option<Kind>,
    place: SourcePlace,
}

impl Url {
    fn parse(url: &str) -> Result<Self, Failure> {
        let not_one = || {
            usage(format!("`{url}` is no source"))
                .hint("emqx+http://HOST, or rabbitmq, vernemq, hivemq, rmqtt in the place of emqx; or mqtt://HOST")
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(not_one)?;
        if scheme == "unix" {
            return Ok(Self {
                kind: None,
                place: SourcePlace { host: rest.into(), port: Port::OfSocket, websocket: false, path: None, tls: None },
            });
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        no_password_in(authority, scheme.contains('+'))?;
        let (kind, default_port, websocket, tls) = match scheme {
            "mqtt" => (None, PORT, false, None),
            "mqtts" => (None, TLS_PORT, false, Some(true)),
            "ws" => (None, PORT, true, None),
            "wss" => (None, TLS_PORT, true, Some(true)),
            _ => {
                let (name, transport) = scheme.split_once('+').ok_or_else(not_one)?;
                let kind = Kind::parse(name, &decode(path)).ok_or_else(not_one)?;
                let port = kind.default_port();
                match transport {
                    "http" => (Some(kind), port, false, Some(false)),
                    "https" => (Some(kind), port, false, Some(true)),
                    _ => return Err(not_one()),
                }
            }
        };
        let path = (!path.is_empty() && kind.is_none()).then(|| format!("/{path}"));
        if let Some(path) = &path {
            if !websocket {
                return Err(usage(format!("`{url}` is no source: a topic has no place in its URL")));
            }
            check_path(path).map_err(|error| usage(format!("`{url}` is no source: its path: {error}")))?;
        }
        let Authority { place, .. } =
            Authority::parse(authority.as_bytes()).map_err(|error| usage(format!("`{url}` is no source: {error}")))?;
        let port = place.port.unwrap_or(default_port).into();
        Ok(Self { kind, place: SourcePlace { host: place.host.into(), port, websocket, path, tls } })
    }
}

fn credentials(file: Option<&Path>) -> Result<Option<Secret>, Failure> {
    use std::io::Read;
    let Some(path) = file else {
        let key = std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty());
        return Ok(key.map(|key| Secret::new(key.trim())));
    };
    let mut key = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_KEY as u64 + 1).read_to_end(&mut key))
        .map_err(|error| cannot_open(path, &error))?;
    let text = std::str::from_utf8(&key).map(str::trim).unwrap_or_default();
    if text.is_empty() || text.contains(['\r', '\n']) || key.len() > MAX_KEY {
        let message = format!("`{}` does not hold one line of USER:PASSWORD or a token", path.display());
        return Err(Failure::new(Exit::FAILED, message));
    }
    Ok(Some(Secret::new(text)))
}

fn no_password_in(authority: &str, is_api: bool) -> Result<(), Failure> {
    if authority.contains('@') {
        return Err(usage("a password in a URL is seen by everybody on this machine".into()).hint(if is_api {
            "--api-key-file FILE, with USER:PASSWORD in it"
        } else {
            "--username NAME --pw-file FILE"
        }));
    }
    Ok(())
}

/// The virtual host `/` is written `%2F` in a path.
fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%').then(|| std::str::from_utf8(tail.get(..2)?).ok()).flatten();
        let escaped = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (Option<Kind>, SourcePlace) {
        let Url { kind, place } = Url::parse(url).unwrap();
        (kind, place)
    }

    #[test]
    fn urls_name_the_broker_the_host_and_the_virtual_host() {
        let rabbitmq = |vhost: &str| Some(Kind::RabbitMq { vhost: vhost.into() });
        let place = |host: &str, port: u16, websocket, tls| SourcePlace {
            host: host.into(),
            port: port.into(),
            websocket,
            path: None,
            tls,
        };
        let secured = Some(true);
        assert_eq!(parsed("rabbitmq+https://[::1]:99/%2Fa"), (rabbitmq("/a"), place("::1", 99, false, secured)));
        assert_eq!(parsed("rabbitmq+http://host"), (rabbitmq("/"), place("host", 15672, false, Some(false))));
        assert_eq!(parsed("mqtt://host/"), (None, place("host", 1883, false, None)));
        assert_eq!(parsed("wss://host:443"), (None, place("host", 443, true, secured)));
        let at_path = SourcePlace { path: Some("/ws".into()), ..place("host", 15675, true, None) };
        assert_eq!(parsed("ws://host:15675/ws"), (None, at_path));
        assert_eq!(parsed("unix:///run/m.sock"), (None, place("/run/m.sock", 0, false, None)));
    }

    #[test]
    fn what_is_no_url_of_an_api_is_refused() {
        for url in [
            "mqtt://h/topic",
            "ws://h/a b",
            "http://h",
            "x+http://h",
            "emqx+ftp://h",
            "mqtt://",
            "emqx+http://",
            "emqx+http://h:0",
            "emqx+http://h:x",
        ] {
            assert_eq!(Url::parse(url).unwrap_err().exit, Exit::USAGE, "{url}");
        }
        let refused = Url::parse("emqx+http://user:secret@h").unwrap_err();
        assert!(!refused.message.unwrap().contains("secret"));
        assert!(refused.hint.unwrap().contains("--api-key-file"));
        let refused = Url::parse("mqtt://user:secret@h").unwrap_err();
        assert_eq!(refused.hint.as_deref(), Some("--username NAME --pw-file FILE"));
    }
}
