//! The CONNECT that the options of pub, sub and rr come to.

use std::ffi::OsStr;

use bytestring::ByteString;

use crate::cmd::connect::args::{ClientArgs, Verb};
use crate::cmd::connect::checks::SessionPlan;
use crate::cmd::connect::outcome::{Outcome, unable_to_connect};
use crate::mqtt::packet::{Connect, Properties, Property, PropertyOwner, ProtocolVersion, Will, first_discouraged};
use crate::term::{Exit, Failure};

/// The receive maximum that Mosquitto's clients announce.
const RECEIVE_MAXIMUM: u16 = 20;

/// Digits of the process id that `-I` appends.
const PID_DIGITS: usize = 9;

/// Length of the random part of an id of ours; 3.1 needs an id, and 23 characters are its limit.
const RANDOM_ID: usize = 18;

/// Builds the CONNECT, but for the password: to fetch it may ask or run a program.
pub fn build(verb: Verb, args: &ClientArgs) -> Result<Connect, Failure> {
    let plan = SessionPlan::of(verb, args);
    let client_id = client_id(verb, args, plan)?;
    let will = will(args, plan.version)?;
    if login_is_impossible(args, plan.version) {
        let failure = refused("Error: Problem setting username and/or password.\n");
        let lacks_name = args.username.is_none() && !args.exact;
        return Err(if lacks_name {
            failure.hint("before MQTT 5 a password needs a user name: -u NAME, or -V mqttv5")
        } else {
            failure
        });
    }
    Ok(Connect {
        version: plan.version,
        bridge: false,
        clean_start: plan.clean_start,
        keep_alive: args.keep_alive,
        client_id,
        will,
        username: args.username.as_ref().and_then(|name| name.to_str()).map(ByteString::from),
        password: None,
        properties: properties(verb, args, plan)?,
    })
}

/// A failure before the connection, in Mosquitto's words.
fn refused(text: impl Into<String>) -> Failure {
    Failure::verbatim(Exit::FAILED, text).quietable()
}

fn client_id(verb: Verb, args: &ClientArgs, plan: SessionPlan) -> Result<ByteString, Failure> {
    let invalid = || {
        refused(if verb == Verb::Pub { "Error: Invalid id.\n" } else { "Error: Invalid id and/or clean_session.\n" })
    };
    if let Some(id) = &args.id {
        return string(id).filter(|id| !id.is_empty()).map(ByteString::from).ok_or_else(invalid);
    }
    if let Some(prefix) = &args.id_prefix {
        let pid: String = std::process::id().to_string().chars().take(PID_DIGITS).collect();
        return string(prefix).map(|prefix| format!("{prefix}{pid}").into()).ok_or_else(invalid);
    }
    if !plan.clean_start {
        return Err(invalid());
    }
    Ok(if plan.version == ProtocolVersion::V31 { random_id() } else { ByteString::new() })
}

/// The words that a string of MQTT can hold.
fn string(word: &OsStr) -> Option<&str> {
    word.to_str().filter(|text| first_discouraged(text).is_none())
}

fn random_id() -> ByteString {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = [0; RANDOM_ID];
    // Without a source of randomness the id is constant, which the broker settles by taking over.
    let _ = aws_lc_rs::rand::fill(&mut random);
    let letters: String = random.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
    format!("mosq-{letters}").into()
}

fn will(args: &ClientArgs, version: ProtocolVersion) -> Result<Option<Will>, Failure> {
    let Some(topic) = &args.will.topic else { return Ok(None) };
    let properties = &args.properties.will;
    let wrong_version = version != ProtocolVersion::V5 && !properties.is_empty();
    let checked: Properties =
        properties.iter().filter(|property| !matches!(property, Property::ReasonString(_))).cloned().collect();
    // A reason string, which Mosquitto lets a will carry, is allowed once like the others.
    let reasons = properties.iter().count() - checked.iter().count();
    if wrong_version || reasons > 1 || checked.check(PropertyOwner::Will).is_err() {
        return Err(refused("Error: Problem setting will.\n"));
    }
    Ok(Some(Will {
        topic: topic.clone().into_inner(),
        payload: args.will.payload.clone().unwrap_or_default(),
        qos: args.will.qos,
        retain: args.will.retain,
        properties: properties.clone(),
    }))
}

/// A name that is no text, or, before version 5, a password without a name.
fn login_is_impossible(args: &ClientArgs, version: ProtocolVersion) -> bool {
    match &args.username {
        Some(name) => string(name).is_none(),
        None => args.password.is_some() && version != ProtocolVersion::V5,
    }
}

fn properties(verb: Verb, args: &ClientArgs, plan: SessionPlan) -> Result<Properties, Failure> {
    let mut properties = args.properties.connect.clone();
    if plan.version != ProtocolVersion::V5 {
        return if properties.is_empty() { Ok(properties) } else { Err(unable_to_connect(Outcome::NotSupported)) };
    }
    if let Some(seconds) = plan.expiry {
        properties.push(Property::SessionExpiryInterval(seconds));
    }
    if properties.receive_maximum().is_none() {
        // With fewer there would be nothing for some of the commands of --exec.
        let most = RECEIVE_MAXIMUM.max(args.data.jobs.unwrap_or(0));
        properties.push(Property::ReceiveMaximum(match (verb, args.count) {
            (Verb::Rr, _) => 1,
            (_, Some(count)) if count < u32::from(most) => count as u16,
            _ => most,
        }));
    }
    match properties.check(PropertyOwner::Connect) {
        Ok(()) => Ok(properties),
        Err(crate::mqtt::packet::DecodeError::DuplicateProperty(_)) => {
            Err(unable_to_connect(Outcome::DuplicateProperty))
        }
        Err(_) => Err(unable_to_connect(Outcome::Protocol)),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cmd::connect::options;

    fn connect(verb: Verb, words: &str) -> Result<Connect, String> {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let args = options::read(verb, true, &[], &words).unwrap();
        build(verb, &args).map_err(|failure| failure.verbatim)
    }

    fn properties(verb: Verb, words: &str) -> Vec<Property> {
        connect(verb, words).unwrap().properties.iter().cloned().collect()
    }

    #[test]
    fn version_5_announces_how_much_it_will_take() {
        assert_eq!(properties(Verb::Pub, "-V 5"), [Property::ReceiveMaximum(20)]);
        assert_eq!(properties(Verb::Sub, "-V 5 -C 7"), [Property::ReceiveMaximum(7)]);
        assert_eq!(properties(Verb::Sub, "-V 5 -C 20"), [Property::ReceiveMaximum(20)]);
        assert_eq!(properties(Verb::Rr, ""), [Property::ReceiveMaximum(1)]);
        assert_eq!(properties(Verb::Rr, "-D connect receive-maximum 9"), [Property::ReceiveMaximum(9)]);
        assert_eq!(properties(Verb::Pub, ""), []);
    }

    #[test]
    fn properties_go_out_in_the_order_given_and_the_expiry_after_them() {
        assert_eq!(
            properties(Verb::Sub, "-x 5 -D connect topic-alias-maximum 3 -i a"),
            [Property::TopicAliasMaximum(3), Property::SessionExpiryInterval(5), Property::ReceiveMaximum(20)]
        );
    }

    #[test]
    fn what_cannot_be_sent_is_told_in_mosquittos_words() {
        let rows = [
            (
                Verb::Pub,
                "-x 5 -D connect session-expiry-interval 6",
                "Unable to connect (Duplicate property in property list).\n",
            ),
            (Verb::Pub, "-D connect receive-maximum 5 -V 311", "Unable to connect (This feature is not supported).\n"),
            (Verb::Pub, "--will-topic w -D will will-delay-interval 1 -V 31", "Error: Problem setting will.\n"),
            (Verb::Pub, "-P p", "Error: Problem setting username and/or password.\n"),
            (Verb::Sub, "-c -x 10", "Error: Invalid id and/or clean_session.\n"),
            (Verb::Pub, "-c -x 10", "Error: Invalid id.\n"),
            (Verb::Pub, "-i a\u{1}", "Error: Invalid id.\n"),
            (Verb::Rr, "-I \u{7f}", "Error: Invalid id and/or clean_session.\n"),
            (Verb::Pub, "-u a\u{1}", "Error: Problem setting username and/or password.\n"),
            (
                Verb::Pub,
                "--will-topic w -D will reason-string a -D will reason-string b",
                "Error: Problem setting will.\n",
            ),
        ];
        for (verb, words, text) in rows {
            assert_eq!(connect(verb, words).map(drop), Err(text.to_owned()), "{words}");
        }
        assert!(connect(Verb::Pub, "-P p -V 5").is_ok());
    }

    #[test]
    fn a_will_carries_a_reason_string_as_mosquittos_does() {
        let will = connect(Verb::Pub, "--will-topic w -D will reason-string why").unwrap().will.unwrap();
        assert_eq!(will.properties.iter().collect::<Vec<_>>(), [&Property::ReasonString("why".into())]);
    }

    #[test]
    fn the_id_is_the_given_one_or_made_as_the_version_needs() {
        assert_eq!(connect(Verb::Pub, "-i me").unwrap().client_id, "me");
        assert_eq!(connect(Verb::Pub, "-I p").unwrap().client_id, *format!("p{}", std::process::id()));
        assert_eq!(connect(Verb::Pub, "").unwrap().client_id, "");
        let id = connect(Verb::Pub, "-V 31").unwrap().client_id;
        assert!(id.starts_with("mosq-") && id.len() == 23, "{id}");
    }
}
