//! Names of hosts that the system finds in its own file, so that no server is asked for them.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;

/// What the system looks names up in, and in which order (nsswitch.conf(5)), and its file of names (hosts(5)).
const ORDER: &str = "/etc/nsswitch.conf";
const HOSTS: &str = "/etc/hosts";

/// A longer file is one of names that are not to be found, and is left to the system.
const LIMIT: u64 = 16 * 1024;

/// The usual file is read by one system call.
const USUAL_LENGTH: usize = 4096;

/// The addresses that the file of names has for `name`, in its order, where that file is asked before all else. `None` where
/// it is not, as far as the system says so, or where the name stands behind something that is no address.
pub fn addresses(name: &str) -> Option<Vec<IpAddr>> {
    let order = text(ORDER).ok()?;
    if is_first(&order) { find(&text(HOSTS).ok()?, name) } else { None }
}

fn text(path: &str) -> io::Result<String> {
    let mut text = String::with_capacity(USUAL_LENGTH);
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

/// The addresses of all lines that have the name, if there are any. What the system makes of a line that does not begin with an
/// address it has to say itself.
fn find(hosts: &str, name: &str) -> Option<Vec<IpAddr>> {
    let address = |line| {
        let mut words = without_comment(line).split_whitespace();
        let address = words.next()?.parse::<IpAddr>();
        words.any(|known| known.eq_ignore_ascii_case(name)).then_some(address.ok())
    };
    let found: Vec<_> = hosts.lines().filter_map(address).collect::<Option<_>>()?;
    if found.is_empty() { None } else { Some(found) }
}

#[cfg(test)]
mod tests {
    use std::net::ToSocketAddrs;

    use super::*;

    #[test]
    fn names_of_the_file_are_known_behind_an_address_and_before_a_comment() {
        let hosts = "# 127.0.0.1 commented\n127.0.0.1\tlocalhost lab # old\n\n::1 LocalHost6\n10.0.0.1\n\
                     10.0.0 short\n10.0.0.256 large\nfe80::1%lo zoned\n";
        for name in ["localhost", "lab", "localhost6", "LOCALHOST"] {
            assert_eq!(find(hosts, name).map(|found| found.len()), Some(1), "{name}");
        }
        for name in ["127.0.0.1", "10.0.0.1", "commented", "old", "local", "localhost.", "", "short", "large", "zoned"]
        {
            assert_eq!(find(hosts, name), None, "{name}");
        }
        let twice = "127.0.0.1 localhost lab\n::1 localhost\n127.0.1.1 lab\nfe80::1%lo lab\n";
        let localhost = ["127.0.0.1", "::1"].map(|address| address.parse::<IpAddr>().unwrap());
        assert_eq!(find(twice, "localhost"), Some(localhost.to_vec()));
        // What the system makes of the last line is not known.
        assert_eq!(find(twice, "lab"), None);
    }

    #[test]
    fn the_system_finds_the_only_address_of_a_name_too() {
        let hosts = text(HOSTS).unwrap_or_default();
        for name in hosts.lines().flat_map(|line| without_comment(line).split_whitespace().skip(1)) {
            let known = addresses(name).unwrap_or_default();
            let [only @ IpAddr::V4(_)] = known[..] else { continue };
            let mut found: Vec<_> = (name, 0).to_socket_addrs().unwrap().map(|found| found.ip()).collect();
            found.dedup();
            assert_eq!(found, [only], "{name}");
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
