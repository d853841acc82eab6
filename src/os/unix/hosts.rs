//! Names of hosts that the system finds in its own file, so that no server is asked for them.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;

/// What the system looks names up in, and in which order (nsswitch.conf(5)), and its file of names (hosts(5)).
const ORDER: &str = "/etc/nsswitch.conf";
const HOSTS: &str = "/etc/hosts";

/// A longer file is one of names that are not to be found, and is left to the system.
const LIMIT: u64 = 16 * 1024;

/// Whether the file of names has `name` and is asked before all else, as far as the system says so.
pub fn are_first_asked_for(name: &str) -> bool {
    let read = || Ok::<_, io::Error>(is_first(&text(ORDER)?) && has(&text(HOSTS)?, name));
    read().unwrap_or(false)
}

fn text(path: &str) -> io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?.take(LIMIT + 1).read_to_string(&mut text)? as u64;
    if length > LIMIT { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

fn without_comment(line: &str) -> &str {
    line.split_once('#').map_or(line, |(before, _)| before)
}

/// Whether the line for hosts names the file first, and nothing that is to be done after it: `[SUCCESS=merge]` asks others, too.
fn is_first(order: &str) -> bool {
    let services = order.lines().find_map(|line| without_comment(line).trim_start().strip_prefix("hosts:"));
    let mut words = services.unwrap_or_default().split_whitespace();
    words.next() == Some("files") && !words.next().is_some_and(|word| word.starts_with('['))
}

/// Whether a line that the system reads has the name: one that does not begin with an address is none.
fn has(hosts: &str, name: &str) -> bool {
    hosts.lines().any(|line| {
        let mut words = without_comment(line).split_whitespace();
        words.next().is_some_and(|word| word.parse::<IpAddr>().is_ok())
            && words.any(|known| known.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_file_are_known_behind_an_address_and_before_a_comment() {
        let hosts = "# 127.0.0.1 commented\n127.0.0.1\tlocalhost lab # old\n\n::1 LocalHost6\n10.0.0.1\n\
                     10.0.0 short\n10.0.0.256 large\nfe80::1%lo zoned\n";
        for name in ["localhost", "lab", "localhost6", "LOCALHOST"] {
            assert!(has(hosts, name), "{name}");
        }
        for name in ["127.0.0.1", "10.0.0.1", "commented", "old", "local", "localhost.", "", "short", "large", "zoned"]
        {
            assert!(!has(hosts, name), "{name}");
        }
    }

    #[test]
    fn only_a_file_that_comes_first_is_asked_alone() {
        for order in ["hosts: files dns\n", "passwd: files\n  hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns # x\n"]
        {
            assert!(is_first(order), "{order}");
        }
        let others = [
            "",
            "passwd: files\n",
            "# hosts: files\n",
            "hosts: dns files\n",
            "hosts: resolve [!UNAVAIL=return] files\n",
            "hosts: files [SUCCESS=merge] dns\n",
            "hosts: files [ SUCCESS=continue ] dns\n",
            "hosts: files[SUCCESS=merge] dns\n",
        ];
        for order in others.iter().chain(["hosts:\n", "hosts: # files\n", "hostsfiles: files\n"].iter()) {
            assert!(!is_first(order), "{order}");
        }
    }
}
