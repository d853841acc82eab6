//! Proxies: `--proxy`, and what the environment says where it is not given. Whether one is gone through is decided here,
//! for brokers and for their APIs.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use zeroize::Zeroizing;

use super::no_proxy::is_excepted;
use crate::diagnose;
use crate::net::authority::Authority;
use crate::net::proxy::{Hop, Kind, Login, Origin, Proxy};
use crate::net::this_machine::is_this_machine;
use crate::net::{Endpoint, Route, tls};
use crate::term::{Exit, Failure, Term, without_logins};

/// The variables that name a proxy or except from it, as [`of_environment`] reads them.
pub const VARIABLES: &[&str] = &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// What goes around a proxy of the environment.
const AROUND: &str = "NO_PROXY goes around it";

/// What `--proxy` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Through(Proxy),
    /// `none`: no proxy, whatever the environment says.
    Direct,
}

/// How it is decided whether there is a proxy on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    Typed(Choice),
    /// As the environment says. Never under Mosquitto's names.
    Environment,
}

impl Rule {
    pub fn new(typed: Option<&Choice>, as_mosquitto: bool) -> Self {
        match typed {
            Some(choice) => Self::Typed(choice.clone()),
            None if as_mosquitto => Self::Typed(Choice::Direct),
            None => Self::Environment,
        }
    }

    /// The proxy on the way to `endpoint`, if there is one. `is_tls`: the peer is spoken to by TLS.
    pub fn proxy(&self, endpoint: &Endpoint, is_tls: bool) -> Result<Option<Proxy>, Failure> {
        match self {
            Self::Typed(Choice::Direct) => Ok(None),
            Self::Typed(Choice::Through(proxy)) => Ok(Some(proxy.clone())),
            Self::Environment => of_environment(endpoint, is_tls, |name| std::env::var_os(name)),
        }
    }
}

/// The proxy that the environment names for `endpoint`: none for this machine and its sockets, and none for what `NO_PROXY`
/// excepts. `HTTPS_PROXY` is for TLS, `ALL_PROXY` for everything else; in small letters each counts first, as for curl.
pub fn of_environment(
    endpoint: &Endpoint,
    is_tls: bool,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<Proxy>, Failure> {
    let Endpoint::Tcp { host, port } = endpoint else { return Ok(None) };
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let names: &[&'static str] =
        if is_tls { &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] } else { &["all_proxy", "ALL_PROXY"] };
    let Some((name, url)) = names.iter().find_map(|name| variable(name).map(|url| (*name, url))) else {
        return Ok(None);
    };
    let list = variable("no_proxy").or_else(|| variable("NO_PROXY")).unwrap_or_default();
    if is_this_machine(host) || is_excepted(&list.to_string_lossy(), host, *port) {
        return Ok(None);
    }
    let proxy = read(&url, Origin::Variable(name));
    proxy.map(Some).map_err(|why| Failure::new(Exit::FAILED, format!("{name} names no proxy: {why}")).hint(AROUND))
}

/// The proxy as a hop of a route. The certificate of one that is reached by TLS is checked against `cafile`, else against
/// those of the operating system; the options for the broker's certificate are not for it.
pub fn hop(proxy: Proxy, cafile: Option<&Path>) -> Result<Hop, Failure> {
    if proxy.kind != Kind::Https {
        return Ok(proxy.into());
    }
    let options = tls::Options {
        cafile: cafile.map(Path::to_owned),
        os_certificates: cafile.is_none(),
        ..tls::Options::default()
    };
    let client = tls::Client::new(&options, &mut |_, _| None)
        .map_err(|error| diagnose::tls::authorities(&error, "--proxy-cafile").into_failure(Exit::FAILED))?;
    Ok(Hop { proxy, tls: Some(client) })
}

/// Says on standard error that a password is about to go in clear through a proxy that nobody named for it.
pub fn warn_of_secret(route: &Route, is_tls: bool, what: &str, term: &mut Term) {
    if let Some(Hop { proxy, .. }) = &route.proxy
        && let Origin::Variable(name) = proxy.origin
        && !is_tls
    {
        term.note(format_args!(
            "warning: {what} goes without TLS through the proxy {proxy}, which {name} names: it can read it; {AROUND}"
        ));
    }
}

/// `--proxy`: `none`, or the URL of a proxy. The error is the line that is printed.
pub fn parse(word: &OsStr) -> Result<Choice, String> {
    if word == "none" {
        return Ok(Choice::Direct);
    }
    read(word, Origin::Option).map(Choice::Through).map_err(|why| format!("Error: Invalid proxy: {why}"))
}

/// Reads `scheme://[user[:password]@]host[:port][/]`. In a variable the scheme may be left out, which is http. No error has
/// anything of the login.
fn read(url: &OsStr, origin: Origin) -> Result<Proxy, String> {
    let url = url.to_str().ok_or("it is not UTF-8")?;
    let (scheme, rest) = match (url.split_once("://"), origin) {
        (Some(parts), _) => parts,
        (None, Origin::Variable(_)) => ("http", url),
        (None, Origin::Option) => {
            return Err("it is http://, https:// or socks5h:// with host and port, or none".to_owned());
        }
    };
    let kind = Kind::parse(scheme).ok_or_else(|| {
        format!("http, https and socks5h are supported, and not {}", without_logins(&format!("{scheme}://")))
    })?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let Authority { login, place } = Authority::parse(authority.as_bytes()).map_err(|error| error.to_string())?;
    let login = login.filter(|login| !login.username.is_empty() || login.password.is_some());
    let login = login.map(|login| {
        let text = |bytes: &[u8]| str::from_utf8(bytes).map(str::to_owned).map_err(|_| "its login is not UTF-8");
        let user = text(&login.username)?;
        let password = login.password.map(|password| text(&password)).transpose()?.unwrap_or_default();
        match kind {
            _ if user.is_empty() => Err("its login has no user name"),
            // RFC 7617: nothing could tell where the password begins.
            Kind::Http | Kind::Https if user.contains(':') => Err("the user name of an HTTP proxy cannot contain ':'"),
            _ => Ok(Login { user, password: Zeroizing::new(password) }),
        }
    });
    Ok(Proxy {
        kind,
        host: place.host,
        port: place.port.unwrap_or(kind.default_port()),
        login: login.transpose()?,
        origin,
    })
}

/// Reads the URL as Mosquitto does, which has SOCKS5 alone. The error is its line; for some errors it has none.
pub fn parse_as_mosquitto(url: &str) -> Result<Proxy, String> {
    let rest = url
        .strip_prefix("socks5h://")
        .ok_or_else(|| format!("Error: Unsupported proxy protocol: {}", without_logins(url)))?;
    // An `@` within a password ends it for Mosquitto, which then asks the DNS for the rest.
    let (login, place) = match rest.split_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    // Nothing in front of the `@` is no login.
    let login = login.filter(|login| !login.is_empty()).map(login_of).transpose()?;
    let (host, port) = host_and_port(place)?;
    if host.is_empty() {
        return Err("Error: Invalid proxy.".to_owned());
    }
    let kind = Kind::Socks5;
    let port = match port {
        None => kind.default_port(),
        Some(text) => {
            let number = crate::cmd::words::atoi(OsStr::new(text));
            u16::try_from(number)
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| format!("Error: Invalid proxy port {number}"))?
        }
    };
    Ok(Proxy { kind, host: host.to_owned(), port, login, origin: Origin::Option })
}

fn login_of(text: &str) -> Result<Login, String> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    if user.is_empty() {
        return Err(String::new());
    }
    if password.contains(':') {
        return Err("Error: Username cannot contain ':'.".to_owned());
    }
    Ok(Login { user: decoded(user)?, password: Zeroizing::new(decoded(password)?) })
}

fn host_and_port(place: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = place.strip_prefix('[') {
        // Mosquitto takes an address that does not end for one that does.
        let (host, after) = rest.split_once(']').ok_or("Error: Invalid proxy.")?;
        if after.contains('[') {
            return Err("Error: Duplicate IPv6 address.".to_owned());
        }
        return match after.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if after.is_empty() => Ok((host, None)),
            // What is no port is port 0.
            None => Ok((host, Some(after))),
        };
    }
    match place.split_once(':') {
        Some((_, port)) if port.contains(':') => Err(String::new()),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((place, None)),
    }
}

/// The four percent-sequences that a login may hold; any other is an error.
fn decoded(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('%') {
        out.push_str(plain);
        let code = after.get(..2).ok_or_else(String::new)?;
        out.push(match code {
            "25" => '%',
            "3A" | "3a" => ':',
            // Mosquitto makes a colon of it, which is never what was meant.
            "40" => '@',
            _ => return Err(String::new()),
        });
        rest = &after[2..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_found_and_the_login_is_decoded() {
        let proxy = parse_as_mosquitto("socks5h://us%3Aer:p%40%25@[::1]:99").unwrap();
        let login = proxy.login.unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 99));
        assert_eq!((login.user.as_str(), login.password.as_str()), ("us:er", "p@%"));
        for plain in ["socks5h://lan", "socks5h://@lan"] {
            let plain = parse_as_mosquitto(plain).unwrap();
            assert_eq!((plain.host.as_str(), plain.port, plain.login.is_none()), ("lan", 1080, true));
        }
    }

    #[test]
    fn what_is_wrong_is_told_as_mosquitto_does_or_not_at_all() {
        let rows = [
            ("socks4://h", "Error: Unsupported proxy protocol: socks4://h"),
            ("SOCKS5H://h", "Error: Unsupported proxy protocol: SOCKS5H://h"),
            ("http://u:secret@h", "Error: Unsupported proxy protocol: http://…@h"),
            ("socks5h://", "Error: Invalid proxy."),
            ("socks5h://h:0", "Error: Invalid proxy port 0"),
            ("socks5h://h:65536", "Error: Invalid proxy port 65536"),
            ("socks5h://a:b:c@h", "Error: Username cannot contain ':'."),
            ("socks5h://[::1][::2]", "Error: Duplicate IPv6 address."),
            ("socks5h://[::1", "Error: Invalid proxy."),
            ("socks5h://[::1]x", "Error: Invalid proxy port 0"),
            ("socks5h://:p@h", ""),
            ("socks5h://h:1:2", ""),
            ("socks5h://a%41@h", ""),
        ];
        for (url, line) in rows {
            assert_eq!(parse_as_mosquitto(url).unwrap_err(), line, "{url}");
        }
    }

    fn typed(url: &str) -> Result<Proxy, String> {
        match parse(OsStr::new(url))? {
            Choice::Through(proxy) => Ok(proxy),
            Choice::Direct => Err("none".to_owned()),
        }
    }

    #[test]
    fn an_url_of_a_proxy_is_read_as_urls_are_under_our_own_names() {
        for (url, shown) in [
            ("http://lan", "http://lan:80"),
            ("HTTPS://lan/", "https://lan:443"),
            ("https://[fe80::1%25eth0]:99", "https://[fe80::1%eth0]:99"),
            ("socks5://lan", "socks5h://lan:1080"),
        ] {
            assert_eq!(typed(url).unwrap().to_string(), shown);
        }
        let proxy = typed("http://a%20b:p%2F@ss@h").unwrap();
        let login = proxy.login.unwrap();
        assert_eq!((&*proxy.host, &*login.user, login.password.as_str()), ("h", "a b", "p/@ss"));
        assert_eq!(parse(OsStr::new("none")), Ok(Choice::Direct));
    }

    #[test]
    fn an_url_that_names_no_proxy_is_refused_without_its_login() {
        for (url, why) in [
            ("lan:3128", "it is http://, https:// or socks5h:// with host and port, or none"),
            ("socks4://u:secret@h", "http, https and socks5h are supported, and not socks4://"),
            ("http://u:secret@", "there is no host"),
            ("http://u:secret@h:0", "'0' is no port from 1 to 65535"),
            ("http://:secret@h", "its login has no user name"),
            ("http://a%3Ab:secret@h", "the user name of an HTTP proxy cannot contain ':'"),
            ("http://u:%ffsecret@h", "its login is not UTF-8"),
        ] {
            assert_eq!(typed(url).unwrap_err(), format!("Error: Invalid proxy: {why}"), "{url}");
        }
    }

    /// The proxy for `place` in an environment.
    fn named(place: &str, is_tls: bool, variables: &[(&str, &str)]) -> Option<(String, Origin)> {
        let (host, port) = place.rsplit_once(':').unwrap();
        let endpoint = Endpoint::new(host, port.parse().unwrap()).unwrap();
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        of_environment(&endpoint, is_tls, variable).unwrap().map(|proxy| (proxy.to_string(), proxy.origin))
    }

    #[test]
    fn the_environment_names_a_proxy_for_other_machines() {
        let all: &[(&str, &str)] =
            &[("ALL_PROXY", "socks5h://all"), ("HTTPS_PROXY", "http://tls:3128"), ("NO_PROXY", "near.lan, 10.0.0.0/8")];
        let by = |url: &str, name| Some((url.to_owned(), Origin::Variable(name)));
        assert_eq!(named("lan:1883", false, all), by("socks5h://all:1080", "ALL_PROXY"));
        assert_eq!(named("lan:8883", true, all), by("http://tls:3128", "HTTPS_PROXY"));
        assert_eq!(named("lan:8883", true, &all[..1]), by("socks5h://all:1080", "ALL_PROXY"));
        assert_eq!(named("lan:1883", false, &all[1..]), None);
        for place in
            ["near.lan:1883", "a.near.lan:1883", "10.1.1.1:1883", "localhost:1883", "127.0.0.2:1883", "::1:1883"]
        {
            assert_eq!(named(place, false, all), None, "{place}");
        }
        let lower: &[(&str, &str)] =
            &[("all_proxy", "lower:1"), ("ALL_PROXY", "http://upper"), ("no_proxy", "x"), ("NO_PROXY", "*")];
        assert_eq!(named("lan:1883", false, lower), by("http://lower:1", "all_proxy"));
        assert_eq!(named("lan:1883", false, &[("all_proxy", ""), lower[1]]), by("http://upper:80", "ALL_PROXY"));
        assert_eq!(named("lan:1883", false, &lower[1..2]), by("http://upper:80", "ALL_PROXY"));
        assert_eq!(named("lan:1883", false, &[lower[1], lower[3]]), None);
        assert_eq!(named("/run/mqtt.sock:0", false, all), None);
    }

    #[test]
    fn a_variable_that_names_no_proxy_is_no_way_around_it() {
        let variable = |name: &str| (name == "ALL_PROXY").then(|| "socks4://u:secret@h".into());
        let failure = of_environment(&Endpoint::new("lan", 1883).unwrap(), false, variable).unwrap_err();
        let message = failure.message.unwrap();
        assert!(message.starts_with("ALL_PROXY names no proxy") && !message.contains("secret"), "{message}");
    }
}
