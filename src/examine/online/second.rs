//! `--second-opinion`: the same steps with another MQTT client, `rumqttc`. Where it gets on and we do
//! not, or the other way round, one of the two clients is at fault and not the broker.
//!
//! Its TLS is not used: it speaks through a private unix socket to our own connection.

use std::path::Path;
use std::time::Duration;

use rumqttc::Transport;
use tokio::io::copy_bidirectional;
use tokio::time::timeout;

use super::access::topic_below;
use super::broker::{Accepted, Trust};
use super::target::Target;
use crate::diagnose::Finding;
use crate::examine::report::Stage;
use crate::mqtt::packet::ProtocolVersion;
use crate::os::local;
use crate::private_folder::PrivateFolder;
use crate::probe::random_id;

/// The name of the stage.
pub const STAGE: &str = "second";

/// Requests that the other client may have waiting.
const REQUESTS: usize = 10;

/// rumqttc's own default, 10 kB, is less than what others may publish below the topic.
const PACKET_LIMIT: usize = 1024 * 1024;

const PAYLOAD: &str = "moskit check";

/// How far the other client got.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Opinion {
    /// Connected; and, with a topic, subscribed and published.
    Works,
    Fails(String),
}

/// Asks the other client about 3.1.1 and 5.
pub async fn check(
    target: &Target,
    trust: Trust<'_>,
    accepted: Option<&Accepted>,
    ours_published: Option<bool>,
) -> Stage {
    let mut stage = Stage::new(STAGE);
    stage.fact("client", "rumqttc");
    for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
        let opinion = match bridged(target, trust, version).await {
            Ok(opinion) => opinion,
            Err(error) => {
                stage.found(Finding::warning(
                    "second.unavailable",
                    format!("the second client could not be asked: {error}"),
                ));
                return stage;
            }
        };
        let name = if version == ProtocolVersion::V5 { "mqtt_5" } else { "mqtt_3.1.1" };
        let text = match &opinion {
            Opinion::Works => "works".to_owned(),
            Opinion::Fails(why) => format!("fails: {why}"),
        };
        stage.fact(name, text.as_str());
        stage.findings.extend(disagreement(version, &opinion, accepted, ours_published));
    }
    // Its failure is no news where ours failed before it, and is not shown as a success.
    if stage.findings.is_empty() && accepted.is_none() {
        stage.found(Finding::note("second.agrees", "rumqttc does not get on with the broker either"));
    }
    stage
}

fn disagreement(
    version: ProtocolVersion,
    opinion: &Opinion,
    accepted: Option<&Accepted>,
    ours_published: Option<bool>,
) -> Option<Finding> {
    let ours = accepted.map(|accepted| accepted.version);
    match (opinion, ours) {
        (Opinion::Fails(why), Some(own)) if own == version && ours_published != Some(false) => Some(
            Finding::warning("second.disagrees", "moskit gets on with the broker, rumqttc does not")
                .evidence(why.clone())
                .fix("the broker is probably stricter or looser than the standard: report it with both outputs"),
        ),
        (Opinion::Works, None) => Some(
            Finding::error("second.disagrees", "rumqttc gets on with the broker, moskit does not")
                .fix("this is probably moskit's fault: please report it with the output of --json"),
        ),
        _ => None,
    }
}

/// Runs the other client over a connection of ours.
async fn bridged(target: &Target, trust: Trust<'_>, version: ProtocolVersion) -> std::io::Result<Opinion> {
    let transport = local::rumqttc_transport()?;
    let folder = PrivateFolder::make("check")?;
    let path = folder.path().join("mqtt.sock");
    let listener = local::Listener::bind(&path)?;
    let bridge = async {
        let (mut theirs, _) = listener.accept().await?;
        match target.open(trust.how).await {
            Ok(mut ours) => copy_bidirectional(&mut theirs, &mut ours).await.map(|_| ()),
            Err(_) => Ok(()),
        }
    };
    let topic = target.topic.as_deref().map(topic_below);
    let limit = target.time_limit * 2;
    let asked = async {
        if version == ProtocolVersion::V5 {
            converse(V5::new(target, trust, &path, transport), topic.as_deref()).await
        } else {
            converse(V4::new(target, trust, &path, transport), topic.as_deref()).await
        }
    };
    let opinion = tokio::select! {
        biased;
        opinion = timeout(limit, asked) => opinion.unwrap_or_else(|_| Opinion::Fails("it waited in vain".to_owned())),
        // The bridge ends when either side does; the client may still have to read what is there.
        ended = async { let ended = bridge.await; tokio::time::sleep(Duration::from_millis(200)).await; ended } => match ended {
            Ok(()) => Opinion::Fails("the connection ended".to_owned()),
            Err(error) => Opinion::Fails(error.to_string()),
        },
    };
    Ok(opinion)
}

/// What an event of the other client means here.
enum Step {
    Connected,
    Subscribed(Result<(), String>),
    Published(Result<(), String>),
    Other,
}

/// rumqttc has two clients, one for each version, with nothing in common but their names.
trait Client {
    async fn step(&mut self) -> Result<Step, String>;
    async fn subscribe(&self, topic: &str) -> Result<(), String>;
    async fn publish(&self, topic: &str) -> Result<(), String>;
}

struct V4(rumqttc::AsyncClient, rumqttc::EventLoop);

struct V5(rumqttc::v5::AsyncClient, rumqttc::v5::EventLoop);

impl V4 {
    fn new(target: &Target, trust: Trust<'_>, path: &Path, transport: Transport) -> Self {
        let mut options = rumqttc::MqttOptions::new(random_id(), path.to_string_lossy(), 0);
        options.set_transport(transport).set_keep_alive(keep_alive(target));
        options.set_max_packet_size(PACKET_LIMIT, PACKET_LIMIT);
        if let Some((user, password)) = login(trust) {
            options.set_credentials(user, password);
        }
        let (client, events) = rumqttc::AsyncClient::new(options, REQUESTS);
        Self(client, events)
    }
}

impl Client for V4 {
    async fn step(&mut self) -> Result<Step, String> {
        use rumqttc::{Event, Packet, SubscribeReasonCode};
        let event = self.1.poll().await.map_err(|error| error.to_string())?;
        Ok(match event {
            Event::Incoming(Packet::ConnAck(_)) => Step::Connected,
            Event::Incoming(Packet::SubAck(suback)) => Step::Subscribed(match suback.return_codes.first() {
                Some(SubscribeReasonCode::Success(_)) => Ok(()),
                code => Err(format!("SUBACK {code:?}")),
            }),
            Event::Incoming(Packet::PubAck(_)) => Step::Published(Ok(())),
            _ => Step::Other,
        })
    }

    async fn subscribe(&self, topic: &str) -> Result<(), String> {
        self.0.subscribe(topic, rumqttc::QoS::AtLeastOnce).await.map_err(|error| error.to_string())
    }

    async fn publish(&self, topic: &str) -> Result<(), String> {
        let sent = self.0.publish(topic, rumqttc::QoS::AtLeastOnce, false, PAYLOAD).await;
        sent.map_err(|error| error.to_string())
    }
}

impl V5 {
    fn new(target: &Target, trust: Trust<'_>, path: &Path, transport: Transport) -> Self {
        let mut options = rumqttc::v5::MqttOptions::new(random_id(), path.to_string_lossy(), 0);
        options.set_transport(transport).set_keep_alive(keep_alive(target));
        if let Some((user, password)) = login(trust) {
            options.set_credentials(user, password);
        }
        let (client, events) = rumqttc::v5::AsyncClient::new(options, REQUESTS);
        Self(client, events)
    }
}

impl Client for V5 {
    async fn step(&mut self) -> Result<Step, String> {
        use rumqttc::v5::Event;
        use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
        let event = self.1.poll().await.map_err(|error| error.to_string())?;
        Ok(match event {
            Event::Incoming(Packet::ConnAck(_)) => Step::Connected,
            Event::Incoming(Packet::SubAck(suback)) => Step::Subscribed(match suback.return_codes.first() {
                Some(SubscribeReasonCode::Success(_)) => Ok(()),
                code => Err(format!("SUBACK {code:?}")),
            }),
            Event::Incoming(Packet::PubAck(puback)) => Step::Published(match puback.reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                reason => Err(format!("PUBACK {reason:?}")),
            }),
            _ => Step::Other,
        })
    }

    async fn subscribe(&self, topic: &str) -> Result<(), String> {
        let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
        self.0.subscribe(topic, qos).await.map_err(|error| error.to_string())
    }

    async fn publish(&self, topic: &str) -> Result<(), String> {
        let qos = rumqttc::v5::mqttbytes::QoS::AtLeastOnce;
        self.0.publish(topic, qos, false, PAYLOAD).await.map_err(|error| error.to_string())
    }
}

fn keep_alive(target: &Target) -> Duration {
    // rumqttc's client of version 5 panics at less.
    Duration::from_secs(u64::from(target.keep_alive.max(5)))
}

/// CONNECT; and, with a topic, SUBSCRIBE and PUBLISH.
async fn converse(mut client: impl Client, topic: Option<&str>) -> Opinion {
    match steps(&mut client, topic).await {
        Ok(()) => Opinion::Works,
        Err(why) => Opinion::Fails(why),
    }
}

async fn steps(client: &mut impl Client, topic: Option<&str>) -> Result<(), String> {
    let mut has_published = false;
    loop {
        match (client.step().await?, topic) {
            (Step::Connected, None) => return Ok(()),
            (Step::Connected, Some(topic)) => client.subscribe(topic).await?,
            (Step::Subscribed(granted), Some(topic)) => {
                granted?;
                client.publish(topic).await?;
                has_published = true;
            }
            (Step::Published(accepted), _) if has_published => return accepted,
            (Step::Published(_) | Step::Subscribed(_) | Step::Other, _) => {}
        }
    }
}

/// rumqttc takes names and passwords as text.
fn login(trust: Trust<'_>) -> Option<(String, String)> {
    let user = trust.login.username.as_ref()?.to_string();
    let password = trust.login.password.as_ref().map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
    Some((user, password.unwrap_or_default()))
}
