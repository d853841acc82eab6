//! Tokens as passwords: whom they let in, and until when.

use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::broker::access::Rules;
use crate::jwt::{Keys, Refused, Verifier};
use crate::passwd;

/// The wall clock of a stage when it begins.
const NOW: i64 = 1_800_000_000;

fn access(secret: u8) -> Access {
    let key = format!(r#"{{"kty":"oct","k":"{}"}}"#, URL_SAFE_NO_PAD.encode([secret; 32]));
    let tokens = Verifier {
        keys: Keys::parse(key.as_bytes()).unwrap(),
        issuer: None,
        audience: Some("lab".to_owned()),
        user_claim: "sub".to_owned(),
    };
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
        let client = stage.broker.by_client_id["c"];
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
