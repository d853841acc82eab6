//! Whether messages get through: published and received on a topic of nobody, below the one given.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;

use super::broker::{Accepted, Trust, try_connect};
use super::target::{Target, milliseconds};
use crate::diagnose::{self, Finding, scram, shell};
use crate::examine::report::{MILLISECONDS, Stage};
use crate::mqtt::packet::{
    Ack, DecodeError, Packet, Properties, ProtocolVersion, Publish, QoS, ReasonCode, RetainHandling, Subscribe,
    Subscription, SubscriptionOptions, Unsubscribe,
};
use crate::probe::nonce;
use crate::talk::{Answer, Ended, Talk};

/// How long a granted subscription may take to deliver before it counts as silent.
const DELIVERY: Duration = Duration::from_secs(2);

/// Pings whose median is the round-trip time.
const PINGS: usize = 5;

/// Reason codes of MQTT 5.
const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;
const NOT_AUTHORIZED: u8 = 0x87;

const FIRST: NonZeroU16 = NonZeroU16::MIN;

/// The topic of this check, of nobody, below `base`.
pub fn topic_below(base: &str) -> String {
    let joint = if base.is_empty() || base.ends_with('/') { "" } else { "/" };
    format!("{base}{joint}moskit-check-{}", nonce())
}

pub fn subscribe(topic: &str, qos: QoS) -> Packet {
    let options =
        SubscriptionOptions { qos, retain_handling: RetainHandling::DoNotSend, ..SubscriptionOptions::default() };
    let subscription = Subscription { filter: ByteString::from(topic), options };
    Packet::Subscribe(Subscribe { packet_id: FIRST, properties: Properties::new(), subscriptions: vec![subscription] })
}

pub fn publish(topic: &str, payload: &'static str, qos: QoS) -> Packet {
    Packet::Publish(Publish {
        dup: false,
        qos,
        retain: false,
        topic: ByteString::from(topic),
        packet_id: (qos != QoS::AtMostOnce).then_some(FIRST),
        properties: Properties::new(),
        payload: Bytes::from_static(payload.as_bytes()),
    })
}

fn unsubscribe(topic: &str) -> Packet {
    Packet::Unsubscribe(Unsubscribe {
        packet_id: FIRST,
        properties: Properties::new(),
        filters: vec![ByteString::from(topic)],
    })
}

pub fn is_suback(packet: Packet) -> Option<ReasonCode> {
    match packet {
        Packet::SubAck(suback) => Some(suback.codes.first().copied().unwrap_or(ReasonCode(0x80))),
        _ => None,
    }
}

/// The QoS to publish and subscribe with: what was asked for, at least 1, since at QoS 0 no broker answers, and at most
/// what the broker says that it takes.
fn qos_to_try(target: &Target, accepted: &Accepted) -> QoS {
    let wanted = target.qos.max(QoS::AtLeastOnce);
    let maximum = accepted.connack.properties.maximum_qos().and_then(|level| QoS::try_from(level).ok());
    maximum.map_or(wanted, |maximum| wanted.min(maximum))
}

const NO_QOS_2: &str = "RabbitMQ 3, NATS 2.9 and most clouds have no QoS 2";

/// Subscribes, publishes, waits for the own message, and leaves nothing behind.
pub async fn check(target: &Target, trust: Trust<'_>, accepted: &Accepted) -> Stage {
    let Some(base) = &target.topic else {
        return Stage::skipped("access", "give a topic below which may be published: -t TOPIC");
    };
    let mut stage = Stage::new("access");
    let topic = topic_below(base);
    stage.fact("topic", topic.as_str());
    let qos = qos_to_try(target, accepted);
    let Some(ended) = converse(target, trust, accepted.version, &topic, qos, &mut stage).await else { return stage };
    // With 3.1.1 a broker without QoS 2 has no other way to say so than to hang up.
    if qos == QoS::ExactlyOnce && matches!(ended, Stopped::By(Ended::Closed { .. } | Ended::Disconnected(_))) {
        let mut again = Stage::new("access");
        let lower = converse(target, trust, accepted.version, &topic, QoS::AtLeastOnce, &mut again).await;
        if lower.is_none() && !again.failed() {
            stage.facts.extend(again.facts);
            stage.found(
                Finding::error("limits", "the broker ends the connection at a message of QoS 2, and takes QoS 1")
                    .evidence(NO_QOS_2)
                    .fix("use -q 1"),
            );
            return stage;
        }
    }
    let is_asked_for = target.version.is_some();
    stage.found(match ended {
        Stopped::NotLetIn => Finding::error("connect.unsteady", "the broker let us in once and then no more")
            .fix("is it limiting connections? its log says why"),
        Stopped::By(ended) => broken(&ended, accepted.version, is_asked_for, &Asked::new(target, trust, &topic).show()),
    });
    stage
}

/// Why messages could not be tried to the end.
enum Stopped {
    /// The broker had let us in before.
    NotLetIn,
    By(Ended),
}

/// One connection for it; how that ended, if it should not have.
async fn converse(
    target: &Target,
    trust: Trust<'_>,
    version: ProtocolVersion,
    topic: &str,
    qos: QoS,
    stage: &mut Stage,
) -> Option<Stopped> {
    let Ok(Answer::Accepted(_, mut talk)) = try_connect(target, trust, version).await else {
        return Some(Stopped::NotLetIn);
    };
    let asked = Asked::new(target, trust, topic);
    let ended = exchange(&mut talk, &asked, version, qos, stage).await.err();
    if ended.is_none() {
        // A clean session ends with its connection; this is for the brokers that are slow to notice.
        let _ = talk.send(&unsubscribe(topic)).await;
    }
    talk.close().await;
    ended.map(Stopped::By)
}

/// A conversation that ends at a publish or subscribe is how 3.1.1 brokers refuse.
fn broken(ended: &Ended, version: ProtocolVersion, is_version_asked_for: bool, show: &str) -> Finding {
    match ended {
        Ended::Disconnected(reason) if reason.0 == NOT_AUTHORIZED => Finding::error(
            "acl.publish-denied",
            "the broker disconnects who publishes or subscribes there: not authorised",
        )
        .fix(format!("allow it in the broker's ACL: {show}")),
        Ended::Disconnected(reason) => {
            Finding::error("connection.closed", format!("the broker ended the connection (reason {})", reason.0))
                .fix("its log says why")
        }
        Ended::Closed { .. } if version == ProtocolVersion::V5 => {
            Finding::error("connection.closed", "the broker closed the connection while we subscribed and published")
                .fix("its log says why")
        }
        Ended::Closed { .. } => Finding::error(
            "acl.publish-denied",
            "the broker closed the connection while we subscribed and published: with 3.1.1 it cannot say why",
        )
        // Where 5 was not ruled out by the user it was tried first, and the broker has none.
        .fix(if is_version_asked_for {
            "its log says why; with MQTT 5 it may tell us: -V mqttv5"
        } else {
            "its log says why"
        }),
        Ended::TimedOut { .. } => {
            Finding::error("proto.silent", "the broker did not answer SUBSCRIBE or PUBLISH in time")
                .fix("is it overloaded? its log may tell")
        }
        Ended::Garbage { error: DecodeError::PacketTooLarge { size, maximum }, .. } => {
            diagnose::oversize(*size, *maximum)
        }
        Ended::Garbage { .. } => {
            Finding::error("proto.garbage", "the broker sent something that is not MQTT").fix("its log may tell")
        }
        Ended::Distrusted(why) => scram::distrust(*why),
        Ended::Encode(_) => Finding::error("client.topic", "the topic does not fit into a packet"),
        Ended::Io(error) => Finding::error("net.lost", format!("the connection broke: {}", crate::net::reason(error))),
    }
}

/// What was tried, as far as the next step names it.
struct Asked<'a> {
    topic: &'a str,
    /// The topics below the one that the user gave.
    filter: String,
    user: Option<&'a str>,
    client: Option<&'a str>,
}

impl<'a> Asked<'a> {
    fn new(target: &'a Target, trust: Trust<'a>, topic: &'a str) -> Self {
        let above = topic.rsplit_once('/').map_or_else(String::new, |(above, _)| format!("{above}/"));
        Self { topic, filter: format!("{above}#"), user: trust.login.username.as_deref(), client: target.id.as_deref() }
    }

    /// The command that looks into the broker's ACL file.
    fn show(&self) -> String {
        let mut command = "moskit check acl FILE".to_owned();
        for (option, value) in [("--user", self.user), ("--client", self.client), ("--topic", Some(self.topic))] {
            if let Some(value) = value {
                command = format!("{command} {option} {}", shell::quoted(value));
            }
        }
        format!("{command} shows which line decides")
    }

    /// The entry that is missing.
    fn entry(&self, access: &str) -> String {
        let whom = self.user.map_or_else(|| "clients without a login".to_owned(), |user| format!("`{user}`"));
        format!("add `topic {access} {}` for {whom}", self.filter)
    }
}

async fn exchange(
    talk: &mut Talk,
    asked: &Asked<'_>,
    version: ProtocolVersion,
    qos: QoS,
    stage: &mut Stage,
) -> Result<(), Ended> {
    let topic = asked.topic;
    talk.send(&subscribe(topic, qos)).await?;
    let granted = talk.wait_for(is_suback).await?;
    let subscribed = granted.0 < 0x80;
    stage.fact("subscribe", if subscribed { "granted" } else { "denied" });
    if !subscribed {
        stage.found(
            Finding::error("acl.subscribe-denied", format!("the broker denies the subscription (code {})", granted.0))
                .fix(format!("allow it in the broker's ACL: {}", asked.entry("read"))),
        );
    } else if granted.0 < qos as u8 {
        stage.found(
            Finding::warning(
                "subscribe.lower-qos",
                format!(
                    "the broker grants QoS {} where QoS {} was asked for: no message arrives with more",
                    granted.0, qos as u8
                ),
            )
            .fix(format!("expect -q {} of this broker; {NO_QOS_2}", granted.0)),
        );
    }
    let start = Instant::now();
    stage.fact("qos", qos as u8);
    talk.send(&publish(topic, "moskit check", qos)).await?;
    let Outcome { acknowledged, delivered, of_other_qos } =
        acknowledged_and_delivered(talk, topic, qos, subscribed).await?;
    if of_other_qos {
        stage.found(
            Finding::error(
                "limits",
                "the broker answers a message of QoS 2 as one of QoS 1, with PUBACK: clients end with an error",
            )
            .evidence(NO_QOS_2)
            .fix("use -q 1"),
        );
    }
    if let Some(reason) = acknowledged {
        stage.fact("publish", if reason < 0x80 { "accepted".to_owned() } else { format!("refused with {reason}") });
    }
    if delivered {
        stage.fact("loop", format!("{:.2} ms", milliseconds(start)));
        return Ok(());
    }
    stage.findings.extend(undelivered(acknowledged, subscribed, version, asked));
    Ok(())
}

/// Waits until the broker has taken the message and, if subscribed, given it back; their order is the broker's.
async fn acknowledged_and_delivered(
    talk: &mut Talk,
    topic: &str,
    qos: QoS,
    subscribed: bool,
) -> Result<Outcome, Ended> {
    let mut flow = Flow {
        topic,
        qos,
        of_other_qos: false,
        must_acknowledge: qos != QoS::AtMostOnce,
        acknowledged: None,
        delivered: false,
        to_release: None,
    };
    // One for all packets: a broker that sends others and others is not waited for.
    let mut deadline = Instant::now() + if flow.must_acknowledge { talk.time_limit() } else { DELIVERY };
    while flow.goes_on(subscribed) {
        let packet = match talk.wait_until(deadline, Some).await {
            Ok(packet) => packet,
            Err(Ended::TimedOut { .. }) if flow.is_acknowledged() => break,
            Err(ended) => return Err(ended),
        };
        let was_acknowledged = flow.is_acknowledged();
        if let Some(answer) = flow.handle(packet) {
            talk.send(&answer).await?;
        }
        if flow.is_acknowledged() && !was_acknowledged {
            deadline = Instant::now() + DELIVERY;
        }
    }
    Ok(Outcome { acknowledged: flow.acknowledged, delivered: flow.delivered, of_other_qos: flow.of_other_qos })
}

/// What became of our message.
struct Outcome {
    /// The reason code that it was acknowledged with.
    acknowledged: Option<u8>,
    /// It came back.
    delivered: bool,
    /// It was acknowledged as one of another QoS is.
    of_other_qos: bool,
}

/// Both halves of our message: out, and back in.
struct Flow<'a> {
    topic: &'a str,
    qos: QoS,
    /// PUBACK came for a message of QoS 2.
    of_other_qos: bool,
    must_acknowledge: bool,
    /// The reason of PUBACK, of a PUBREC that refuses, or of PUBCOMP.
    acknowledged: Option<u8>,
    delivered: bool,
    /// A message of QoS 2 that came in and is not released yet.
    to_release: Option<NonZeroU16>,
}

impl Flow<'_> {
    fn is_acknowledged(&self) -> bool {
        self.acknowledged.is_some() || !self.must_acknowledge
    }

    fn goes_on(&self, subscribed: bool) -> bool {
        if denied(self.acknowledged) {
            return false;
        }
        !self.is_acknowledged() || self.to_release.is_some() || (subscribed && !self.delivered)
    }

    /// What `packet` is answered with.
    fn handle(&mut self, packet: Packet) -> Option<Packet> {
        self.of_other_qos |= self.qos == QoS::ExactlyOnce && matches!(packet, Packet::PubAck(_));
        match packet {
            Packet::PubAck(Ack { reason, .. }) | Packet::PubComp(Ack { reason, .. }) => {
                self.acknowledged.get_or_insert(reason.0);
                None
            }
            Packet::PubRec(Ack { reason, .. }) if reason.0 >= 0x80 => {
                self.acknowledged.get_or_insert(reason.0);
                None
            }
            Packet::PubRec(Ack { packet_id, .. }) => Some(Packet::PubRel(Ack::new(packet_id))),
            Packet::PubRel(Ack { packet_id, .. }) => {
                self.to_release = None;
                Some(Packet::PubComp(Ack::new(packet_id)))
            }
            Packet::Publish(message) if message.topic == *self.topic => {
                self.delivered = true;
                acknowledgement(&message, &mut self.to_release)
            }
            _ => None,
        }
    }
}

/// What a message is acknowledged with; one of QoS 2 then waits for its release.
fn acknowledgement(message: &Publish, to_release: &mut Option<NonZeroU16>) -> Option<Packet> {
    let packet_id = message.packet_id?;
    if message.qos == QoS::ExactlyOnce {
        *to_release = Some(packet_id);
        return Some(Packet::PubRec(Ack::new(packet_id)));
    }
    Some(Packet::PubAck(Ack::new(packet_id)))
}

fn denied(acknowledged: Option<u8>) -> bool {
    acknowledged.is_some_and(|reason| reason >= 0x80)
}

/// What did not come back, and why.
fn undelivered(
    acknowledged: Option<u8>,
    subscribed: bool,
    version: ProtocolVersion,
    asked: &Asked<'_>,
) -> Option<Finding> {
    let show = asked.show();
    match (acknowledged, subscribed) {
        (Some(NOT_AUTHORIZED), _) => Some(
            Finding::error(
                "acl.publish-denied",
                "the broker's ACL does not let us publish there (reason 135, not authorised)",
            )
            .evidence("with MQTT 3.1.1, or at QoS 0, the same message vanishes without a word")
            .fix(format!("{}; {show}", asked.entry("write"))),
        ),
        (Some(reason), _) if reason >= 0x80 => Some(
            Finding::error("publish.refused", format!("the broker refuses the message (reason {reason})"))
                .fix("its log says why"),
        ),
        // A subscription of which the broker says that nobody has it is one that may not receive.
        (Some(NO_MATCHING_SUBSCRIBERS | 0), true) if version == ProtocolVersion::V5 => Some(
            Finding::error(
                "acl.subscribe-silent",
                "the broker grants the subscription and accepts the message, but does not deliver it to us",
            )
            .evidence("brokers with an ACL file grant every filter and check each message at delivery")
            .fix(format!("{}; {show}", asked.entry("read"))),
        ),
        (_, true) => Some(
            Finding::error(
                "acl.subscribe-silent",
                "our own message did not come back: publishing or receiving is not allowed there",
            )
            .evidence(if version == ProtocolVersion::V5 {
                "a message of QoS 0 is not answered, so the broker does not say which of the two"
            } else {
                "MQTT 3.1.1 has no way to say which of the two"
            })
            .fix(show),
        ),
        (_, false) => None,
    }
}

/// The median of some pings.
pub async fn round_trip(target: &Target, trust: Trust<'_>, accepted: &Accepted) -> Stage {
    let mut stage = Stage::new("rtt");
    let Ok(Answer::Accepted(_, mut talk)) = try_connect(target, trust, accepted.version).await else {
        return Stage::skipped("rtt", "the broker let us in no more");
    };
    let mut times = Vec::new();
    let mut end = None;
    for _ in 0..PINGS {
        let start = Instant::now();
        if let Err(ended) = ping(&mut talk).await {
            end = Some(ended);
            break;
        }
        times.push(milliseconds(start));
    }
    talk.close().await;
    times.sort_by(f64::total_cmp);
    match times.get(times.len() / 2) {
        Some(median) => stage.fact(MILLISECONDS, *median),
        None => stage.found(match end {
            None | Some(Ended::TimedOut { .. }) => Finding::error("keepalive", "the broker does not answer PINGREQ")
                .fix("is it overloaded? its log may tell"),
            Some(Ended::Closed { .. }) => {
                Finding::error("connection.closed", "the broker closed the connection in place of an answer to PINGREQ")
                    .fix("its log says why")
            }
            Some(ended) => broken(&ended, accepted.version, true, "moskit check acl --help"),
        }),
    }
    stage
}

async fn ping(talk: &mut Talk) -> Result<(), Ended> {
    talk.send(&Packet::PingReq).await?;
    talk.wait_for(|packet| matches!(packet, Packet::PingResp).then_some(())).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_lies_below_the_one_given() {
        for (base, start) in [("home", "home/moskit-check-"), ("home/", "home/moskit-check-"), ("", "moskit-check-")] {
            let topic = topic_below(base);
            assert!(topic.starts_with(start) && topic.len() == start.len() + 12, "{topic}");
        }
        assert_ne!(topic_below("a"), topic_below("a"));
    }

    #[test]
    fn what_the_broker_acknowledged_tells_denied_from_silent() {
        let asked = Asked { topic: "a b/c", filter: "a b/#".to_owned(), user: Some("ann"), client: None };
        assert_eq!(
            undelivered(Some(0x87), true, ProtocolVersion::V5, &asked).and_then(|finding| finding.fix).as_deref(),
            Some(
                "add `topic write a b/#` for `ann`; moskit check acl FILE --user ann --topic 'a b/c' shows which line \
                 decides"
            )
        );
        let id = |acknowledged, subscribed, version| {
            undelivered(acknowledged, subscribed, version, &asked).map(|finding| finding.id)
        };
        assert_eq!(id(Some(0x87), true, ProtocolVersion::V5), Some("acl.publish-denied"));
        assert_eq!(id(Some(0x97), true, ProtocolVersion::V5), Some("publish.refused"));
        assert_eq!(id(Some(0x10), true, ProtocolVersion::V5), Some("acl.subscribe-silent"));
        assert_eq!(id(Some(0), true, ProtocolVersion::V311), Some("acl.subscribe-silent"));
        assert_eq!(id(Some(0), false, ProtocolVersion::V5), None);
    }
}
