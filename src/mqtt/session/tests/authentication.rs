//! Logins by SCRAM, §4.12, from the client's side: against a server that is right, and against others.

use super::*;
use crate::mqtt::authentication::properties;
use crate::mqtt::packet::Auth;
use crate::scram::{Credentials, Distrust, Keys, Mechanism, ServerExchange, UserKeys};

const SHA256: Mechanism = Mechanism::Sha256;

fn credentials() -> Credentials {
    Credentials::new(SHA256, b"ann", b"right").unwrap()
}

/// A server that has the keys of this password.
struct Server {
    keys: Keys,
    exchange: Option<ServerExchange>,
}

impl Server {
    fn new(password: &str) -> Self {
        let iterations = std::num::NonZeroU32::new(4096).unwrap();
        Self { keys: Keys::make(SHA256, iterations, password.as_bytes()).unwrap(), exchange: None }
    }

    fn challenge(&mut self, given: &Properties) -> Packet {
        assert_eq!(given.authentication_method().as_deref(), Some("SCRAM-SHA-256"));
        let first = given.authentication_data().unwrap();
        let keys_of = |user: &str| {
            assert_eq!(user, "ann");
            UserKeys { keys: self.keys.clone(), is_known: true }
        };
        let (exchange, message) = ServerExchange::begin(SHA256, &first, keys_of).unwrap();
        self.exchange = Some(exchange);
        auth(ReasonCode::CONTINUE_AUTHENTICATION, &message)
    }

    /// What it shows for the answer.
    fn signature(&mut self, answer: &Packet) -> Vec<u8> {
        let Packet::Auth(Auth { reason: ReasonCode::CONTINUE_AUTHENTICATION, properties }) = answer else {
            panic!("{answer:?}");
        };
        let data = properties.authentication_data().unwrap();
        self.exchange.take().unwrap().finish(Some(&self.keys), &data).unwrap()
    }
}

fn auth(reason: ReasonCode, message: &[u8]) -> Packet {
    Packet::Auth(Auth { reason, properties: properties(SHA256, message.to_vec()).into_iter().collect() })
}

/// A session that has sent its CONNECT, with what that has.
fn calling() -> (Talk, Properties) {
    let mut talk = Talk::new(connect(V5), 20);
    talk.session.set_credentials(credentials());
    talk.session.handle_connected(talk.now).unwrap();
    let [Packet::Connect(connect)] = &talk.sent()[..] else { panic!("no CONNECT") };
    assert_eq!(connect.password, None);
    let properties = connect.properties.clone();
    (talk, properties)
}

/// Up to the answer, and what the right server would show for it.
fn answered() -> (Talk, Vec<u8>) {
    let (mut talk, properties) = calling();
    let mut server = Server::new("right");
    talk.hear(&server.challenge(&properties)).unwrap();
    let sent = talk.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let signature = server.signature(&sent[0]);
    (talk, signature)
}

fn accepted(message: &[u8]) -> Packet {
    Packet::ConnAck(connack(properties(SHA256, message.to_vec())))
}

#[test]
fn a_server_that_proves_itself_is_believed_and_only_then_sent_anything() {
    let (mut talk, signature) = answered();
    talk.publish(QoS::AtLeastOnce, "early");
    assert_eq!(talk.sent_words(), [""; 0]);
    talk.hear(&accepted(&signature)).unwrap();
    assert!(talk.session.is_connected());
    assert_eq!(talk.sent_words(), ["early1 q1"]);
    // On the next connection it begins anew, with another nonce.
    talk.session.handle_closed();
    talk.server = Decoder::server(MAXIMUM_PACKET_SIZE);
    talk.session.handle_connected(talk.now).unwrap();
    let [Packet::Connect(connect)] = &talk.sent()[..] else { panic!("no CONNECT") };
    assert_eq!(connect.properties.iter().count(), 2);
}

#[test]
fn a_large_message_may_stand_right_behind_the_end_of_a_login() {
    let (mut talk, signature) = answered();
    talk.hear_bytes(&together(&[accepted(&signature), large()])).unwrap();
    assert!(matches!(&talk.events()[..], [Event::Connected(_), Event::Message(_)]));
    // The server is not known before its proof, however often it asks.
    let (mut talk, _) = answered();
    assert!(talk.hear_bytes(&[0xf0, 0xff, 0xff, 0xff, 0x7f]).is_err());
}

#[test]
fn a_server_that_lies_is_told_goodbye_and_nothing_else() {
    let signature = answered().1;
    let rows: [(Packet, Distrust); 5] = [
        (accepted(b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), Distrust::Signature),
        // That of another exchange.
        (accepted(&signature), Distrust::Signature),
        (accepted(b"e=other-error"), Distrust::Refused),
        (Packet::ConnAck(connack([])), Distrust::NoSignature),
        (Packet::ConnAck(connack(properties(Mechanism::Sha1, b"v=AAAA".to_vec()))), Distrust::OtherMethod),
    ];
    for (packet, why) in rows {
        let (mut talk, _) = answered();
        talk.publish(QoS::AtLeastOnce, "secret");
        assert_eq!(talk.hear(&packet), Err(SessionError::Authentication(why)));
        let sent = talk.sent_words();
        assert!(matches!(&sent[..], [one] if one.starts_with("disconnect")), "{sent:?}");
        assert!(!talk.session.is_connected());
    }
}

#[test]
fn a_server_that_asks_on_or_for_too_much_is_left() {
    let challenge = |text: &str| auth(ReasonCode::CONTINUE_AUTHENTICATION, text.as_bytes());
    let wrong = |iterations: &str| {
        let (mut talk, properties) = calling();
        let first = properties.authentication_data().unwrap();
        let nonce = str::from_utf8(&first).unwrap().rsplit_once("r=").unwrap().1.to_owned();
        let heard = talk.hear(&challenge(&format!("r={nonce}x,s=QSXCR+Q6sek8bf92,i={iterations}")));
        (heard, talk.sent_words().len())
    };
    assert_eq!(wrong("4096"), (Ok(()), 1));
    assert_eq!(wrong("4095"), (Err(SessionError::Authentication(Distrust::Iterations(4095))), 1));
    assert_eq!(wrong("2000001"), (Err(SessionError::Authentication(Distrust::Iterations(2_000_001))), 1));
    let (mut talk, _) = calling();
    let heard = talk.hear(&challenge("r=other,s=QSXCR+Q6sek8bf92,i=4096"));
    assert_eq!(heard, Err(SessionError::Authentication(Distrust::Nonce)));
    // No end of challenges.
    let (mut talk, _) = answered();
    let heard = talk.hear(&challenge("r=other,s=QSXCR+Q6sek8bf92,i=4096"));
    assert_eq!(heard, Err(SessionError::Authentication(Distrust::TooManyMessages)));
    // No challenge at all.
    let (mut talk, _) = calling();
    let heard = talk.hear(&accepted(b"v=AAAA"));
    assert_eq!(heard, Err(SessionError::Authentication(Distrust::NoSignature)));
    // What only a client may say.
    let (mut talk, _) = answered();
    assert!(talk.hear(&auth(ReasonCode::RE_AUTHENTICATE, b"")).is_err());
}

#[test]
fn a_refusal_is_no_lie() {
    let (mut talk, _) = answered();
    let refusal = ConnAck { code: 135, ..connack([]) };
    talk.hear(&Packet::ConnAck(refusal.clone())).unwrap();
    assert_eq!(talk.events(), [Event::Refused(refusal)]);
}

#[test]
fn a_login_is_begun_again_on_the_same_connection_and_by_the_same_method() {
    let (mut talk, signature) = answered();
    assert_eq!(talk.session.authenticate_again(talk.now), Err(SendError::NotConnected));
    talk.hear(&accepted(&signature)).unwrap();
    talk.events();
    talk.session.authenticate_again(talk.now).unwrap();
    let sent = talk.sent();
    let [Packet::Auth(Auth { reason: ReasonCode::RE_AUTHENTICATE, properties })] = &sent[..] else {
        panic!("{sent:?}")
    };
    let mut server = Server::new("right");
    talk.hear(&server.challenge(properties)).unwrap();
    let signature = server.signature(&talk.sent()[0]);
    talk.hear(&auth(ReasonCode::SUCCESS, &signature)).unwrap();
    assert_eq!(talk.events(), [Event::Authenticated]);
    // What was not begun again is not done.
    let heard = talk.hear(&auth(ReasonCode::SUCCESS, &signature));
    assert_eq!(heard, Err(SessionError::Authentication(Distrust::TooManyMessages)));
    let mut plain = Talk::connected(V5);
    assert_eq!(plain.session.authenticate_again(plain.now), Err(SendError::NotConnected));
}
