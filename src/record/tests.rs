//! Records go out and in unchanged; what is no record is refused with its reason.

use std::borrow::Cow;

use bytes::Bytes;
use bytestring::ByteString;
use proptest::prelude::*;

use super::*;
use crate::mqtt::packet::{PacketId, Property, Publish};
use crate::mqtt::topic::{TopicError, TopicName};

fn written(publish: &Publish, received: UnixTime) -> Vec<u8> {
    let mut line = Vec::new();
    Writer::default().write(&publish.as_ref(), received, &mut line);
    line
}

fn read(line: &str) -> Result<Record<'_>, RecordError> {
    Record::read(line.as_bytes(), Unknown::Refused)
}

fn refused(line: &str) -> RecordError {
    read(line).unwrap_err()
}

fn field(name: &str, expected: Expected) -> RecordError {
    RecordError::Field { name: name.to_owned(), expected }
}

#[test]
fn a_record_has_these_fields_in_this_order() {
    let publish = Publish {
        dup: true,
        qos: QoS::ExactlyOnce,
        retain: true,
        topic: "a/\"b\"".into(),
        packet_id: PacketId::new(7),
        properties: [
            Property::PayloadFormatIndicator(1),
            Property::MessageExpiryInterval(60),
            Property::ContentType("text/plain".into()),
            Property::ResponseTopic("r".into()),
            Property::CorrelationData(Bytes::from_static(b"\xff\x00")),
            Property::SubscriptionIdentifier(3),
            Property::UserProperty("k".into(), "1".into()),
            Property::SubscriptionIdentifier(4),
            Property::TopicAlias(9),
            Property::UserProperty("k".into(), "2".into()),
        ]
        .into_iter()
        .collect(),
        payload: Bytes::from_static(b"21.5\n"),
    };
    let received = UnixTime::from_nanos(1_795_986_468_000_000_042);
    let expected = concat!(
        r#"{"v":1,"ts":"2026-11-29T21:07:48.000000042Z","topic":"a/\"b\"","payload":"21.5\n","qos":2,"retain":true,"#,
        r#""dup":true,"mid":7,"properties":{"payload-format-indicator":1,"message-expiry-interval":60,"#,
        r#""content-type":"text/plain","response-topic":"r","correlation-data_b64":"/wA=","#,
        r#""subscription-identifier":[3,4],"user-property":[["k","1"],["k","2"]],"topic-alias":9}}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(written(&publish, received)).unwrap(), expected);
}

#[test]
fn a_payload_that_is_no_text_stands_in_base64() {
    let publish = Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: "t".into(),
        packet_id: None,
        properties: Properties::new(),
        payload: Bytes::from_static(b"\xff\xfe"),
    };
    let line = written(&publish, UnixTime::from_nanos(-1));
    let expected = concat!(
        r#"{"v":1,"ts":"1969-12-31T23:59:59.999999999Z","topic":"t","payload_b64":"//4=","qos":0,"#,
        r#""retain":false,"dup":false}"#,
        "\n"
    );
    assert_eq!(str::from_utf8(&line).unwrap(), expected);
}

#[test]
fn reading_borrows_what_has_no_escapes() {
    let record = read(r#"{"topic":"a/b","payload":"plain"}"#).unwrap();
    assert!(matches!(record.topic, Some(Cow::Borrowed("a/b"))));
    assert!(matches!(record.payload, Some(Cow::Borrowed(b"plain"))));
    let record = read(r#"{"payload":"\u00e9\n"}"#).unwrap();
    assert_eq!(record.payload.as_deref(), Some("é\n".as_bytes()));
}

#[test]
fn absent_fields_are_none_and_the_line_end_is_no_matter() {
    assert_eq!(read("{}").unwrap(), Record::default());
    assert_eq!(read(" {\"v\":1}\r\n").unwrap(), Record::default());
}

#[test]
fn what_is_no_json_is_refused() {
    assert_eq!(refused(""), RecordError::CutOff);
    assert_eq!(refused(r#"{"topic":"a"#), RecordError::CutOff);
    assert_eq!(refused(r#"{"topic":"a","#), RecordError::CutOff);
    assert_eq!(refused("{topic}"), RecordError::NotJson { column: 2 });
    assert_eq!(refused("{} {}"), RecordError::NotJson { column: 4 });
    assert!(matches!(refused(r#"{"payload":"\ud800"}"#), RecordError::NotJson { .. }));
    assert!(matches!(Record::read(b"{\"payload\":\"\xff\"}", Unknown::Refused), Err(RecordError::NotJson { .. })));
    for line in ["[]", "1", "null", "\"a\"", "true", "-1", "1.5"] {
        assert_eq!(refused(line), RecordError::NotAnObject, "{line}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(refused(&format!("{{\"topic\":{deep}")), RecordError::CutOff);
    assert!(matches!(refused(&format!("{{\"properties\":{{\"a\":{deep}")), RecordError::NotJson { .. }));
}

#[test]
fn a_value_of_another_type_is_refused_by_the_name_of_its_field() {
    let table = [
        (r#"{"topic":1}"#, field("topic", Expected::Text)),
        (r#"{"topic":null}"#, field("topic", Expected::Text)),
        (r#"{"payload":21.5}"#, field("payload", Expected::Text)),
        (r#"{"payload":{"a":[1]}}"#, field("payload", Expected::Text)),
        (r#"{"payload_b64":[]}"#, field("payload_b64", Expected::Text)),
        (r#"{"payload_b64":"AA"}"#, RecordError::Base64("payload_b64".into())),
        (r#"{"payload_b64":"A A="}"#, RecordError::Base64("payload_b64".into())),
        (r#"{"qos":3}"#, field("qos", Expected::QoS)),
        (r#"{"qos":"1"}"#, field("qos", Expected::QoS)),
        (r#"{"qos":-1}"#, field("qos", Expected::QoS)),
        (r#"{"retain":1}"#, field("retain", Expected::TrueOrFalse)),
        (r#"{"dup":"true"}"#, field("dup", Expected::TrueOrFalse)),
        (r#"{"mid":0}"#, field("mid", Expected::Number(1, 65_535))),
        (r#"{"mid":65536}"#, field("mid", Expected::Number(1, 65_535))),
        (r#"{"ts":"yesterday"}"#, field("ts", Expected::Time)),
        (r#"{"ts":1795266101}"#, field("ts", Expected::Time)),
        (r#"{"ts":"2500-01-01T00:00:00Z"}"#, field("ts", Expected::Time)),
        (r#"{"v":2}"#, RecordError::Version(2)),
        (r#"{"v":0}"#, field("v", Expected::Number(1, 1))),
        (r#"{"properties":[]}"#, field("properties", Expected::Object)),
        (r#"{"properties":null}"#, field("properties", Expected::Object)),
        (r#"{"topics":"a"}"#, RecordError::UnknownField("topics".into())),
        (r#"{"qos":1,"qos":1}"#, RecordError::DuplicateField("qos".into())),
        (r#"{"payload":"","payload_b64":""}"#, RecordError::BothForms("payload")),
        (r#"{"topic":"a/+"}"#, RecordError::Topic(TopicError::Wildcard)),
        (r#"{"topic":""}"#, RecordError::Topic(TopicError::Empty)),
        (r#"{"topic":"a\u0000"}"#, RecordError::Topic(TopicError::NulCharacter)),
    ];
    for (line, expected) in table {
        assert_eq!(refused(line), expected, "{line}");
    }
}

#[test]
fn properties_are_judged_as_those_of_a_publish() {
    let table = [
        (r#"{"server-keep-alive":1}"#, "unknown field `properties.server-keep-alive`"),
        (r#"{"content-type_b64":""}"#, "unknown field `properties.content-type_b64`"),
        (r#"{"payload-format-indicator":2}"#, "`payload-format-indicator` is not a whole number from 0 to 1"),
        (r#"{"topic-alias":0}"#, "`properties`: `topic-alias` has a value that MQTT does not allow"),
        (r#"{"response-topic":"a/#"}"#, "`properties`: `response-topic` has a value that MQTT does not allow"),
        (r#"{"content-type":"a","content-type":"b"}"#, "`properties`: `content-type` stands there twice"),
        (
            r#"{"correlation-data":"a","correlation-data_b64":""}"#,
            "`properties`: `correlation-data` stands there twice",
        ),
        (r#"{"user-property":{"a":"b"}}"#, "`user-property` is not a list of [\"name\",\"value\"] pairs"),
        (r#"{"user-property":[["a"]]}"#, "`user-property` is not a list of [\"name\",\"value\"] pairs"),
        (r#"{"content-type":"a\u0000"}"#, "`content-type` is not a string of at most 65535 bytes"),
        (
            r#"{"subscription-identifier":[0]}"#,
            "`properties`: `subscription-identifier` has a value that MQTT does not allow",
        ),
        (r#"{"correlation-data_b64":"!"}"#, "`correlation-data_b64` is not valid base64"),
    ];
    for (properties, expected) in table {
        let line = format!("{{\"properties\":{properties}}}");
        assert_eq!(refused(&line).to_string(), expected, "{line}");
    }
}

#[test]
fn unknown_fields_can_be_ignored_and_nothing_else() {
    let line = r#"{"tst":"x","payloadlen":{"a":[1]},"topic":"a","properties":{"new":1}}"#;
    let record = Record::read(line.as_bytes(), Unknown::Ignored).unwrap();
    assert_eq!(record.topic.as_deref(), Some("a"));
    assert!(Record::read(br#"{"tst":1,"qos":9}"#, Unknown::Ignored).is_err());
}

fn text() -> impl Strategy<Value = ByteString> {
    prop_oneof![".{0,12}", "[\\x00-\\x1f\"\\\\]{0,6}"].prop_map(|text: String| ByteString::from(text.replace('\0', "")))
}

fn property() -> impl Strategy<Value = Property> {
    prop_oneof![
        any::<bool>().prop_map(|flag| Property::PayloadFormatIndicator(flag.into())),
        any::<u32>().prop_map(Property::MessageExpiryInterval),
        text().prop_map(Property::ContentType),
        "[a-z/]{1,9}".prop_map(|topic: String| Property::ResponseTopic(topic.into())),
        any::<Vec<u8>>().prop_map(|data| Property::CorrelationData(data.into())),
        (1..=268_435_455_u32).prop_map(Property::SubscriptionIdentifier),
        (1..=u16::MAX).prop_map(Property::TopicAlias),
        (text(), text()).prop_map(|(name, value)| Property::UserProperty(name, value)),
    ]
}

/// What a PUBLISH may carry; in the order of their numbers, for only equal ones have an order that means something.
fn properties() -> impl Strategy<Value = Properties> {
    proptest::collection::vec(property(), 0..8).prop_map(|mut list| {
        list.sort_by_key(|property| property.id() as u8);
        list.dedup_by(|one, other| {
            one.id() == other.id() && !matches!(one, Property::UserProperty(..) | Property::SubscriptionIdentifier(_))
        });
        list.into_iter().collect()
    })
}

prop_compose! {
    fn publish()(
        topic in prop_oneof!["[a-z$]{1,4}(/[a-z\"\\\\]{0,3}){0,3}", "\\PC{1,20}"].prop_filter("a topic name", |topic| TopicName::check(topic).is_ok()),
        payload in prop_oneof![any::<Vec<u8>>(), ".{0,40}".prop_map(String::into_bytes)],
        level in 0..3_u8,
        (retain, dup) in any::<(bool, bool)>(),
        id in 1..=u16::MAX,
        properties in properties(),
    ) -> Publish {
        let qos = QoS::try_from(level).unwrap();
        let packet_id = PacketId::new(id).filter(|_| qos != QoS::AtMostOnce);
        Publish { dup, qos, retain, topic: topic.into(), packet_id, properties, payload: payload.into() }
    }
}

proptest! {
    #[test]
    fn any_message_goes_out_and_in_unchanged(publish in publish(), nanos in any::<i64>()) {
        let received = UnixTime::from_nanos(nanos);
        let line = written(&publish, received);
        prop_assert_eq!(memchr::memchr(b'\n', &line), Some(line.len() - 1));
        let record = Record::read(&line, Unknown::Refused).unwrap();
        let expected = Record {
            received: Some(received),
            topic: Some(Cow::Borrowed(&*publish.topic)),
            payload: Some(Cow::Borrowed(&publish.payload)),
            qos: Some(publish.qos),
            retain: Some(publish.retain),
            dup: Some(publish.dup),
            packet_id: publish.packet_id,
            properties: publish.properties.clone(),
        };
        prop_assert_eq!(record, expected);
    }

    #[test]
    fn a_record_that_is_cut_anywhere_is_refused(publish in publish(), at in any::<prop::sample::Index>()) {
        let line = written(&publish, UnixTime::from_seconds(0));
        let cut = at.index(line.len() - 1);
        prop_assert!(Record::read(&line[..cut], Unknown::Refused).is_err());
    }

    #[test]
    fn no_bytes_make_reading_panic(line in any::<Vec<u8>>()) {
        let _ = Record::read(&line, Unknown::Refused);
        let _ = Record::read(&line, Unknown::Ignored);
    }
}
