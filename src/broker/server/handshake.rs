//! What a connection goes through before it speaks MQTT: TLS, and the opening of a websocket.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use tokio::task::AbortHandle;

use super::connection_task::{self, Shared};
use super::input::Input;
use super::paced::Pace;
use crate::broker::{ListenerId, Peer, PeerTls};
use crate::mqtt::packet::first_discouraged;
use crate::net::tls::{self, Cause};
use crate::net::websocket::{HEAD_LIMIT, Upgrade};
use crate::net::{Stream, reason};

/// The connection of a client that takes longer for the opening of its websocket is ended.
const OPENING_TIMEOUT: Duration = Duration::from_secs(30);

/// Handshakes that one socket has under way, at most. They count for no other limit yet.
const HANDSHAKES: usize = 1024;

/// What a listener asks of its connections first. It asks for neither where it speaks plain MQTT.
#[derive(Clone, Debug, Default)]
pub(super) struct Handshake {
    pub(super) tls: Option<Tls>,
    pub(super) websockets: Option<WebSockets>,
}

/// TLS of one listener.
#[derive(Clone, Debug)]
pub struct Tls {
    pub server: tls::Server,
    /// What of the client's certificate is its user name, if anything.
    pub username: Option<CertificateName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateName {
    CommonName,
    /// The whole subject, in the form of RFC 2253.
    Subject,
}

/// MQTT over websockets.
#[derive(Clone, Debug)]
pub struct WebSockets {
    /// Where pages may come from that connect. Empty: from anywhere.
    pub origins: Vec<String>,
    /// The most bytes of a request's head.
    pub head_limit: usize,
}

impl Default for WebSockets {
    fn default() -> Self {
        Self { origins: Vec::new(), head_limit: HEAD_LIMIT }
    }
}

impl Handshake {
    pub(super) fn is_none(&self) -> bool {
        self.tls.is_none() && self.websockets.is_none()
    }

    /// Goes through it, then opens the connection.
    pub(super) async fn run(self, stream: Stream, listener: ListenerId, mut peer: Peer, shared: Arc<Shared>) {
        let judges = self.tls.as_ref().is_some_and(|tls| tls.server.requires_certificate());
        let certified_at = if judges { Some(shared.admission.wait_for_reloads().await) } else { None };
        match self.shake(stream, &mut peer, &shared.handshakes).await {
            Ok(stream) => connection_task::open(stream, listener, peer, certified_at, shared).await,
            Err(why) => {
                // Without a core nobody wants to know.
                let _ = shared.core.send(Input::Failed { peer, listener, why }).await;
            }
        }
    }

    async fn shake(self, mut stream: Stream, peer: &mut Peer, turns: &Pace) -> Result<Stream, String> {
        if let Some(tls) = self.tls {
            stream = turns.keep(tls.server.accept(stream)).await.map_err(|failure| words(&failure.cause))?;
            // A chain of certificates is looked at here, and not kept as long as the connection.
            let seen = stream.take_seen();
            if let Some(session) = stream.session() {
                peer.tls = Some(Box::new(PeerTls {
                    session: format!("{} cipher {}", session.version, session.cipher).into(),
                    username: tls.username.zip(seen.peer()).and_then(|(name, certificate)| name.of(&certificate)),
                }));
            }
        }
        if let Some(websockets) = self.websockets {
            stream = tokio::time::timeout(OPENING_TIMEOUT, websockets.open(stream))
                .await
                .map_err(|_| "the opening of the websocket took too long".to_owned())??;
        }
        Ok(stream)
    }
}

/// The handshakes of one socket.
#[derive(Debug, Default)]
pub(super) struct UnderWay(VecDeque<(AbortHandle, Peer)>);

impl UnderWay {
    /// Adds one. When there are too many, the oldest of them is ended: an honest client is through
    /// within moments, and must not wait for those that never will be.
    pub(super) fn add(&mut self, handshake: AbortHandle, peer: Peer) -> Option<Peer> {
        // A handle keeps what is left of its task. Most are through in the order in which they came.
        while self.0.front().is_some_and(|(handshake, _)| handshake.is_finished()) {
            self.0.pop_front();
        }
        if self.0.len() >= HANDSHAKES {
            self.0.retain(|(handshake, _)| !handshake.is_finished());
        }
        let oldest = if self.0.len() >= HANDSHAKES { self.0.pop_front() } else { None };
        self.0.push_back((handshake, peer));
        oldest.map(|(handshake, peer)| {
            handshake.abort();
            peer
        })
    }
}

impl CertificateName {
    fn of(self, certificate: &crate::pki::certificate::Certificate) -> Option<ByteString> {
        let name = match self {
            // As Mosquitto: of several the first, and none that is not text or that a CONNECT could not hold
            // [MQTT-1.5.4-2]; the client is then refused for want of a name.
            Self::CommonName => {
                let name = certificate.subject.plain_common_name();
                name.filter(|name| first_discouraged(name).is_none()).map(str::to_owned)
            }
            Self::Subject => certificate.subject.rfc2253(),
        };
        name.filter(|name| !name.is_empty()).map(ByteString::from)
    }
}

impl WebSockets {
    async fn open(self, stream: Stream) -> Result<Stream, String> {
        let upgrade = Upgrade::read(stream, self.head_limit).await.map_err(|error| error.to_string())?;
        // Browsers name one; what does not is no page.
        if let Some(origin) = &upgrade.request.origin
            && !self.origins.is_empty()
            && !self.origins.contains(origin)
        {
            upgrade.refuse_origin().await;
            return Err("non-matching http origin".to_owned());
        }
        upgrade.accept().await.map_err(|error| error.to_string())
    }
}

/// The cause of a failed TLS handshake, for the log.
fn words(cause: &Cause) -> String {
    match cause {
        Cause::Certificate => "the client's certificate is not accepted".to_owned(),
        Cause::Alert(alert) => format!("the client refused with the TLS alert {}", alert.name()),
        Cause::NotTls => "the client does not speak TLS".to_owned(),
        Cause::Closed => "connection closed by client during the TLS handshake".to_owned(),
        Cause::Incompatible(what) => format!("no TLS in common: {what}"),
        Cause::TimedOut => "the TLS handshake took too long".to_owned(),
        Cause::BadName => "bad name".to_owned(),
        Cause::Protocol(what) => what.clone(),
        Cause::Io(error) => reason(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_handshake_that_is_under_way_longest_goes_for_a_new_one() {
        let mut under_way = UnderWay::default();
        let peer = |number: usize| Peer { address: number.to_string().into(), ..Peer::default() };
        let mut tasks = Vec::new();
        for number in 0..HANDSHAKES {
            // The second one comes to an end, the others never do.
            let task = tokio::spawn(async move {
                if number != 1 {
                    std::future::pending::<()>().await;
                }
            });
            assert_eq!(under_way.add(task.abort_handle(), peer(number)), None);
            tasks.push(task);
        }
        while !tasks[1].is_finished() {
            tokio::task::yield_now().await;
        }
        let endless = || tokio::spawn(std::future::pending::<()>()).abort_handle();
        assert_eq!(under_way.add(endless(), peer(HANDSHAKES)), None);
        assert_eq!(under_way.add(endless(), peer(HANDSHAKES + 1)), Some(peer(0)));
        assert!(tasks.remove(0).await.unwrap_err().is_cancelled());
        assert_eq!(under_way.0.len(), HANDSHAKES);
    }
}
