//! SOURCE words that are URLs: `emqx+https://HOST:PORT`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::ApiArgs;
use super::sentences::cannot_open;
use crate::net::endpoint::PORT;
use crate::net::{Endpoint, Route};
use crate::queue::Source;
use crate::queue::api::{ApiSource, Kind};
use crate::queue::http::Address;
use crate::queue::sys::SysSource;
use crate::term::{Exit, Failure, Secret};

/// A longer file is no password.
const MAX_KEY: usize = 64 * 1024;
const KEY_VARIABLE: &str = "MOSKIT_API_KEY";
const MAX_TIMEOUT_SECONDS: f64 = 3600.0;

/// How APIs are spoken to.
#[derive(Debug)]
pub struct ApiOptions {
    credentials: Option<Secret>,
    cafile: Option<PathBuf>,
    timeout: Duration,
}

fn usage(message: String) -> Failure {
    Failure::new(Exit::USAGE, message)
}

impl ApiOptions {
    pub fn new(args: &ApiArgs) -> Result<Self, Failure> {
        if !(0.1..=MAX_TIMEOUT_SECONDS).contains(&args.timeout) {
            let message = format!("`--timeout {}` is not between 0.1 and {MAX_TIMEOUT_SECONDS} seconds", args.timeout);
            return Err(usage(message));
        }
        Ok(Self {
            credentials: credentials(args.api_key_file.as_deref())?,
            cafile: args.api_cafile.clone(),
            timeout: Duration::from_secs_f64(args.timeout),
        })
    }

    /// How long one exchange may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The source that `url` names.
    pub fn source(&self, url: &str) -> Result<Box<dyn Source>, Failure> {
        match url.strip_prefix("mqtt://") {
            Some(authority) => self.sys(url, authority.trim_end_matches('/')),
            None => Ok(Box::new(self.api(url)?)),
        }
    }

    fn sys(&self, url: &str, authority: &str) -> Result<Box<dyn Source>, Failure> {
        no_password_in(authority)?;
        let endpoint = host_and_port(authority, PORT).and_then(|(host, port)| Endpoint::new(host, port).ok());
        let endpoint = endpoint.ok_or_else(|| usage(format!("`{url}` is no source")))?;
        let mut route = Route::new(endpoint);
        route.timeout = self.timeout;
        Ok(Box::new(SysSource { route, credentials: self.credentials.clone(), timeout: self.timeout }))
    }

    fn api(&self, url: &str) -> Result<ApiSource, Failure> {
        let not_one = || {
            usage(format!("`{url}` is no source"))
                .hint("emqx+http://HOST, or rabbitmq, vernemq, hivemq, rmqtt in the place of emqx")
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(not_one)?;
        let (name, transport) = scheme.split_once('+').ok_or_else(not_one)?;
        let is_tls = match transport {
            "http" => false,
            "https" => true,
            _ => return Err(not_one()),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        no_password_in(authority)?;
        let kind = Kind::parse(name, &decode(path)).ok_or_else(not_one)?;
        let (host, port) = host_and_port(authority, kind.default_port()).ok_or_else(not_one)?;
        let endpoint = Endpoint::new(host, port).map_err(|_| not_one())?;
        let address = Address {
            is_tls,
            endpoint,
            credentials: self.credentials.clone(),
            cafile: self.cafile.clone(),
            timeout: self.timeout,
        };
        Ok(ApiSource { kind, address })
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

fn no_password_in(authority: &str) -> Result<(), Failure> {
    if authority.contains('@') {
        return Err(usage("a password in a URL is seen by everybody on this machine".into())
            .hint("--api-key-file FILE, with USER:PASSWORD in it"));
    }
    Ok(())
}

/// `HOST`, `HOST:PORT`, `[v6]` or `[v6]:PORT`.
fn host_and_port(authority: &str, default: u16) -> Option<(&str, u16)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.map_or(Some(default), |port| port.parse().ok())?;
    (!host.is_empty() && port != 0).then_some((host, port))
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

    fn options() -> ApiOptions {
        ApiOptions { credentials: None, cafile: None, timeout: Duration::from_secs(1) }
    }

    #[test]
    fn urls_name_the_broker_the_host_and_the_virtual_host() {
        let source = options().api("rabbitmq+https://[::1]:99/%2Fa").unwrap();
        assert_eq!(source.kind, Kind::RabbitMq { vhost: "/a".into() });
        assert!(source.address.is_tls);
        let source = options().api("rabbitmq+http://host").unwrap();
        assert_eq!(source.kind, Kind::RabbitMq { vhost: "/".into() });
        assert_eq!(source.address.endpoint, Endpoint::new("host", 15672).unwrap());
    }

    #[test]
    fn what_is_no_url_of_an_api_is_refused() {
        for url in
            ["http://h", "x+http://h", "emqx+ftp://h", "mqtt://", "emqx+http://", "emqx+http://h:0", "emqx+http://h:x"]
        {
            assert_eq!(options().source(url).err().unwrap().exit, Exit::USAGE, "{url}");
        }
        let refused = options().source("emqx+http://user:secret@h").err().unwrap();
        assert!(!refused.message.unwrap().contains("secret"));
    }
}
