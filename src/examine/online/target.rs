//! What to connect to, and how, as all stages of a check need it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;

use crate::diagnose::Attempted;
use crate::mqtt::packet::{Connect, Property, ProtocolVersion, QoS};
use crate::net::tls::{self, Checks};
use crate::net::{Endpoint, Route, Stream};
use crate::oauth::Grant;
use crate::probe::{self, NotOpened, Probe, connect_of_nobody};
use crate::scram::Credentials;
use crate::talk::{Answer, Talk};
use crate::term::Secret;

/// The login of a CONNECT.
#[derive(Clone, Debug, Default)]
pub struct Login {
    pub username: Option<ByteString>,
    pub password: Option<Secret>,
    /// In place of a password.
    pub scram: Option<Credentials>,
}

impl Login {
    pub fn is_given(&self) -> bool {
        self.username.is_some() || self.password.is_some() || self.scram.is_some()
    }
}

/// TLS as the user asked for it, in two forms.
#[derive(Clone, Debug)]
pub struct Tls {
    pub options: tls::Options,
    /// Looks at everything and refuses nothing; shows no certificate of ours.
    pub capture: tls::Client,
    /// As the options say, with our certificate; refuses nothing with `--trust-anyway`.
    pub real: tls::Client,
}

/// Everything that a check by connection was asked for.
#[derive(Clone, Debug)]
pub struct Target {
    /// Without TLS, which each stage adds as it needs it.
    pub route: Route,
    pub tls: Option<Tls>,
    pub login: Login,
    /// Where a token is issued that becomes the password.
    pub oauth: Option<Grant>,
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
    /// Send a token that is the password even where nobody can let it in.
    pub token_anyway: bool,
    /// What such a token has to be for.
    pub audience: Option<String>,
    /// For each step.
    pub time_limit: Duration,
    /// Seconds since 1970.
    pub now: i64,
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

    /// Neither TLS nor a WebSocket is asked for: another protocol at the port may be the reason for whatever fails.
    pub fn is_in_clear(&self) -> bool {
        self.tls.is_none() && self.route.websocket.is_none()
    }

    pub fn checks(&self) -> Checks {
        self.tls.as_ref().map_or(Checks::Everything, |tls| tls.options.checks)
    }

    /// What the sentences about a failure need to know.
    pub fn attempted(&self) -> Attempted<'_> {
        Attempted {
            endpoint: self.endpoint(),
            tls: self.tls.as_ref().map(|tls| &tls.options),
            websocket: self.route.websocket.as_ref(),
            now: self.now,
        }
    }

    /// TLS for a question about what speaks there, which shows nothing of ours to a server that may not be believed.
    pub fn capture(&self) -> Option<&tls::Client> {
        self.tls.as_ref().map(|tls| &tls.capture)
    }

    /// Opens a stream within the time limit.
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
        probe::open(&route, self.time_limit).await
    }

    /// Questions to whatever answers there.
    pub fn probe(&self) -> Probe<'_> {
        Probe { route: &self.route, time_limit: self.time_limit }
    }

    /// Sends the CONNECT and waits for the answer, logging in by SCRAM where that is asked for.
    pub async fn log_in(&self, stream: Stream, connect: &Connect, login: &Login) -> Answer {
        Talk::log_in(stream, connect, login.scram.as_ref(), self.time_limit).await
    }

    /// A CONNECT with an id of nobody, which leaves no session behind.
    pub fn connect_packet(&self, version: ProtocolVersion, login: &Login) -> Connect {
        Connect {
            keep_alive: self.keep_alive,
            username: login.scram.as_ref().map(|login| login.user().into()).or_else(|| login.username.clone()),
            password: login.password.as_ref().map(|secret| Bytes::copy_from_slice(secret.expose())),
            ..connect_of_nobody(version)
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

/// Milliseconds since `start`, with two decimals.
pub fn milliseconds(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
}
