//! `--proxy socks5h://[user[:password]@]host[:port]`.

use zeroize::Zeroizing;

use crate::net::socks::{Login, PORT, Proxy};
use crate::term::without_logins;

/// Reads the URL, `exact` as Mosquitto does. The error is Mosquitto's line; for some errors it has none.
pub fn parse(url: &str, exact: bool) -> Result<Proxy, String> {
    let rest = url
        .strip_prefix("socks5h://")
        .ok_or_else(|| format!("Error: Unsupported proxy protocol: {}", without_logins(url)))?;
    // An `@` within a password ends it for Mosquitto, which then asks the DNS for the rest.
    let parts = if exact { rest.split_once('@') } else { rest.rsplit_once('@') };
    let (login, place) = match parts {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    // Nothing in front of the `@` is no login.
    let login = login.filter(|login| !login.is_empty()).map(login_of).transpose()?;
    let (host, port) = host_and_port(place)?;
    if host.is_empty() {
        return Err("Error: Invalid proxy.".to_owned());
    }
    let port = match port {
        None => PORT,
        Some(text) => {
            let number = crate::cmd::words::atoi(std::ffi::OsStr::new(text));
            u16::try_from(number)
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| format!("Error: Invalid proxy port {number}"))?
        }
    };
    Ok(Proxy { host: host.to_owned(), port, login })
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
        let proxy = parse("socks5h://us%3Aer:p%40%25@[::1]:99", true).unwrap();
        let login = proxy.login.unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 99));
        assert_eq!((login.user.as_str(), login.password.as_str()), ("us:er", "p@%"));
        for plain in ["socks5h://lan", "socks5h://@lan"] {
            let plain = parse(plain, true).unwrap();
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
            assert_eq!(parse(url, true).unwrap_err(), line, "{url}");
        }
    }

    #[test]
    fn no_tail_of_a_password_becomes_a_host_under_our_own_names() {
        let proxy = parse("socks5h://u:p@ss@h", false).unwrap();
        assert_eq!((&*proxy.host, proxy.login.unwrap().password.as_str()), ("h", "p@ss"));
    }
}
