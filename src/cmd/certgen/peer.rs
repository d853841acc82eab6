//! What a TLS server presents, believed or not.

use std::path::Path;

use crate::cmd::connect::proxy;
use crate::net::authority::HostAndPort;
use crate::net::endpoint::{Endpoint, TLS_PORT};
use crate::net::tls::{Checks, Client, Options};
use crate::net::{ConnectError, Route, connect, reason};
use crate::pki::certificate::Certificate;
use crate::pki::name::DistinguishedName;
use crate::term::{Exit, Failure};

/// A server that was looked at.
pub struct Peer {
    pub presented: Vec<Certificate>,
    /// Version, cipher suite and application protocol, if the handshake ended well.
    pub session: Option<(&'static str, String, Option<String>)>,
    /// It asks clients for a certificate, from one of these issuers (empty: from anybody).
    pub asks_for_certificate: Option<Vec<DistinguishedName>>,
}

/// `HOST:PORT` or `[v6]:PORT`, if `target` is no file that exists. Nothing behind the colon is the port of MQTT over TLS.
pub fn address(target: &str) -> Option<(String, u16)> {
    if Path::new(target).exists() || target.contains('/') {
        return None;
    }
    let (place, default) = match target.strip_suffix(':') {
        Some(host) => (host, Some(TLS_PORT)),
        None => (target, None),
    };
    let place = HostAndPort::parse(place).ok()?;
    Some((place.host, place.port.or(default)?))
}

/// Makes a TLS session without believing anybody, and tells what was seen.
pub fn look(host: &str, port: u16) -> Result<Peer, Failure> {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot look at {host} port {port}: {why}"));
    let options = Options { checks: Checks::Nothing, ..Options::default() };
    let client = Client::new(&options, &mut |_, _| None).map_err(|_| failed("TLS cannot be set up".to_owned()))?;
    let endpoint = Endpoint::new(host, port).map_err(|_| Failure::new(Exit::USAGE, format!("`{host}` is no host")))?;
    let proxy = proxy::Rule::Environment.proxy(&endpoint, true)?.map(|proxy| proxy::hop(proxy, None)).transpose()?;
    let route = Route { tls: Some(client), proxy, ..Route::new(endpoint) };
    let runtime = crate::os::runtime::on_this_thread().map_err(|error| failed(reason(&error)))?;
    let (seen, session) = match runtime.block_on(connect(&route)) {
        Ok(stream) => {
            let session = stream.session().ok_or_else(|| failed("there is no TLS session".to_owned()))?;
            (session.seen.clone(), Some((session.version, session.cipher.clone(), session.alpn.clone())))
        }
        // A server may refuse us, for want of a client certificate, after it has shown its own.
        Err(ConnectError::Tls(failure)) if !failure.seen.presented.is_empty() => (*failure.seen, None),
        Err(error) => return Err(Failure::new(Exit::FAILED, error.to_string())),
    };
    let presented = seen.presented.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
    Ok(Peer { presented, session, asks_for_certificate: seen.asked_for_certificate })
}
