//! Whether a host, as it was typed, is this machine. Names are not looked up.

use std::net::{IpAddr, Ipv4Addr};

use crate::pki::name::without_zone;

/// Names of a loopback address in the `hosts` files of Linux systems. Nobody reserves them, so that a resolver may say something else.
const CUSTOMARY: [&str; 3] = ["localhost.localdomain", "ip6-localhost", "ip6-loopback"];

/// It cannot be another machine, whatever a resolver says: a loopback address or `localhost` (RFC 6761, section 6.3). What listens
/// there is reached from nowhere else.
pub fn is_loopback(host: &str) -> bool {
    match address(host) {
        Some(address) => address.is_loopback(),
        None => plain(host) == "localhost",
    }
}

/// Who connects there reaches this machine, by an address, `localhost`, or a name that is one of it by custom. Good enough where
/// nothing secret hangs on it.
pub fn is_this_machine(host: &str) -> bool {
    let name = plain(host);
    is_loopback(host) || is_unspecified(host) || CUSTOMARY.contains(&&*name) || name.ends_with(".localhost")
}

/// Who connects there reaches this machine, and who listens there is reached by others.
fn is_unspecified(host: &str) -> bool {
    address(host).is_some_and(|address| address.is_unspecified())
}

/// The address that a host is, an IPv4 one in IPv6's clothes as itself (RFC 4291, section 2.5.5.2).
pub fn address(host: &str) -> Option<IpAddr> {
    let full = without_zone(host).parse::<IpAddr>().ok().map(|address| address.to_canonical());
    full.or_else(|| short(&plain(host)).map(IpAddr::V4))
}

/// Without the dot that ends a whole name, in small letters.
fn plain(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// An address of fewer than four numbers, as the system's resolver reads it: the last one fills what is left (`127.1`, `0`). Numbers
/// that are octal to it are none here.
fn short(name: &str) -> Option<Ipv4Addr> {
    let is_number = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) && (*part == "0" || !part.starts_with('0'))
    };
    let parts: Vec<_> = name.split('.').collect();
    let (last, first) = parts.split_last().filter(|_| parts.len() < 4 && parts.iter().all(is_number))?;
    let mut bits: u32 = 0;
    for (index, part) in first.iter().enumerate() {
        bits |= u32::from(part.parse::<u8>().ok()?) << (24 - 8 * index);
    }
    let rest: u32 = last.parse().ok().filter(|rest| u64::from(*rest) < 1 << (32 - 8 * first.len()))?;
    Some(Ipv4Addr::from(bits | rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_another_machine_is_loopback() {
        for host in [
            "localhost",
            "LOCALHOST.",
            "127.0.0.1",
            "127.9.9.9",
            "127.1",
            "127.0.1",
            "2130706433",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "::1%lo",
        ] {
            assert!(is_loopback(host) && is_this_machine(host), "{host}");
        }
        let others = ["a.localhost", "ip6-localhost", "localhost.localdomain", "0.0.0.0", "::", "0", "::ffff:0.0.0.0"];
        for host in others {
            assert!(!is_loopback(host) && is_this_machine(host), "{host}");
        }
        for host in [
            "",
            ".",
            "lan",
            "localhost.lan",
            "10.0.0.1",
            "fe80::1%lo",
            "127.example.org",
            "128.0.0.1",
            "notlocalhost",
            "127",
            "127.",
            "127.999.1",
            "0177.1",
            "127.16777216",
            "4294967296",
            "127.0.0.0.1",
            "::1.example",
            "-127.1",
        ] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
