//! Logins by SCRAM, §4.12: at CONNECT, again on the connection, and who gets none.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::*;
use crate::broker::access::Rules;
use crate::mqtt::authentication::Authentication;
use crate::mqtt::packet::Auth;
use crate::passwd::scram::{File, Record};
use crate::scram::{Credentials, LEAST_ITERATIONS, Mechanism};

const SHA256: Mechanism = Mechanism::Sha256;

fn users(password: &str) -> Access {
    let record = Record::make(&[SHA256], NonZeroU32::new(LEAST_ITERATIONS).unwrap(), password.as_bytes()).unwrap();
    let file = File::parse(format!("ann:{record}\nbob:{record}\n").as_bytes()).unwrap();
    Access::new(vec![Rules {
        allow_anonymous: false,
        passwords: None,
        scram: Some(Arc::new(file)),
        tokens: None,
        acl: None,
    }])
}

fn stage_with(settings: Settings) -> Stage {
    let mut stage = Stage::with(settings);
    stage.broker.access = users("right");
    stage
}

fn login(user: &str, password: &str) -> Authentication {
    Authentication::new(Credentials::new(SHA256, user.as_bytes(), password.as_bytes()).unwrap())
}

/// CONNECT that begins the login.
fn begin(login: &mut Authentication, connect: Connect) -> Packet {
    let properties = connect.properties.iter().cloned().chain(login.begin().unwrap()).collect();
    Packet::Connect(Box::new(Connect { properties, ..connect }))
}

/// The AUTH that comes next.
fn challenge(stage: &mut Stage, line: u64) -> Auth {
    match stage.next(line) {
        Some(Packet::Auth(auth)) => auth,
        other => panic!("no AUTH: {other:?}"),
    }
}

/// Goes on with the login up to the answer.
fn answer(stage: &mut Stage, line: u64, login: &mut Authentication) {
    let auth = challenge(stage, line);
    assert_eq!(auth.reason, ReasonCode::CONTINUE_AUTHENTICATION);
    stage.send(line, &Packet::Auth(login.answer(&auth).unwrap()));
}

fn connack(stage: &mut Stage, line: u64) -> ConnAck {
    match stage.next(line) {
        Some(Packet::ConnAck(connack)) => connack,
        other => panic!("no CONNACK: {other:?}"),
    }
}

/// Someone who is connected.
fn logged_in(stage: &mut Stage) -> (u64, Authentication) {
    let (line, mut login) = (stage.open(V5), login("ann", "right"));
    stage.send(line, &begin(&mut login, connect("c", V5)));
    answer(stage, line, &mut login);
    let connack = connack(stage, line);
    assert_eq!((connack.code, login.verify(&connack.properties)), (0, Ok(())));
    (line, login)
}

fn refused(stage: &mut Stage, line: u64, code: ReasonCode) {
    stage.expect_bytes(line, &format!("200300{:02x}00", code.0));
    stage.expect_closed(line);
}

#[test]
fn who_proves_to_know_the_password_is_let_in_and_sees_that_the_broker_knows_it_too() {
    let mut stage = stage_with(Settings::default());
    let (line, _) = logged_in(&mut stage);
    let client = stage.broker.session_of("c").unwrap();
    assert_eq!(stage.broker.sessions[client].username.as_deref(), Some("ann"));
    stage.send(line, &Packet::PingReq);
    stage.expect(line, &Packet::PingResp);
}

#[test]
fn a_wrong_password_and_a_user_who_does_not_exist_get_the_same_answers() {
    let mut stage = stage_with(Settings::default());
    let mut sizes = Vec::new();
    for (user, password) in [("ann", "wrong"), ("eve", "right"), ("bob", "wrong")] {
        let (line, mut login) = (stage.open(V5), login(user, password));
        stage.send(line, &begin(&mut login, connect("c", V5)));
        let auth = challenge(&mut stage, line);
        sizes.push(auth.properties.authentication_data().unwrap().len());
        stage.send(line, &Packet::Auth(login.answer(&auth).unwrap()));
        refused(&mut stage, line, ReasonCode::NOT_AUTHORIZED);
    }
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    assert_eq!(stage.broker.census().connected, 0);
}

#[test]
fn what_is_no_login_is_refused_with_the_code_for_it() {
    let mut stage = stage_with(Settings::default());
    let named = |method: &str, data: &'static [u8]| {
        let properties =
            [Property::AuthenticationMethod(method.into()), Property::AuthenticationData(Bytes::from_static(data))];
        Packet::Connect(Box::new(Connect { properties: properties.into_iter().collect(), ..connect("c", V5) }))
    };
    for (packet, code) in [
        (named("SCRAM-SHA-256-PLUS", b"n,,n=ann,r=abc"), ReasonCode::BAD_AUTHENTICATION_METHOD),
        (named("scram-sha-256", b"n,,n=ann,r=abc"), ReasonCode::BAD_AUTHENTICATION_METHOD),
        (named("GS2-KRB5", b""), ReasonCode::BAD_AUTHENTICATION_METHOD),
        (named("SCRAM-SHA-256", b""), ReasonCode::NOT_AUTHORIZED),
        (named("SCRAM-SHA-256", b"n,,n=ann"), ReasonCode::NOT_AUTHORIZED),
        (named("SCRAM-SHA-256", b"p=tls-unique,,n=ann,r=abc"), ReasonCode::NOT_AUTHORIZED),
        // Without a method it is a login without a password.
        (Packet::Connect(Box::new(connect("c", V5))), ReasonCode::NOT_AUTHORIZED),
    ] {
        let line = stage.open(V5);
        stage.send(line, &packet);
        refused(&mut stage, line, code);
    }
}

#[test]
fn before_connack_only_auth_and_disconnect_may_come() {
    let mut stage = stage_with(Settings::default());
    let auth = |reason, method: &str| {
        let properties = [Property::AuthenticationMethod(method.into()), Property::AuthenticationData(Bytes::new())];
        Packet::Auth(Auth { reason, properties: properties.into_iter().collect() })
    };
    for packet in [
        Packet::PingReq,
        at_most_once("t", "early"),
        subscribe("#", SubscriptionOptions::default()),
        Packet::Connect(Box::new(connect("other", V5))),
        auth(ReasonCode::RE_AUTHENTICATE, "SCRAM-SHA-256"),
        auth(ReasonCode::SUCCESS, "SCRAM-SHA-256"),
        // [MQTT-4.12.0-5]
        auth(ReasonCode::CONTINUE_AUTHENTICATION, "SCRAM-SHA-1"),
        Packet::Auth(Auth { reason: ReasonCode::CONTINUE_AUTHENTICATION, properties: Properties::new() }),
    ] {
        let (line, mut login) = (stage.open(V5), login("ann", "right"));
        stage.send(line, &begin(&mut login, connect("c", V5)));
        challenge(&mut stage, line);
        stage.send(line, &packet);
        refused(&mut stage, line, ReasonCode::PROTOCOL_ERROR);
    }
    let (line, mut login) = (stage.open(V5), login("ann", "right"));
    stage.send(line, &begin(&mut login, connect("c", V5)));
    challenge(&mut stage, line);
    stage.send(line, &leave());
    stage.expect_closed(line);
    assert_eq!(stage.broker.census().clients, 0);
}

#[test]
fn a_login_has_the_time_of_a_connect_and_an_answer_that_comes_twice_ends_it() {
    let mut stage = stage_with(Settings { connect_timeout: Duration::from_secs(5), ..Settings::default() });
    let (line, mut slow) = (stage.open(V5), login("ann", "right"));
    stage.send(line, &begin(&mut slow, connect("c", V5)));
    challenge(&mut stage, line);
    stage.pass_seconds(6);
    stage.expect_closed(line);
    let (line, mut login) = logged_in(&mut stage);
    // The exchange is over, and no other was begun.
    let auth =
        Auth { reason: ReasonCode::CONTINUE_AUTHENTICATION, properties: login.begin().unwrap().into_iter().collect() };
    stage.send(line, &Packet::Auth(auth));
    stage.expect_refused(line, ReasonCode::PROTOCOL_ERROR);
}

#[test]
fn connect_names_nobody_else_than_the_login() {
    let mut stage = stage_with(Settings::default());
    for (username, is_let_in) in [(Some("bob"), false), (Some("ann"), true), (None, true)] {
        let (line, mut login) = (stage.open(V5), login("ann", "right"));
        let connect = Connect { username: username.map(Into::into), ..connect("c", V5) };
        stage.send(line, &begin(&mut login, connect));
        answer(&mut stage, line, &mut login);
        let code = connack(&mut stage, line).code;
        assert_eq!(code, if is_let_in { 0 } else { ReasonCode::NOT_AUTHORIZED.0 }, "{username:?}");
    }
}

#[test]
fn a_client_that_takes_no_packet_of_the_size_is_let_go() {
    let mut stage = stage_with(Settings::default());
    let (line, mut login) = (stage.open(V5), login("ann", "right"));
    let properties = [Property::MaximumPacketSize(40)].into_iter().collect();
    stage.send(line, &begin(&mut login, Connect { properties, ..connect("c", V5) }));
    stage.expect_closed(line);
}

#[test]
fn a_client_logs_in_again_by_the_same_method_and_as_the_same_user() {
    let mut stage = stage_with(Settings::default());
    let (line, mut ann) = logged_in(&mut stage);
    let again = |login: &mut Authentication| {
        let properties = login.begin().unwrap().into_iter().collect();
        Packet::Auth(Auth { reason: ReasonCode::RE_AUTHENTICATE, properties })
    };
    stage.send(line, &again(&mut ann));
    let auth = challenge(&mut stage, line);
    // What is between is served: the login of before holds.
    stage.send(line, &Packet::PingReq);
    stage.expect(line, &Packet::PingResp);
    stage.send(line, &Packet::Auth(ann.answer(&auth).unwrap()));
    let done = challenge(&mut stage, line);
    assert_eq!((done.reason, ann.verify(&done.properties)), (ReasonCode::SUCCESS, Ok(())));

    // [MQTT-4.12.1-2]
    let mut other = Authentication::new(Credentials::new(Mechanism::Sha512, b"ann", b"right").unwrap());
    for (mut login, reason) in [
        (login("bob", "right"), ReasonCode::NOT_AUTHORIZED),
        (std::mem::replace(&mut other, login("ann", "wrong")), ReasonCode::PROTOCOL_ERROR),
    ] {
        let (line, _) = logged_in(&mut stage);
        stage.send(line, &again(&mut login));
        stage.expect_refused(line, reason);
    }
    let (line, _) = logged_in(&mut stage);
    stage.send(line, &again(&mut other));
    answer(&mut stage, line, &mut other);
    stage.expect_refused(line, ReasonCode::NOT_AUTHORIZED);
    // Begun twice.
    let (line, mut ann) = logged_in(&mut stage);
    stage.send(line, &again(&mut ann));
    challenge(&mut stage, line);
    stage.send(line, &again(&mut ann));
    stage.expect_refused(line, ReasonCode::PROTOCOL_ERROR);
}

#[test]
fn a_client_whose_keys_have_changed_is_let_go_by_a_reload() {
    let mut stage = stage_with(Settings::default());
    let (line, _) = logged_in(&mut stage);
    let same = stage.broker.access.clone();
    stage.broker.reload(Settings::default(), same, stage.now);
    stage.collect();
    stage.expect_silence(line);
    stage.broker.reload(Settings::default(), users("right"), stage.now);
    stage.collect();
    stage.expect_refused(line, ReasonCode::ADMINISTRATIVE_ACTION);

    // And whoever is about to come in by those of before does not.
    stage.broker.access = users("right");
    let (line, mut login) = (stage.open(V5), login("ann", "right"));
    stage.send(line, &begin(&mut login, connect("c", V5)));
    let auth = challenge(&mut stage, line);
    stage.broker.reload(Settings::default(), users("right"), stage.now);
    stage.send(line, &Packet::Auth(login.answer(&auth).unwrap()));
    refused(&mut stage, line, ReasonCode::NOT_AUTHORIZED);
}
