//! Proxies that do not let us through, and servers that open no WebSocket.

use crate::net::reason;
use crate::net::socks::{Proxy, Reply, SocksError};
use crate::net::websocket::{DEFAULT_PATH, Opening, WebSocketError};

use super::{About, Attempted, Finding};

/// Why a SOCKS5 proxy was of no use.
pub fn proxy(proxy: &Proxy, error: &SocksError, attempted: &Attempted<'_>) -> Finding {
    let (name, port, target) = (&proxy.host, proxy.port, attempted.place());
    let at = format!("the proxy {name} port {port}");
    match error {
        SocksError::Version(_) => Finding::error("proxy.not-socks", format!("{at} does not speak SOCKS5"))
            .fix("is it an HTTP proxy? only socks5h:// is supported"),
        SocksError::Closed => {
            Finding::error("proxy.not-socks", format!("{at} closed the connection without an answer"))
                .fix("does it speak SOCKS5? only socks5h:// is supported")
        }
        SocksError::MethodRefused if proxy.login.is_none() => {
            Finding::error("proxy.login", format!("{at} lets nobody through without a login"))
                .fix(format!("--proxy socks5h://USER:PASSWORD@{name}:{port}"))
        }
        SocksError::MethodRefused | SocksError::MethodUnknown(_) => {
            Finding::error("proxy.login", format!("{at} wants another login than user and password"))
        }
        SocksError::LoginRefused => {
            Finding::error("proxy.login", format!("{at} does not accept this user and password"))
        }
        SocksError::FieldTooLong => Finding::error(
            "proxy.login",
            "user, password or host name are longer than the 255 bytes that SOCKS5 allows",
        ),
        SocksError::Reply(reply) => refused(*reply, &at, &target),
        SocksError::TimedOut => Finding::error("proxy.timeout", format!("{at} does not answer")),
        SocksError::Io(error) => Finding::error("net.lost", format!("the connection to {at} broke: {}", reason(error))),
    }
}

fn refused(reply: Reply, at: &str, target: &str) -> Finding {
    match reply {
        Reply::NotAllowed => {
            Finding::error("proxy.denied", format!("the rules of {at} forbid connections to {target}"))
        }
        Reply::NetworkUnreachable | Reply::HostUnreachable | Reply::TtlExpired => {
            Finding::error("proxy.unreachable", format!("{at} cannot reach {target}"))
                .fix("the proxy resolves the name: does it know that host?")
        }
        Reply::ConnectionRefused => {
            Finding::error("proxy.refused", format!("{at} says that nothing listens on {target}"))
                .fix("is the broker running?")
        }
        Reply::AddressNotSupported => {
            Finding::error("proxy.failed", format!("{at} does not know addresses of this kind ({target})"))
        }
        Reply::CommandNotSupported | Reply::GeneralFailure => {
            Finding::error("proxy.failed", format!("{at} failed to connect to {target}"))
        }
        Reply::Other(code) => {
            Finding::error("proxy.failed", format!("{at} failed to connect to {target} with code {code}"))
        }
    }
}

/// What to do where a web server has no WebSocket at the path that was asked for.
pub const OTHER_PATH: &str = "the path may be another one: --ws-path /mqtt for EMQX and HiveMQ, /ws for RabbitMQ. What follows the host in -L is the topic";

/// Why a server opened no WebSocket.
pub fn websocket(error: &WebSocketError, attempted: &Attempted<'_>) -> Finding {
    let place = attempted.place();
    let path = attempted.websocket.map_or(DEFAULT_PATH, Opening::path);
    match error {
        WebSocketError::NotHttp(_) => {
            Finding::error("proto.ws-vs-mqtt", format!("{place} answers, but not with HTTP")).fix("leave out --ws")
        }
        WebSocketError::Closed => Finding::error(
            "proto.ws-vs-mqtt",
            format!("{place} closed the connection instead of opening a WebSocket: it speaks plain MQTT, or wants TLS"),
        )
        .fix("leave out --ws; or, for TLS, add --cafile FILE"),
        WebSocketError::Status { code, reason } => {
            let finding =
                Finding::error("ws.status", format!("{place} answers {code} {reason} to the request for {path}"));
            match code {
                401 | 403 => finding.fix(
                    "the web server wants a login, such as --header Authorization=@FILE, or refuses this client: its log says why",
                ),
                404 => finding.about(About::WrongPath).fix(OTHER_PATH),
                301 | 302 | 307 | 308 => finding.fix("the web server redirects: to https? then use TLS, wss://"),
                426 => {
                    finding.fix("the web server does not pass WebSockets on: a proxy in front needs Upgrade headers")
                }
                _ => finding,
            }
        }
        WebSocketError::Field("Sec-WebSocket-Protocol") => Finding::error(
            "ws.subprotocol",
            format!("{place} opens WebSockets, but not for MQTT (no `Sec-WebSocket-Protocol: mqtt`)"),
        ),
        WebSocketError::Field(name) => {
            Finding::error("ws.handshake", format!("{place} answers a WebSocket request without the right {name}"))
        }
        WebSocketError::HeadTooLong => {
            Finding::error("ws.handshake", format!("{place} answers a WebSocket request with too long a head"))
        }
        WebSocketError::TimedOut => {
            Finding::error("ws.timeout", format!("{place} does not answer the request for a WebSocket"))
                .fix("does it speak HTTP? without --ws we speak plain MQTT")
        }
        WebSocketError::Io(error) => {
            Finding::error("net.lost", format!("the connection to {place} broke: {}", reason(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Endpoint;

    #[test]
    fn a_proxy_is_named_with_what_it_refused() {
        let endpoint = Endpoint::new("mqtt.lan", 1883).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 };
        let squid = Proxy { host: "squid".to_owned(), port: 1080, login: None };
        let finding = proxy(&squid, &SocksError::MethodRefused, &attempted);
        assert_eq!(finding.what, "the proxy squid port 1080 lets nobody through without a login");
        assert_eq!(finding.fix.as_deref(), Some("--proxy socks5h://USER:PASSWORD@squid:1080"));
        let finding = proxy(&squid, &SocksError::Reply(Reply::HostUnreachable), &attempted);
        assert_eq!(
            (finding.id, finding.what.as_str()),
            ("proxy.unreachable", "the proxy squid port 1080 cannot reach mqtt.lan port 1883")
        );
    }

    #[test]
    fn a_web_server_is_told_by_its_status() {
        let endpoint = Endpoint::new("mqtt.lan", 80).unwrap();
        let opening = Opening::new("/ws", Vec::new()).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: Some(&opening), now: 0 };
        let status = WebSocketError::Status { code: 404, reason: "Not Found".to_owned() };
        let finding = websocket(&status, &attempted);
        assert_eq!(finding.what, "mqtt.lan port 80 answers 404 Not Found to the request for /ws");
        assert!(finding.fix.unwrap().contains("--ws-path"));
        assert_eq!(websocket(&WebSocketError::Closed, &attempted).id, "proto.ws-vs-mqtt");
        assert_eq!(websocket(&WebSocketError::Field("Sec-WebSocket-Protocol"), &attempted).id, "ws.subprotocol");
    }
}
