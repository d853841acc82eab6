//! Proxies that do not let us through, and servers that open no WebSocket.

use crate::net::proxy::{Origin, Proxy};
use crate::net::socks::{Reply, SocksError};
use crate::net::tls::begins_tls;
use crate::net::tunnel::{HEAD_LIMIT, TunnelError};
use crate::net::websocket::{DEFAULT_PATH, Opening, WebSocketError};
use crate::net::{ConnectError, ProxyError, reason};

use super::{About, Attempted, Finding};

/// Why there is no way through a proxy.
pub fn proxy(proxy: &Proxy, error: &ProxyError, attempted: &Attempted<'_>) -> Finding {
    let from = match proxy.origin {
        Origin::Option => String::new(),
        Origin::Variable(name) => format!(" of {name}"),
    };
    let at = format!("the proxy {} port {}{from}", proxy.host, proxy.port);
    let finding = match error {
        ProxyError::NotReached(error) => not_reached(&at, error),
        ProxyError::Tls(failure) => {
            Finding::error("proxy.tls", format!("there is no TLS session with {at}: {failure}"))
                .fix("its CA: --proxy-cafile FILE; if it has no TLS: http:// in its URL")
        }
        ProxyError::Socks(error) => socks(proxy, error, &at, attempted),
        ProxyError::Tunnel(error) => tunnel(proxy, error, &at, attempted),
        ProxyError::TimedOut => Finding::error("proxy.timeout", format!("{at} does not answer"))
            .fix(format!("does it speak {}?", proxy.kind.scheme())),
    };
    if proxy.origin == Origin::Option {
        return finding;
    }
    // Whoever exported the variable for something else wants to know how to do without it.
    let around = "--proxy none, or NO_PROXY, goes around it";
    let fix = match finding.fix.as_deref() {
        None => around.to_owned(),
        // A question ends itself.
        Some(fix) if fix.ends_with('?') => format!("{fix} {around}"),
        Some(fix) => format!("{fix}; {around}"),
    };
    finding.fix(fix)
}

fn not_reached(at: &str, error: &ConnectError) -> Finding {
    let why = match error {
        ConnectError::Lookup { error, .. } => format!("its name has no address: {}", reason(error)),
        error => error.last_os_error().map_or_else(|| error.to_string(), reason),
    };
    Finding::error("proxy.not-reached", format!("{at} cannot be reached: {why}"))
        .fix("does it run, and are its host and port right?")
}

fn tunnel(proxy: &Proxy, error: &TunnelError, at: &str, attempted: &Attempted<'_>) -> Finding {
    let target = attempted.place();
    match error {
        TunnelError::NotHttp(first) => Finding::error("proxy.not-http", format!("{at} does not speak HTTP"))
            .evidence(format!("it says {:?}", String::from_utf8_lossy(first)))
            .fix(match begins_tls(first) {
                Some(true) => "it speaks TLS: https:// in its URL",
                _ => "is it a SOCKS5 proxy? socks5h:// in its URL",
            }),
        TunnelError::Closed => {
            Finding::error("proxy.not-http", format!("{at} closed the connection without an answer"))
                .fix("is it a SOCKS5 proxy (socks5h:// in its URL), or one that wants TLS (https://)?")
        }
        TunnelError::HeadTooLong => {
            Finding::error("proxy.not-http", format!("{at} answers with a head of more than {HEAD_LIMIT} bytes"))
        }
        TunnelError::Login { ways } if !TunnelError::takes_basic(ways) => Finding::error(
            "proxy.login",
            format!("{at} wants a login by {}, and moskit has Basic alone", super::list(ways)),
        ),
        TunnelError::Login { .. } => login_wanted(proxy, at),
        TunnelError::Status { code: 403, reason } => {
            Finding::error("proxy.denied", format!("{at} forbids connections to {target}: 403 {reason}"))
                .fix("its rules may allow some ports only: ask who runs it")
        }
        TunnelError::Status { code: code @ 502..=504, reason } => {
            Finding::error("proxy.unreachable", format!("{at} cannot reach {target}: {code} {reason}"))
                .fix("the proxy resolves the name: does it know that host, and does the broker run?")
        }
        TunnelError::Status { code, reason } => {
            Finding::error("proxy.failed", format!("{at} answers {code} {reason} to CONNECT {target}"))
                .fix("is it a proxy, and does it take CONNECT?")
        }
        TunnelError::Io(error) => {
            Finding::error("net.lost", format!("the connection to {at} broke: {}", reason(error)))
        }
    }
}

fn login_wanted(proxy: &Proxy, at: &str) -> Finding {
    if proxy.login.is_some() {
        return Finding::error("proxy.login", format!("{at} does not accept this user and password"));
    }
    Finding::error("proxy.login", format!("{at} lets nobody through without a login")).fix(
        "user name and password belong into its URL, in front of the host; in ALL_PROXY no process list shows them",
    )
}

fn socks(proxy: &Proxy, error: &SocksError, at: &str, attempted: &Attempted<'_>) -> Finding {
    let target = attempted.place();
    match error {
        SocksError::Version(_) => Finding::error("proxy.not-socks", format!("{at} does not speak SOCKS5"))
            .fix("is it an HTTP proxy? http:// in its URL"),
        SocksError::Closed => {
            Finding::error("proxy.not-socks", format!("{at} closed the connection without an answer"))
                .fix("does it speak SOCKS5? http:// in its URL is for HTTP proxies")
        }
        SocksError::MethodRefused if proxy.login.is_none() => login_wanted(proxy, at),
        SocksError::MethodRefused | SocksError::MethodUnknown(_) => {
            Finding::error("proxy.login", format!("{at} wants another login than user and password"))
        }
        SocksError::LoginRefused => login_wanted(proxy, at),
        SocksError::FieldTooLong => Finding::error(
            "proxy.login",
            "user, password or host name are longer than the 255 bytes that SOCKS5 allows",
        ),
        SocksError::Reply(reply) => refused(*reply, at, &target),
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

/// What to do where a web server has no WebSocket at the path that was `asked` for.
pub fn other_path(asked: &str) -> String {
    let usual = [("/mqtt", "EMQX and HiveMQ"), ("/ws", "RabbitMQ")].into_iter().filter(|(path, _)| *path != asked);
    let usual: Vec<_> = usual.map(|(path, brokers)| format!("{path} for {brokers}")).collect();
    format!("the path may be another one: --ws-path {}. What follows the host in -L is the topic", usual.join(", "))
}

/// Where a server with TLS closes instead of opening a WebSocket.
pub const WITHOUT_WEBSOCKET: &str = "leave out --ws: this is probably an MQTT listener without WebSockets";

/// Why a server opened no WebSocket.
pub fn websocket(error: &WebSocketError, attempted: &Attempted<'_>) -> Finding {
    let place = attempted.place();
    let path = attempted.websocket.map_or(DEFAULT_PATH.into(), Opening::shown_path);
    match error {
        WebSocketError::NotHttp(_) => Finding::error("proto.ws-vs-mqtt", format!("{place} answers, but not with HTTP"))
            .about(About::NoWebSocket)
            .fix("leave out --ws"),
        WebSocketError::Closed if attempted.tls.is_some() => {
            Finding::error("proto.ws-vs-mqtt", format!("{place} closed the connection instead of opening a WebSocket"))
                .about(About::NoWebSocket)
                .fix(WITHOUT_WEBSOCKET)
        }
        WebSocketError::Closed => Finding::error(
            "proto.ws-vs-mqtt",
            format!("{place} closed the connection instead of opening a WebSocket: it speaks plain MQTT, or wants TLS"),
        )
        .about(About::NoWebSocket)
        .fix("leave out --ws; or, for TLS, add --cafile FILE"),
        WebSocketError::Status { code, reason } => {
            let finding =
                Finding::error("ws.status", format!("{place} answers {code} {reason} to the request for {path}"));
            match code {
                401 | 403 => finding.fix(
                    "the web server wants a login, such as --header Authorization=@FILE, or refuses this client: its log says why",
                ),
                400 => finding.about(About::NoWebSocket),
                404 => finding.about(About::WrongPath).fix(other_path(&path)),
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
                .about(About::NoWebSocket)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Endpoint;
    use crate::net::proxy::Kind;

    #[test]
    fn a_proxy_is_named_with_what_it_refused() {
        let endpoint = Endpoint::new("mqtt.lan", 1883).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 };
        let by = |origin| Proxy { kind: Kind::Socks5, host: "squid".to_owned(), port: 1080, login: None, origin };
        let squid = by(Origin::Option);
        let finding = proxy(&squid, &ProxyError::Socks(SocksError::MethodRefused), &attempted);
        assert_eq!(finding.what, "the proxy squid port 1080 lets nobody through without a login");
        assert!(finding.fix.unwrap().contains("in front of the host"));
        let finding = proxy(&by(Origin::Variable("all_proxy")), &ProxyError::TimedOut, &attempted);
        assert_eq!(finding.what, "the proxy squid port 1080 of all_proxy does not answer");
        let fix = "does it speak socks5h? --proxy none, or NO_PROXY, goes around it";
        assert_eq!(finding.fix.as_deref(), Some(fix));
        let refused = ProxyError::Socks(SocksError::MethodRefused);
        let fix = proxy(&by(Origin::Variable("all_proxy")), &refused, &attempted).fix.unwrap();
        assert!(fix.ends_with("no process list shows them; --proxy none, or NO_PROXY, goes around it"), "{fix}");
        let unreachable = ProxyError::Socks(SocksError::Reply(Reply::HostUnreachable));
        let finding = proxy(&squid, &unreachable, &attempted);
        assert_eq!(
            (finding.id, finding.what.as_str()),
            ("proxy.unreachable", "the proxy squid port 1080 cannot reach mqtt.lan port 1883")
        );
    }

    #[test]
    fn who_has_tls_is_not_told_to_use_it() {
        let endpoint = Endpoint::new("mqtt.lan", 8883).unwrap();
        let tls = crate::net::tls::Options::default();
        for (tls, words) in [(None, "or, for TLS, add"), (Some(&tls), "probably an MQTT listener without WebSockets")] {
            let attempted = Attempted { endpoint: &endpoint, tls, websocket: None, now: 0 };
            let fix = websocket(&WebSocketError::Closed, &attempted).fix.unwrap();
            assert!(fix.contains(words), "{fix}");
        }
    }

    #[test]
    fn an_http_proxy_is_told_by_what_it_answers() {
        let endpoint = Endpoint::new("mqtt.lan", 1883).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 };
        let (kind, host, origin) = (Kind::Http, "squid".to_owned(), Origin::Option);
        let squid = Proxy { kind, host, port: 3128, login: None, origin };
        let status = |code| TunnelError::Status { code, reason: "x".to_owned() };
        for (error, id) in [
            (status(403), "proxy.denied"),
            (status(502), "proxy.unreachable"),
            (status(504), "proxy.unreachable"),
            (status(405), "proxy.failed"),
            (TunnelError::Login { ways: vec!["Basic".to_owned()] }, "proxy.login"),
            (TunnelError::Login { ways: vec!["NTLM".to_owned()] }, "proxy.login"),
            (TunnelError::NotHttp(b"<html".to_vec()), "proxy.not-http"),
            (TunnelError::HeadTooLong, "proxy.not-http"),
            (TunnelError::Closed, "proxy.not-http"),
        ] {
            assert_eq!(proxy(&squid, &ProxyError::Tunnel(error), &attempted).id, id);
        }
        let spoken = |first: &[u8]| TunnelError::NotHttp(first.to_vec());
        let fix = |error| proxy(&squid, &ProxyError::Tunnel(error), &attempted).fix.unwrap();
        assert!(fix(spoken(b"\x15\x03\x03")).contains("https://"));
        assert!(fix(spoken(b"\x05\xff")).contains("socks5h://"));
    }

    #[test]
    fn a_web_server_is_told_by_its_status() {
        let endpoint = Endpoint::new("mqtt.lan", 80).unwrap();
        let opening = Opening::new("/ws", Vec::new()).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: Some(&opening), now: 0 };
        let status = WebSocketError::Status { code: 404, reason: "Not Found".to_owned() };
        let finding = websocket(&status, &attempted);
        assert_eq!(finding.what, "mqtt.lan port 80 answers 404 Not Found to the request for /ws");
        let fix = finding.fix.unwrap();
        assert!(fix.contains("--ws-path /mqtt for EMQX and HiveMQ. ") && !fix.contains("RabbitMQ"), "{fix}");
        assert_eq!(websocket(&WebSocketError::Closed, &attempted).id, "proto.ws-vs-mqtt");
        assert_eq!(websocket(&WebSocketError::Field("Sec-WebSocket-Protocol"), &attempted).id, "ws.subprotocol");
    }
}
