//! Tokens as passwords: whom they let in, and until when.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::broker::access::Rules;
use crate::jwt::{Keys, Refused, Verifier};
use crate::os::process::thread_time;
use crate::passwd;

/// The wall clock of a stage when it begins.
const NOW: i64 = 1_800_000_000;

fn access(secret: u8) -> Access {
    let key = format!(r#"{{"kty":"oct","k":"{}"}}"#, URL_SAFE_NO_PAD.encode([secret; 32]));
    access_with(Keys::parse(key.as_bytes()).unwrap())
}

fn access_with(keys: Keys) -> Access {
    let tokens = Verifier { keys, issuer: None, audience: Some("lab".to_owned()), user_claim: "sub".to_owned() };
    let passwords = Some(Arc::new(passwd::File::default()));
    Access::new(vec![Rules {
        allow_anonymous: false,
        passwords,
        scram: None,
        tokens: Some(Arc::new(tokens)),
        acl: None,
    }])
}

fn token(secret: u8, user: &str, seconds: i64) -> Bytes {
    let claims = format!(r#"{{"sub":"{user}","aud":"lab","exp":{}}}"#, NOW + seconds);
    let signed = [r#"{"alg":"HS256"}"#, &claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[secret; 32]), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
}

fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.broker.access = access(1);
    stage
}

fn with(version: ProtocolVersion, username: Option<&str>, password: Bytes) -> Connect {
    Connect { username: username.map(Into::into), password: Some(password), ..connect("c", version) }
}

#[test]
fn the_holder_of_a_token_is_its_user_whether_connect_names_him_or_not() {
    for (version, username) in [(V5, None), (V5, Some("ann")), (V311, Some("ann"))] {
        let mut stage = stage();
        stage.join(with(version, username, token(1, "ann", 60)));
        let client = stage.broker.session_of("c").unwrap();
        assert_eq!(stage.broker.sessions[client].username.as_deref(), Some("ann"), "{version:?}");
    }
}

#[test]
fn a_token_that_is_not_in_order_lets_nobody_in_and_the_log_says_why() {
    let mut stage = stage();
    stage.broker.listen(Interest { notices: true, ..Interest::default() });
    let mut changed = token(1, "ann", 60).to_vec();
    // In the middle of the signature, where every bit counts.
    let at = changed.len() - 10;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let none = [r#"{"alg":"none"}"#, r#"{"sub":"ann","aud":"lab","exp":1900000000}"#];
    let none = none.map(|part| URL_SAFE_NO_PAD.encode(part)).join(".") + ".";
    for (username, password, why) in [
        (Some("bob"), token(1, "ann", 60), Refused::User),
        (None, token(1, r"ann\u0000", 60), Refused::User),
        (None, token(1, r"ann\nbob", 60), Refused::User),
        (None, token(2, "ann", 60), Refused::Signature),
        (None, changed.into(), Refused::Signature),
        (None, token(1, "ann", 0), Refused::Expired),
        (None, none.into(), Refused::Unsigned),
        (None, Bytes::from_static(b"eyJx.y"), Refused::Malformed),
    ] {
        let line = stage.open(V5);
        while stage.broker.poll_event().is_some() {}
        stage.send(line, &Packet::Connect(Box::new(with(V5, username, password))));
        stage.expect_bytes(line, "2003008700");
        stage.expect_closed(line);
        let offences: Vec<_> = std::iter::from_fn(|| stage.broker.poll_event())
            .filter_map(|event| if let Event::Offended { offence, .. } = event { Some(offence) } else { None })
            .collect();
        assert_eq!(offences, [Offence::Token(why)]);
    }
    // What is no token is a password, and there is no such user.
    let line = stage.open(V5);
    stage.send(line, &Packet::Connect(Box::new(with(V5, Some("ann"), Bytes::from_static(b"secret")))));
    stage.expect_bytes(line, "2003008700");
}

#[test]
fn the_connection_ends_when_the_token_does_whatever_the_keep_alive() {
    for keep_alive in [0, 20] {
        let mut stage = stage();
        let line = stage.join(Connect { keep_alive, ..with(V5, None, token(1, "ann", 30)) });
        stage.pass_seconds(25);
        stage.send(line, &Packet::PingReq);
        stage.expect(line, &Packet::PingResp);
        stage.pass_seconds(4);
        stage.expect_silence(line);
        stage.pass_seconds(2);
        stage.expect_refused(line, ReasonCode::NOT_AUTHORIZED);
    }
    // And a silent client before that, as ever.
    let mut stage = stage();
    let line = stage.join(Connect { keep_alive: 10, ..with(V5, None, token(1, "ann", 30)) });
    stage.pass_seconds(16);
    stage.expect_refused(line, ReasonCode::KEEP_ALIVE_TIMEOUT);
}

#[test]
fn a_reload_asks_again_by_the_new_keys() {
    let mut stage = stage();
    let line = stage.join(with(V5, None, token(1, "ann", 60)));
    stage.broker.reload(Settings::default(), access(1), stage.now);
    stage.collect();
    stage.expect_silence(line);
    stage.broker.reload(Settings::default(), access(2), stage.now);
    stage.collect();
    stage.expect_refused(line, ReasonCode::ADMINISTRATIVE_ACTION);
}

/// Tokens at a broker that checks them by a public key, which takes longest.
mod of_many {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    pub(super) fn pair() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
    }

    pub(super) fn access(pair: &EcdsaKeyPair) -> Access {
        let point = pair.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|half| URL_SAFE_NO_PAD.encode(half));
        let key = format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}"#);
        let keys = Keys::parse(key.as_bytes()).unwrap();
        access_with(keys)
    }

    pub(super) fn token(pair: &EcdsaKeyPair, user: &str) -> Bytes {
        let claims = format!(r#"{{"sub":"{user}","aud":"lab","exp":{}}}"#, NOW + 60);
        let signed = [r#"{"alg":"ES256"}"#, &claims].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)).into()
    }
}

#[test]
fn a_reload_checks_the_tokens_of_many_in_slices_and_what_they_send_only_after_that() {
    const MANY: usize = 1_000;
    let (before, after) = (of_many::pair(), of_many::pair());
    let mut stage = Stage::new();
    stage.broker.access = of_many::access(&before);
    let mut lines = Vec::new();
    for number in 0..MANY {
        let name = format!("c{number}");
        let connect = with(V5, None, of_many::token(&before, &name));
        lines.push(stage.join(Connect { client_id: name.into(), ..connect }));
    }
    // The token of one is good by the new key.
    stage.broker.access = of_many::access(&after);
    let other = stage.join(Connect { client_id: "other".into(), ..with(V5, None, of_many::token(&after, "other")) });
    stage.subscribe(other, "t", QoS::AtMostOnce);
    let start = thread_time();
    stage.broker.reload(Settings::default(), of_many::access(&after), stage.now);
    let mut longest = thread_time().saturating_sub(start);
    // The last of them would have to wait longest; what it sends is not passed on.
    let last = ConnectionId(lines[MANY - 1]);
    stage.broker.handle_packet(last, at_most_once("t", "x"), stage.now);
    let mut slices = 0;
    while stage.broker.has_work() {
        assert!(!stage.broker.is_busy(ConnectionId(other)), "another is kept waiting");
        stage.broker.handle_packet(ConnectionId(other), Packet::PingReq, stage.now);
        stage.take_outputs();
        stage.expect(other, &Packet::PingResp);
        let start = thread_time();
        stage.broker.handle_work(stage.now);
        longest = longest.max(thread_time().saturating_sub(start));
        slices += 1;
    }
    stage.collect();
    assert!(slices >= MANY / 10 && longest < Duration::from_millis(100), "{slices} slices, {longest:?}");
    for line in lines {
        stage.expect_refused(line, ReasonCode::ADMINISTRATIVE_ACTION);
    }
    stage.expect_silence(other);
    assert_eq!(stage.broker.census().connected, 1);
}

#[test]
fn a_reload_during_another_checks_all_tokens_by_the_last_rules() {
    let mut stage = stage();
    let lines: Vec<u64> = ["ann", "bob"]
        .map(|user| stage.join(Connect { client_id: user.into(), ..with(V5, None, token(1, user, 60)) }))
        .into();
    for secret in [2, 1] {
        stage.broker.reload(Settings::default(), access(secret), stage.now);
    }
    stage.collect();
    for line in lines {
        stage.send(line, &Packet::PingReq);
        stage.expect(line, &Packet::PingResp);
    }
}
