//! Store and forward: whether the broker keeps messages for a client that is away, proven with an id of
//! nobody, and what the given options lack for it.

use std::time::Instant;

use super::access::{is_suback, publish, subscribe, topic_below};
use super::broker::{Accepted, Trust, try_connect};
use super::target::{Target, keep_session};
use crate::diagnose::Finding;
use crate::examine::report::Stage;
use crate::mqtt::packet::{Ack, Connect, Packet, ProtocolVersion, QoS};
use crate::talk::{Answer, Ended, Talk};

/// Seconds that the session of the proof lives should we be killed in the middle.
const EXPIRY: u32 = 60;

/// `loop_works`: our own messages get through below the topic, so that one that does not is the session's fault.
pub async fn check(target: &Target, trust: Trust<'_>, accepted: &Accepted, loop_works: bool) -> Stage {
    let topic = target.topic.as_deref().filter(|_| loop_works).map(topic_below);
    if accepted.version == ProtocolVersion::V31 && topic.is_none() {
        return Stage::skipped("session", "MQTT 3.1 does not tell whether a session was kept: -t TOPIC proves it");
    }
    if accepted.connack.properties.maximum_qos() == Some(0) {
        return Stage::skipped("session", "the broker takes QoS 0 only, which is not stored");
    }
    let mut stage = Stage::new("session");
    let mut connect = keep_session(target.connect_packet(accepted.version, trust.login), EXPIRY);
    let proven = prove(target, trust, &connect, topic.as_deref(), &mut stage).await;
    if let Err(ended) = proven {
        stage.found(unproven(&ended));
    }
    // Whatever happened: a clean start ends the session.
    connect.clean_start = true;
    connect.properties = crate::mqtt::packet::Properties::new();
    if let Some((_, talk)) = open(target, trust, &connect).await {
        talk.close().await;
    }
    stage.findings.extend(missing(target));
    stage
}

async fn open(target: &Target, trust: Trust<'_>, connect: &Connect) -> Option<(bool, Talk)> {
    let stream = target.open(trust.how).await.ok()?;
    match target.log_in(stream, connect, trust.login).await {
        Answer::Accepted(connack, talk) => Some((connack.session_present, talk)),
        Answer::Refused(_) | Answer::Ended(_) => None,
    }
}

fn gone() -> Ended {
    Ended::Closed { first_bytes: Vec::new(), alert: None }
}

/// A message that arrives later proves that it was stored. Session Present alone does not: some brokers keep sessions
/// and say 0, against [MQTT-3.2.2-3].
async fn prove(
    target: &Target,
    trust: Trust<'_>,
    connect: &Connect,
    topic: Option<&str>,
    stage: &mut Stage,
) -> Result<(), Ended> {
    // The id is new: who has a session for it says so to everybody.
    let (claims_any, mut talk) = open(target, trust, connect).await.ok_or_else(gone)?;
    if let Some(topic) = topic {
        talk.send(&subscribe(topic, QoS::AtLeastOnce)).await?;
        talk.wait_for(is_suback).await?;
    }
    talk.close().await;
    if let Some(topic) = topic {
        send_while_away(target, trust, connect.version, topic).await?;
    }
    let (present, mut talk) = open(target, trust, connect).await.ok_or_else(gone)?;
    let stored = match topic {
        Some(topic) => Some(receive(&mut talk, topic).await?),
        None => None,
    };
    let present = present && !claims_any;
    stage.fact("kept", kept(present, stored));
    if let Some(stored) = stored {
        stage.fact("stored_message_delivered", stored);
    }
    if claims_any {
        stage.found(claims_any_session());
    }
    if !claims_any || stored == Some(false) {
        stage.findings.extend(judged(connect.version, present, stored));
    }
    talk.close().await;
    Ok(())
}

/// Whether the session was kept, where that is known.
fn kept(present: bool, stored: Option<bool>) -> Option<bool> {
    match (present, stored) {
        (true, _) | (_, Some(true)) => Some(true),
        (false, Some(false)) => Some(false),
        (false, None) => None,
    }
}

fn claims_any_session() -> Finding {
    Finding::warning(
        "session.present-wrong",
        "the broker says that it has a session (Session Present 1) for a client id that nobody had before",
    )
    .fix("clients of this broker must not take Session Present for an answer: subscribe again at each connect")
}

/// What Session Present and the message that was to be stored say together.
fn judged(version: ProtocolVersion, present: bool, stored: Option<bool>) -> Option<Finding> {
    match (present, stored) {
        (true, None | Some(true)) => None,
        (false, Some(true)) if version == ProtocolVersion::V31 => None,
        (false, Some(true)) => Some(
            Finding::note(
                "session.present-wrong",
                "the broker keeps the session and says that it has none (Session Present 0)",
            )
            .fix("clients of this broker must not take Session Present for an answer: subscribe again at each connect"),
        ),
        (true, Some(false)) => Some(
            Finding::warning(
                "session.storefwd",
                "the session is kept, but the message published meanwhile was not delivered",
            )
            .fix("see stage access: an ACL, or a limit of the queue (max_queued_messages), stands in the way"),
        ),
        (false, Some(false)) => Some(
            Finding::warning(
                "session.not-kept",
                "the broker does not keep the session of a client that is away: nothing is stored",
            )
            .evidence("a message published meanwhile was not delivered")
            .fix("is the session's expiry limited to 0, or is the broker one of a cluster without shared sessions?"),
        ),
        (false, None) => Some(
            Finding::note(
                "session.not-told",
                "whether the broker keeps sessions is not known: it says that it has none (Session Present 0), which \
                 some brokers always say",
            )
            .fix("-t TOPIC lets a message be stored to prove it"),
        ),
    }
}

async fn send_while_away(
    target: &Target,
    trust: Trust<'_>,
    version: ProtocolVersion,
    topic: &str,
) -> Result<(), Ended> {
    let Ok(Answer::Accepted(_, mut talk)) = try_connect(target, trust, version).await else { return Err(gone()) };
    talk.send(&publish(topic, "moskit check, stored", QoS::AtLeastOnce)).await?;
    talk.wait_for(|packet| matches!(packet, Packet::PubAck(_)).then_some(())).await?;
    talk.close().await;
    Ok(())
}

async fn receive(talk: &mut Talk, topic: &str) -> Result<bool, Ended> {
    let deadline = Instant::now() + std::time::Duration::from_secs(2);
    let wanted = |packet| match packet {
        Packet::Publish(message) if message.topic == *topic => Some(message.packet_id),
        _ => None,
    };
    match talk.wait_until(deadline, wanted).await {
        Ok(packet_id) => {
            if let Some(packet_id) = packet_id {
                talk.send(&Packet::PubAck(Ack::new(packet_id))).await?;
            }
            Ok(true)
        }
        Err(Ended::TimedOut { .. }) => Ok(false),
        Err(ended) => Err(ended),
    }
}

fn unproven(ended: &Ended) -> Finding {
    let why = match ended {
        Ended::Disconnected(reason) => format!("the broker said goodbye (reason {})", reason.0),
        Ended::Distrusted(_) => "the broker could not prove that it knows this user".to_owned(),
        Ended::TimedOut { .. } => "the broker did not answer in time".to_owned(),
        _ => "the connection ended".to_owned(),
    };
    Finding::warning("session.unproven", format!("whether the broker stores messages could not be proven: {why}"))
        .fix("its log says why")
}

/// What the given options lack, if they look as if messages were to be kept.
fn missing(target: &Target) -> Vec<Finding> {
    let kept = target.keep_session || target.session_expiry.is_some_and(|seconds| seconds > 0);
    if !kept && target.id.is_none() {
        return Vec::new();
    }
    let mut lacks = Vec::new();
    if target.qos == QoS::AtMostOnce {
        lacks.push(("QoS 0 is never stored: subscribe with QoS 1 or 2, and publish with it too", "-q 1"));
    }
    if target.id.is_none() {
        lacks.push(("without a fixed client id no client comes back to its session", "-i ID"));
    }
    if !kept {
        lacks.push(("a clean session ends with its connection", "-c (MQTT 5: -c -x SECONDS)"));
    }
    if target.version == Some(ProtocolVersion::V5) && target.session_expiry.unwrap_or(0) == 0 {
        lacks.push(("in MQTT 5 a session without expiry interval ends with its connection", "-x SECONDS"));
    }
    lacks.into_iter().map(|(what, fix)| Finding::warning("session.storefwd", what).fix(fix)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_present_is_no_proof_that_nothing_is_kept() {
        let id = |present, stored| judged(ProtocolVersion::V311, present, stored).map(|finding| finding.id);
        for (present, stored, is_kept, finding) in [
            (true, None, Some(true), None),
            (true, Some(true), Some(true), None),
            (false, Some(true), Some(true), Some("session.present-wrong")),
            (true, Some(false), Some(true), Some("session.storefwd")),
            (false, Some(false), Some(false), Some("session.not-kept")),
            (false, None, None, Some("session.not-told")),
        ] {
            assert_eq!((kept(present, stored), id(present, stored)), (is_kept, finding), "{present} {stored:?}");
        }
    }
}
