//! `--as-client`: the id of the user's own client. Using it disconnects whoever has it, so this is the
//! last stage and only done when asked for.

use std::time::{Duration, Instant};

use super::broker::{Accepted, Trust};
use super::target::Target;
use crate::diagnose::Finding;
use crate::examine::report::Stage;
use crate::mqtt::packet::{Connect, Packet, ProtocolVersion};
use crate::probe::random_id;
use crate::talk::{Answer, Ended};

/// A rival client reconnects at once, or after Mosquitto's second.
const WATCH: Duration = Duration::from_millis(1500);

/// The reason of a version 5 DISCONNECT: session taken over.
const TAKEN_OVER: u8 = 0x8e;

/// What to tell before it is done.
pub fn announcement(id: &str) -> String {
    format!(
        "note: --as-client connects as `{id}`: a client that has this id now is disconnected, and its session is resumed for a moment"
    )
}

pub async fn check(target: &Target, trust: Trust<'_>, accepted: &Accepted) -> Option<Stage> {
    let id = target.id.as_ref().filter(|_| target.as_client)?;
    let mut stage = Stage::new("client");
    stage.fact("id", id.as_str());
    // 3.1.1 resumes a session without a word about its expiry, where the broker still speaks it.
    let connect = Connect {
        client_id: id.as_str().into(),
        clean_start: false,
        ..target.connect_packet(ProtocolVersion::V311, trust.login)
    };
    let connect = if accepted.version == ProtocolVersion::V311 || target.version != Some(ProtocolVersion::V5) {
        connect
    } else {
        Connect { version: ProtocolVersion::V5, ..super::target::keep_session(connect, u32::MAX) }
    };
    let Ok(stream) = target.open(trust.how).await else {
        return Some(Stage::skipped("client", "the broker let us in no more"));
    };
    match target.log_in(stream, &connect, trust.login).await {
        Answer::Accepted(connack, mut talk) => {
            stage.fact("session_present", connack.session_present);
            // Messages that arrive are not acknowledged: the broker keeps them for the client itself.
            let watched = talk
                .wait_until(Instant::now() + WATCH, |packet| (!matches!(packet, Packet::Publish(_))).then_some(()))
                .await;
            stage.findings.extend(rival(&watched, id));
            talk.close().await;
            if !connack.session_present {
                forget(target, trust, connect).await;
            }
        }
        Answer::Refused(connack) => stage.found(
            Finding::error(
                "connack.identifier",
                format!(
                    "the broker lets a random id in (like {}), but not `{id}` (code {})",
                    random_id(),
                    connack.code
                ),
            )
            .fix("is the id bound to a user, or against clientid_prefixes? the broker's log says why"),
        ),
        Answer::Ended(_) => stage.found(
            Finding::error("connection.closed", format!("the broker closes the connection of `{id}`"))
                .fix("its log says why"),
        ),
    }
    Some(stage)
}

/// Another client with the same id takes the session back.
fn rival(watched: &Result<(), Ended>, id: &str) -> Option<Finding> {
    let taken_over = match watched {
        Err(Ended::Disconnected(reason)) => reason.0 == TAKEN_OVER,
        Err(Ended::Closed { .. } | Ended::Io(_)) => true,
        _ => false,
    };
    taken_over.then(|| {
        Finding::error(
            "session.takeover",
            format!("another client connects with the id `{id}`, and the two throw each other out"),
        )
        .evidence("the broker ended our connection right after it had let us in")
        .fix("give each client an id of its own: -i ID")
    })
}

/// There was no session before, so there shall be none after.
async fn forget(target: &Target, trust: Trust<'_>, connect: Connect) {
    let clean = Connect { clean_start: true, properties: crate::mqtt::packet::Properties::new(), ..connect };
    if let Ok(stream) = target.open(trust.how).await
        && let Answer::Accepted(_, talk) = target.log_in(stream, &clean, trust.login).await
    {
        talk.close().await;
    }
}
