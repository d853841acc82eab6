//! What to connect to, and how, as all stages of a check need it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use tokio::time::timeout;

use crate::diagnose::Attempted;
use crate::mqtt::packet::{Connect, Properties, Property, ProtocolVersion, QoS};
use crate::net::tls::{self, Checks};
use crate::net::{ConnectError, Endpoint, Route, Stream, connect};
use crate::term::Secret;

/// The login of a CONNECT.
#[derive(Clone, Debug, Default)]
pub struct Login {
    pub username: Option<ByteString>,
    pub password: Option<Secret>,
}

impl Login {
    pub fn is_given(&self) -> bool {
        self.username.is_some() || self.password.is_some()
    }
}

/// TLS as the user asked for it, in two forms.
#[derive(Clone, Debug)]
pub struct Tls {
    pub options: tls::Options,
    /// Looks at everything and refuses nothing; shows no certificate of ours.
    pub capture: tls::Client,
    /// As the options say, with our certificate.
    pub real: tls::Client,
}

/// Everything that a check by connection was asked for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Without TLS, which each stage adds as it needs it.
    pub route: Route,
    pub tls: Option<Tls>,
    pub login: Login,
    /// The version that must work; otherwise any may.
    pub version: Option<ProtocolVersion>,
    /// The topic below which may be published.
    pub topic: Option<String>,
    pub qos: QoS,
    pub keep_alive: u16,
    pub keep_session: bool,
    pub session_expiry: Option<u32>,
    /// The id that the user's client has; used only with `as_client`.
    pub id: Option<String>,
    pub as_client: bool,
    /// Send login and certificate even to a server whose certificate failed.
    pub trust_anyway: bool,
    pub second_opinion: bool,
    /// For each step.
    pub patience: Duration,
    /// Seconds since 1970.
    pub now: i64,
}

/// Why there is no stream.
#[derive(Debug)]
pub enum NotOpened {
    Error(Box<ConnectError>),
    /// Nothing happened for the whole patience.
    TimedOut,
}

/// How a stream is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Neither TLS nor WebSocket, whatever the options say.
    Plain,
    /// TLS that refuses nothing and shows nothing of ours, without anything on top.
    Handshake,
    /// The same, with the WebSocket if there is to be one.
    Capture,
    /// As the user asked.
    Real,
}

impl Target {
    pub fn endpoint(&self) -> &Endpoint {
        &self.route.endpoint
    }

    pub fn checks(&self) -> Checks {
        self.tls.as_ref().map_or(Checks::Everything, |tls| tls.options.checks)
    }

    /// What the sentences about a failure need to know.
    pub fn attempted(&self) -> Attempted<'_> {
        Attempted {
            endpoint: self.endpoint(),
            tls: self.tls.as_ref().map(|tls| &tls.options),
            websocket: self.route.websocket.is_some(),
            now: self.now,
        }
    }

    /// What is trusted, for people.
    pub fn trusted(&self) -> String {
        let Some(tls) = &self.tls else { return "nothing".to_owned() };
        match (&tls.options.cafile, &tls.options.capath) {
            (Some(file), _) => format!("`{}`", file.display()),
            (None, Some(folder)) => format!("the folder `{}`", folder.display()),
            (None, None) => "the operating system's certificates".to_owned(),
        }
    }

    /// TLS that trusts nobody and refuses nobody: to find out whether the peer speaks it.
    pub fn blind_tls() -> Option<tls::Client> {
        let options = tls::Options { checks: Checks::Nothing, ..tls::Options::default() };
        tls::Client::new(&options, &mut |_, _| None).ok()
    }

    /// Opens a stream within the patience.
    pub async fn open(&self, how: How) -> Result<Stream, NotOpened> {
        let mut route = self.route.clone();
        route.tls = match (how, &self.tls) {
            (How::Plain, _) | (_, None) => None,
            (How::Handshake | How::Capture, Some(tls)) => Some(tls.capture.clone()),
            (How::Real, Some(tls)) => Some(tls.real.clone()),
        };
        if matches!(how, How::Plain | How::Handshake) {
            route.websocket = None;
        }
        match timeout(self.patience, connect(&route)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(NotOpened::Error(Box::new(error))),
            Err(_elapsed) => Err(NotOpened::TimedOut),
        }
    }

    /// A CONNECT with an id of nobody, which leaves no session behind.
    pub fn connect_packet(&self, version: ProtocolVersion, login: &Login) -> Connect {
        Connect {
            version,
            bridge: false,
            clean_start: true,
            keep_alive: self.keep_alive,
            client_id: random_id().into(),
            will: None,
            username: login.username.clone(),
            password: login.password.as_ref().map(|secret| Bytes::copy_from_slice(secret.expose())),
            properties: Properties::new(),
        }
    }
}

/// CONNECT for a session that outlives its connection by `seconds`.
pub fn keep_session(mut connect: Connect, seconds: u32) -> Connect {
    connect.clean_start = false;
    if connect.version == ProtocolVersion::V5 {
        connect.properties.push(Property::SessionExpiryInterval(seconds));
    }
    connect
}

/// A client id that nobody has: 23 characters, which every broker must accept [MQTT-3.1.3-5].
pub fn random_id() -> String {
    format!("moskitcheck{}", nonce())
}

/// Twelve characters that nobody else has.
pub fn nonce() -> String {
    let mut bytes = [0; 6];
    if aws_lc_rs::rand::fill(&mut bytes).is_err() {
        // Without random numbers the clock is unique enough: nothing secret hangs on it.
        let nanoseconds =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_nanos();
        bytes.copy_from_slice(&nanoseconds.to_be_bytes()[10..]);
    }
    format!("{:012x}", bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
}

/// Milliseconds since `start`, with two decimals.
pub fn milliseconds(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
}
