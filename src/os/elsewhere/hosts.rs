//! Names of hosts that the system finds in its own file.

use std::net::IpAddr;

/// What is asked first is not known.
pub fn addresses(_name: &str) -> Option<Vec<IpAddr>> {
    None
}
