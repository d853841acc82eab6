//! The first stages: name, address, and what speaks there.

use std::time::Instant;

use super::target::{How, Target, milliseconds};
use crate::diagnose::{self, Finding};
use crate::examine::report::{MILLISECONDS, Stage};
use crate::net::proxy::Hop;
use crate::net::{Endpoint, reason};
use crate::probe::{NotOpened, instead};

/// The name's addresses.
pub async fn dns(target: &Target) -> Stage {
    let (host, port) = match target.endpoint() {
        Endpoint::Tcp { host, port } => (host, *port),
        Endpoint::Unix(path) => {
            return Stage::skipped("dns", format!("`{}` is a socket of this machine", path.display()));
        }
    };
    if let Some(Hop { proxy, .. }) = &target.route.proxy {
        return Stage::skipped("dns", format!("the proxy {proxy} ({}) finds the address", proxy.origin));
    }
    let mut stage = Stage::new("dns");
    let start = Instant::now();
    match tokio::time::timeout(target.time_limit, tokio::net::lookup_host((host.as_str(), port))).await {
        Ok(Ok(addresses)) => {
            let mut found: Vec<String> = Vec::new();
            for address in addresses.take(64) {
                let address = address.ip().to_string();
                if !found.contains(&address) {
                    found.push(address);
                }
            }
            if found.is_empty() {
                stage.found(diagnose::no_address(host, "the name has no address"));
            }
            stage.fact("addresses", found);
            stage.fact(MILLISECONDS, milliseconds(start));
        }
        Ok(Err(error)) => stage.found(diagnose::no_address(host, &reason(&error))),
        Err(_elapsed) => stage.found(diagnose::no_address(host, "the resolver does not answer")),
    }
    stage
}

/// A connection that carries nothing.
pub async fn tcp(target: &Target) -> Stage {
    let mut stage = Stage::new("tcp");
    if let Some(Hop { proxy, .. }) = &target.route.proxy {
        stage.fact("proxy", proxy.to_string());
        stage.fact("proxy_from", proxy.origin.to_string());
    }
    let start = Instant::now();
    match target.open(How::Plain).await {
        Ok(stream) => {
            if let Some((peer, own)) = stream.addresses() {
                stage.fact("connected_to", peer.to_string());
                stage.fact("from", own.ip().to_string());
            }
            stage.fact(MILLISECONDS, milliseconds(start));
        }
        Err(NotOpened::Error(error)) => {
            let finding = diagnose::not_connected(&error, &target.attempted());
            stage.found(instead::of_refusal(target.probe(), finding).await);
        }
        Err(NotOpened::TimedOut) => stage.found(
            Finding::error(
                "net.timeout",
                format!("{} does not answer within {} s", target.endpoint(), target.time_limit.as_secs_f32()),
            )
            .fix("is a firewall between, or the host down? ping it"),
        ),
    }
    stage
}
