//! Which hosts are reached without the proxy that the environment names.

use std::net::IpAddr;

use crate::net::authority::{HostAndPort, without_brackets};
use crate::net::this_machine::address;

/// Whether a list as `NO_PROXY` has it, names with commas or blanks between them, excepts `host` and `port`. A name excepts
/// all names below it too, an address itself, `10.0.0.0/8` a network, `*` everything; a port behind any of them only that
/// port. What is nothing of these excepts nothing.
pub fn is_excepted(list: &str, host: &str, port: u16) -> bool {
    list.split([',', ' ', '\t', '\n']).filter(|entry| !entry.is_empty()).any(|entry| excepts(entry, host, port))
}

fn excepts(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, bits)) = entry.split_once('/') {
        let network = address(without_brackets(network)).zip(bits.parse().ok());
        return network.zip(address(host)).is_some_and(|((network, bits), address)| is_within(address, network, bits));
    }
    let Ok(place) = HostAndPort::parse(entry) else { return false };
    if place.port.is_some_and(|only| only != port) {
        return false;
    }
    match (address(&place.host), address(host)) {
        (Some(entry), Some(address)) => entry == address,
        (None, None) => is_below(host, &place.host),
        _ => false,
    }
}

/// `entry` with or without `.` or `*.` in front.
fn is_below(host: &str, entry: &str) -> bool {
    let plain = |name: &str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let (host, entry) = (plain(host), plain(entry));
    let entry = entry.strip_prefix("*.").or(entry.strip_prefix('.')).unwrap_or(&entry);
    if entry.is_empty() {
        return false;
    }
    host.strip_suffix(entry).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

fn is_within(address: IpAddr, network: IpAddr, bits: u32) -> bool {
    let (one, other, width) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    // A network of no bits at all is everything.
    bits <= width && (bits == 0 || one >> (width - bits) == other >> (width - bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_except_names_with_all_below_addresses_networks_and_ports() {
        for (list, host, port) in [
            ("example.com", "example.com", 1),
            ("example.com", "MQTT.Example.com.", 1),
            (".example.com", "mqtt.example.com", 1),
            (".example.com", "example.com", 1),
            ("*.example.com", "a.b.example.com", 1),
            ("a, b ,c", "c", 1),
            ("a b", "b", 1),
            ("*", "anything", 1),
            ("10.0.0.0/8", "10.9.8.7", 1),
            ("10.1.2.3", "10.1.2.3", 1),
            ("::ffff:10.1.2.3", "10.1.2.3", 1),
            ("fd00::/8", "fd00::1", 1),
            ("[fd00::]/8", "fdff::1", 1),
            ("fe80::/10", "fe80::1%eth0", 1),
            ("0.0.0.0/0", "1.2.3.4", 1),
            ("lan:8883", "lan", 8883),
            ("[fd00::1]:8883", "fd00::1", 8883),
            ("10.0.0.1:1883", "10.0.0.1", 1883),
        ] {
            assert!(is_excepted(list, host, port), "{list} {host} {port}");
        }
        for (list, host, port) in [
            ("", "lan", 1),
            (",, ,", "lan", 1),
            ("example.com", "badexample.com", 1),
            ("example.com", "example.com.evil.org", 1),
            (".", "lan", 1),
            ("*.", "lan", 1),
            ("10.0.0.0/8", "11.0.0.1", 1),
            ("10.0.0.0/8", "mqtt.lan", 1),
            ("10.0.0.0/33", "10.0.0.1", 1),
            ("10.0.0.0/x", "10.0.0.1", 1),
            ("0.0.0.0/0", "fd00::1", 1),
            ("0.1", "10.0.0.1", 1),
            ("lan:8883", "lan", 1883),
            ("lan:x", "lan", 1883),
            ("http://lan", "lan", 1),
        ] {
            assert!(!is_excepted(list, host, port), "{list} {host} {port}");
        }
    }
}
