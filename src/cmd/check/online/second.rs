//! `--second-opinion`: the same steps with another MQTT client, `rumqttc`. Where it gets on and we do
//! not, or the other way round, one of the two clients is at fault and not the broker.
//!
//! Its TLS is not used: it speaks through a private unix socket to our own connection.

use std::path::Path;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::UnixListener;
use tokio::time::timeout;

use super::access::topic_below;
use super::broker::{Accepted, Trust};
use super::target::{Target, random_id};
use crate::cmd::check::report::Stage;
use crate::diagnose::Finding;
use crate::mqtt::packet::ProtocolVersion;

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
    let mut stage = Stage::new("second");
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
    let folder = private_folder()?;
    let path = folder.path.join("mqtt.sock");
    let listener = UnixListener::bind(&path)?;
    let bridge = async {
        let (mut theirs, _) = listener.accept().await?;
        match target.open(trust.how).await {
            Ok(mut ours) => copy_bidirectional(&mut theirs, &mut ours).await.map(|_| ()),
            Err(_) => Ok(()),
        }
    };
    let topic = target.topic.as_deref().map(topic_below);
    let limit = target.patience * 2;
    let asked = async {
        if version == ProtocolVersion::V5 {
            v5(target, trust, &path, topic.as_deref()).await
        } else {
            v4(target, trust, &path, topic.as_deref()).await
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

/// A folder of our own, removed with all that is in it.
struct PrivateFolder {
    path: std::path::PathBuf,
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // Nothing depends on it being gone.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn private_folder() -> std::io::Result<PrivateFolder> {
    use std::os::unix::fs::DirBuilderExt;
    let path = std::env::temp_dir().join(random_id());
    std::fs::DirBuilder::new().mode(0o700).create(&path)?;
    Ok(PrivateFolder { path })
}

async fn v4(target: &Target, trust: Trust<'_>, path: &Path, topic: Option<&str>) -> Opinion {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, Transport};
    let mut options = MqttOptions::new(random_id(), path.to_string_lossy(), 0);
    options.set_transport(Transport::Unix).set_keep_alive(Duration::from_secs(u64::from(target.keep_alive)));
    if let Some((user, password)) = login(trust) {
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, 10);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                let Some(topic) = topic else { return Opinion::Works };
                if client.subscribe(topic, QoS::AtLeastOnce).await.is_err() {
                    return Opinion::Fails("SUBSCRIBE was not sent".to_owned());
                }
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => {
                let Some(topic) = topic else { return Opinion::Works };
                if client.publish(topic, QoS::AtLeastOnce, false, "moskit check").await.is_err() {
                    return Opinion::Fails("PUBLISH was not sent".to_owned());
                }
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => return Opinion::Works,
            Ok(_) => {}
            Err(error) => return Opinion::Fails(error.to_string()),
        }
    }
}

async fn v5(target: &Target, trust: Trust<'_>, path: &Path, topic: Option<&str>) -> Opinion {
    use rumqttc::Transport;
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::Packet;
    use rumqttc::v5::{AsyncClient, Event, MqttOptions};
    let mut options = MqttOptions::new(random_id(), path.to_string_lossy(), 0);
    options.set_transport(Transport::Unix).set_keep_alive(Duration::from_secs(u64::from(target.keep_alive)));
    if let Some((user, password)) = login(trust) {
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, 10);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                let Some(topic) = topic else { return Opinion::Works };
                if client.subscribe(topic, QoS::AtLeastOnce).await.is_err() {
                    return Opinion::Fails("SUBSCRIBE was not sent".to_owned());
                }
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => {
                let Some(topic) = topic else { return Opinion::Works };
                if client.publish(topic, QoS::AtLeastOnce, false, "moskit check").await.is_err() {
                    return Opinion::Fails("PUBLISH was not sent".to_owned());
                }
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => return Opinion::Works,
            Ok(_) => {}
            Err(error) => return Opinion::Fails(error.to_string()),
        }
    }
}

/// rumqttc takes names and passwords as text.
fn login(trust: Trust<'_>) -> Option<(String, String)> {
    let user = trust.login.username.as_ref()?.to_string();
    let password = trust.login.password.as_ref().map(|secret| String::from_utf8_lossy(secret.expose()).into_owned());
    Some((user, password.unwrap_or_default()))
}
