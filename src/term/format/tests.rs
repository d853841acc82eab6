//! Formats and JSON, byte for byte: what each field prints in Mosquitto 2.1, and what mosquitto_sub 2.0.11 printed.

use super::clock::Clock;
use super::*;
use crate::mqtt::packet::{PacketId, Properties, Property, Publish, QoS};
use bytes::Bytes;
use std::time::{Duration, SystemTime};

fn publish(payload: &'static [u8]) -> Publish {
    Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: false,
        topic: "a/topic".into(),
        packet_id: None,
        properties: Properties::new(),
        payload: Bytes::from_static(payload),
    }
}

fn with_properties() -> Publish {
    let properties = [
        Property::UserProperty("k".into(), "v".into()),
        Property::ContentType("text/x".into()),
        Property::PayloadFormatIndicator(1),
        Property::MessageExpiryInterval(u32::MAX),
        Property::UserProperty("k2".into(), "v 2".into()),
        Property::ResponseTopic("r/t".into()),
        Property::CorrelationData(Bytes::from_static(b"c\0d")),
        Property::SubscriptionIdentifier(5),
        Property::SubscriptionIdentifier(6),
        Property::TopicAlias(7),
    ];
    Publish {
        qos: QoS::AtLeastOnce,
        retain: true,
        packet_id: PacketId::new(42),
        properties: properties.into_iter().collect(),
        ..publish(b"message")
    }
}

fn printed(style: Style, newline: bool, pretty: bool, message: &Publish) -> (String, Vec<Complaint>) {
    let clock = Clock::in_zone(jiff::tz::TimeZone::posix("XXX-2").unwrap());
    let mut printer = Printer::new(style, newline, pretty).with_clock(clock);
    let mut out = Vec::new();
    let now = SystemTime::UNIX_EPOCH + Duration::new(1_795_365_826, 1_002_003);
    let complaints = printer.render(message.as_ref(), now, &mut out);
    (String::from_utf8(out).unwrap(), complaints)
}

fn formatted(format: &str, message: &Publish) -> String {
    let style = Style::Format(Format::parse(format.as_bytes(), true).unwrap());
    let (text, complaints) = printed(style, false, false, message);
    assert_eq!(complaints, [], "{format}");
    text
}

#[test]
fn an_empty_payload_prints_nothing_or_null() {
    let (full, empty) = (publish(b"x"), publish(b""));
    for (style, newline, full_text, empty_text) in [
        (Style::Payload, true, "x\n", ""),
        (Style::Payload, false, "x", ""),
        (Style::Verbose, true, "a/topic x\n", "a/topic (null)\n"),
        (Style::Verbose, false, "a/topic x", ""),
        (Style::Format(Format::parse(b"<%p>", true).unwrap()), true, "<x>\n", "<>\n"),
    ] {
        assert_eq!(printed(style.clone(), newline, false, &full).0, full_text);
        assert_eq!(printed(style, newline, false, &empty).0, empty_text);
    }
}

#[test]
fn text_has_a_least_width_and_a_greatest_precision() {
    let message = with_properties();
    for (format, text) in [
        ("%t", "a/topic"),
        ("%.3t|%10.3t|%-10.3t|%.t|%5.t|%.0t", "a/t|       a/t|a/t       ||     |"),
        ("%010t|%-010t|%0t", "   a/topic|a/topic   |a/topic"),
        ("%10C|%-10C|%.3C|%010C", "    text/x|text/x    |tex|    text/x"),
        ("%8R|%-8R|%.2R|%!R", "     r/t|r/t     |r/|r/t"),
        (
            "%I|%30I|%-30I|%.5I|%026I",
            "2026-11-22T18:43:46+0200|      2026-11-22T18:43:46+0200|2026-11-22T18:43:46+0200      |2026-|  2026-11-22T18:43:46+0200",
        ),
        ("%P|%3P|%D", "k:v k2:v 2|k:v k2:v 2|c\0d"),
    ] {
        assert_eq!(formatted(format, &message), text, "{format}");
    }
}

#[test]
fn numbers_are_filled_with_spaces_or_zeros() {
    let message = with_properties();
    for (format, text) in [
        ("%l|%5l|%05l|%-5l|%-05l|%00010l", "7|    7|00007|7    |7    |0000000007"),
        ("%m|%4m|%q|%5q|%r|%05r", "42|  42|1|1|1|1"),
        ("%A|%3A|%S|%03S|%F|%-3F|", "7|  7|5|005|1|1  |"),
        // An interval above 2147483647 is printed signed, as Mosquitto does.
        ("%E|%5E|%05E|%-5E|", "-1|   -1|-0001|-1   |"),
        ("%U|%20U", "1795365826.001002003|1795365826.001002003"),
    ] {
        assert_eq!(formatted(format, &message), text, "{format}");
    }
}

#[test]
fn a_property_that_is_not_there_is_its_width_of_fill() {
    let message = publish(b"message");
    for (format, text) in [
        ("%5A|%05A|%-5A|%-05A|", "     |00000|     |00000|"),
        ("%5E|%05F|%3S|", "     |00000|   |"),
        ("%5C|%05C|%-5C|", "     |00000|     |"),
        ("%5R|%D|%P|%m|%3m", "|||0|  0"),
    ] {
        assert_eq!(formatted(format, &message), text, "{format}");
    }
}

#[test]
fn the_width_of_a_payload_is_also_its_greatest_length() {
    let message = publish(b"message");
    for (format, text) in [
        ("%p|%3p|%.3p|%10p|%-10p|%010p|", "message|mes|message|   message|message   |000message|"),
        // Mosquitto adds 7, 3 and 7 spaces here.
        ("%-p|%-3x|%-x|", "message|6d6573|6d657373616765|"),
        ("%x|%X|%3x|%5x", "6d657373616765|6D657373616765|6d6573|6d65737361"),
        ("%.2x|%.4:X|%.0x|%.15!x", "6d 65 73 73 61 67 65|6D65:7373:6167:65|6d657373616765|6d657373616765"),
        ("%20x|%020x|%-20x|", "      6d657373616765|0000006d657373616765|6d657373616765      |"),
        ("%020.2-x|%-20.2:x|", "00-00-00-6d-65-73-73-61-67-65|6d:65:73:73:61:67:65      |"),
        ("%020.3-x", "000-000-6d6-573-736-167-65"),
    ] {
        assert_eq!(formatted(format, &message), text, "{format}");
    }
    assert_eq!(formatted("<%x|%4x|%.2x|%3p>", &publish(b"")), "<|    ||   >");
}

#[test]
fn a_payload_can_be_a_float_of_this_machine() {
    let double = Publish { payload: Bytes::copy_from_slice(&(-2.5_f64).to_ne_bytes()), ..publish(b"") };
    assert_eq!(
        formatted("%d|%.1d|%10.2d|%010.2d|%-10.2d|", &double),
        "-2.500000|-2.5|     -2.50|-000002.50|-2.50     |"
    );
    let float = Publish { payload: Bytes::copy_from_slice(&0.1_f32.to_ne_bytes()), ..publish(b"") };
    assert_eq!(formatted("%f|%.10f|%.0f", &float), "0.100000|0.1000000015|0");
    let infinite = Publish { payload: Bytes::copy_from_slice(&f32::NEG_INFINITY.to_ne_bytes()), ..publish(b"") };
    assert_eq!(formatted("%f|%06f|", &infinite), "-inf|  -inf|");
    let style = |format: &str| Style::Format(Format::parse(format.as_bytes(), true).unwrap());
    assert_eq!(printed(style("<%5f>"), true, false, &double), ("<>\n".into(), vec![Complaint::NotFloat]));
    assert_eq!(printed(style("<%d>"), true, false, &float), ("<>\n".into(), vec![Complaint::NotDouble]));
}

#[test]
fn literals_escapes_and_times_stand_between_fields() {
    let message = publish(b"x");
    let all = "a%%\\\\\\a\\e\\n\\r\\t\\v\\0@@@Y-@m-@d @H:@M:@S.@N @z@Z@?%5%";
    assert_eq!(formatted(all, &message), "a%\\\x07\x1b\n\r\t\x0b\0@2026-11-22 18:43:46.001002003 +0200XXX%?%");
    assert_eq!(formatted("", &message), "");
}

#[test]
fn base64_is_a_conversion_that_mosquitto_has_not() {
    let style = |format: &[u8]| Style::Format(Format::parse(format, false).unwrap());
    let shown = |format: &[u8]| printed(style(format), false, false, &publish(b"\0\xff\x10a")).0;
    assert_eq!(shown(b"%b|%10b|%-10b|%3b"), "AP8QYQ==|  AP8QYQ==|AP8QYQ==  |AP8Q");
    assert_eq!(Format::parse(b"%b", true).unwrap_err().to_string(), "Invalid format specifier 'b'.");
}

#[test]
fn a_wrong_format_is_refused_with_mosquittos_sentence() {
    for (format, sentence) in [
        ("%", "Incomplete format specifier."),
        ("a%-", "Incomplete format specifier."),
        ("%5", "Incomplete format specifier."),
        ("%5.", "Incomplete format specifier."),
        ("%5.3", "Incomplete format specifier."),
        ("%.3:", "Incomplete format specifier."),
        ("@", "Incomplete format specifier."),
        ("%Q", "Invalid format specifier 'Q'."),
        ("%1.2.3t", "Invalid format specifier '3'."),
        ("%0-20t", "Invalid format specifier '2'."),
        ("%!!t", "Invalid format specifier '!'."),
        ("\\", "Incomplete escape specifier."),
        ("\\x", "Invalid escape specifier 'x'."),
        ("%1048577t", "Field width or precision is larger than 1048576."),
    ] {
        assert_eq!(Format::parse(format.as_bytes(), true).unwrap_err().to_string(), sentence, "{format}");
    }
    assert_eq!(formatted("%-020t|%--t|% t|%.t", &publish(b"")), "a/topic             |a/topic|a/topic|");
}

const START: &str = "{\"tst\":\"2026-11-22T18:43:46.001002+0200\",\"topic\":\"a/topic\",";

#[test]
fn json_has_its_keys_in_order_and_its_types() {
    let expected = format!(
        "{START}\"qos\":1,\"retain\":true,\"payloadlen\":7,\"mid\":42,\"properties\":{{\
         \"user-properties\":[{{\"k\":\"v\"}},{{\"k2\":\"v 2\"}}],\"content-type\":\"text/x\",\
         \"payload-format-indicator\":1,\"message-expiry-interval\":4294967295,\"response-topic\":\"r/t\",\
         \"correlation-data\":\"c\\u0000d\",\"subscription-identifier\":5,\"subscription-identifier\":6,\
         \"topic-alias\":7}},\"payload\":\"message\"}}"
    );
    assert_eq!(formatted("%j", &with_properties()), expected);
    let empty = format!("{START}\"qos\":0,\"retain\":false,\"payloadlen\":0,\"payload\":null}}");
    assert_eq!(formatted("%j", &publish(b"")), empty);
    assert_eq!(formatted("%J", &publish(b"")), empty);
}

#[test]
fn json_is_valid_whatever_the_payload_is() {
    let message = publish(b"a\"b\\c\x08\x0c\n\r\t\x01\x1f/\x7f\xc3\xa9\0\xff\xfe.\xe2\x82");
    let expected = "\"payload\":\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f/\x7fé\\u0000\u{fffd}\u{fffd}.\u{fffd}\"}";
    let text = formatted("%j", &message);
    assert!(text.ends_with(expected), "{text}");
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
}

fn embedded(payload: &'static [u8]) -> Option<String> {
    let style = Style::Format(Format::parse(b"%J", true).unwrap());
    let (text, complaints) = printed(style, false, false, &publish(payload));
    if !complaints.is_empty() {
        assert_eq!((text.as_str(), complaints), ("", vec![Complaint::NotJson]));
        return None;
    }
    Some(text.split_once("\"payload\":").unwrap().1.strip_suffix('}').unwrap().to_owned())
}

/// What mosquitto_sub 2.0.11 printed for these payloads, but for the last three, where ours stays valid or whole.
#[test]
fn an_embedded_payload_is_read_and_written_as_cjson_does() {
    for (payload, text) in [
        (
            &b"  {\"a\" : [1, 2.50,{\"b\":null}], \"a\":true, \"e\":{}, \"f\":[]}  "[..],
            r#"{"a":[1,2.5,{"b":null}],"a":true,"e":{},"f":[]}"#,
        ),
        (b"01", "1"),
        (b"1.", "1"),
        (b"1 ", "1"),
        (b"-0", "-0"),
        (b"1e999", "null"),
        (b"12345678901234567890", "1.2345678901234567e+19"),
        (b"\xef\xbb\xbf1", "1"),
        (b"\x01\x022", "2"),
        (b"[[[]]]", "[[[]]]"),
        (b"\"a\\u0041\\ud83d\\ude00\\/\\n\"", "\"aA\u{1f600}/\\n\""),
        (b"\"\x01\x7f/\ttab\"", "\"\\u0001\x7f/\\ttab\""),
        (b"false", "false"),
        (b"\"a\\u0000b\"", "\"a\\u0000b\""),
        (b"\"\xff\"", "\"\u{fffd}\""),
        (b"{\"k\\u0000\":1}", "{\"k\\u0000\":1}"),
    ] {
        assert_eq!(embedded(payload).as_deref(), Some(text), "{}", payload.escape_ascii());
    }
}

#[test]
fn what_is_no_json_is_said_and_prints_nothing() {
    let refused: [&[u8]; 21] = [
        b"{\"a\":1} garbage",
        b"-",
        b"+1",
        b".5",
        b"1e",
        b"\"\\ud800\"",
        b"\"\\udc00\"",
        b"[1,]",
        b"{\"a\":1,}",
        b"nul",
        b"\"open",
        b"\"bad \\x\"",
        b"abc",
        b"{\"a\"}",
        b"{a:1}",
        b"1\0 garbage",
        b"[",
        b"{",
        b"[1",
        b"\"\\u12\"",
        b" ",
    ];
    for payload in refused {
        assert_eq!(embedded(payload), None, "{}", payload.escape_ascii());
    }
    let text = Complaint::NotJson.text("a/topic");
    assert_eq!(text, "Error: Message payload is not valid JSON on topic a/topic.\n");
}

#[test]
fn under_our_own_name_an_embedded_payload_loses_nothing() {
    let format = |payload: &'static [u8], pretty| {
        let style = Style::Format(Format::parse(b"%J", false).unwrap());
        let mut out = Vec::new();
        let message = publish(payload);
        let complaints =
            Printer::new(style, true, pretty).whole().render(message.as_ref(), SystemTime::now(), &mut out);
        (String::from_utf8(out).unwrap(), complaints)
    };
    for (payload, kept) in [
        (&b"1724442618569203714"[..], "1724442618569203714"),
        (b"1e999", "1e999"),
        (b"-0", "-0"),
        (b"1.50", "1.5"),
        (b"01", "1"),
        (b"0.1", "0.1"),
        (b"[ 3.14159265358979323846, {\"a\":1e400} ]", "[3.14159265358979323846,{\"a\":1e400}]"),
    ] {
        let (text, complaints) = format(payload, false);
        assert!(text.ends_with(&format!("\"payload\":{kept}}}\n")) && complaints.is_empty(), "{text}");
    }
    for (payload, string) in [
        (&b"{\"a\":[1,{\"b\":"[..], "{\"a\":[1,{\"b\":"),
        (b"nonsense", "nonsense"),
        (b"[1,]", "[1,]"),
        (b"\x00\x01\"", "\0\x01\""),
    ] {
        for pretty in [false, true] {
            let (text, complaints) = format(payload, pretty);
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!((json["payload"].as_str(), &complaints[..]), (Some(string), &[Complaint::NotJsonButString][..]));
        }
    }
    let deep = Box::leak("[".repeat(5000).into_boxed_str()).as_bytes();
    assert_eq!(format(deep, false).1, [Complaint::NotJsonButString]);
}

#[test]
fn nesting_has_a_limit() {
    let deep = |depth: usize| Box::leak(("[".repeat(depth) + &"]".repeat(depth)).into_boxed_str()).as_bytes();
    assert!(embedded(deep(1000)).is_some());
    assert_eq!(embedded(deep(1001)), None);
    assert_eq!(embedded(deep(1_000_000)), None);
}

#[test]
fn pretty_json_is_laid_out_with_tabs_as_cjson_does() {
    let message = publish(b"{\"n\":{\"m\":[{\"o\":1},{\"p\":{}}],\"q\":[]}}");
    let style = Style::Format(Format::parse(b"%J", true).unwrap());
    let expected = "{\n\t\"tst\":\t\"2026-11-22T18:43:46.001002+0200\",\n\t\"topic\":\t\"a/topic\",\n\t\"qos\":\t0,\n\
        \t\"retain\":\tfalse,\n\t\"payloadlen\":\t37,\n\t\"payload\":\t{\n\t\t\"n\":\t{\n\t\t\t\"m\":\t[{\n\t\t\t\t\t\"o\":\t1\n\t\t\t\t}, \
        {\n\t\t\t\t\t\"p\":\t{\n\t\t\t\t\t}\n\t\t\t\t}],\n\t\t\t\"q\":\t[]\n\t\t}\n\t}\n}\n";
    assert_eq!(printed(style, true, true, &message).0, expected);
}

proptest::proptest! {
    #[test]
    fn no_format_and_no_payload_is_too_strange(format: Vec<u8>, payload: Vec<u8>) {
        if let Ok(format) = Format::parse(&format, true) {
            let message = Publish { payload: payload.into(), ..publish(b"") };
            let mut out = Vec::new();
            Printer::new(Style::Format(format), true, true).render(message.as_ref(), SystemTime::now(), &mut out);
            assert_eq!(out.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn formats_of_the_right_letters_print(format in "(%[-0]?[0-9]{0,2}(\\.[0-9]?)?[-:!]?[ACDdEFfIjJlmPpqRrStUxX]|@[a-zA-Z]|[a-z ]){0,6}", payload: Vec<u8>) {
        let format = Format::parse(format.as_bytes(), true).unwrap();
        let message = Publish { payload: payload.into(), ..with_properties() };
        let mut out = Vec::new();
        Printer::new(Style::Format(format), false, false).render(message.as_ref(), SystemTime::now(), &mut out);
    }

    #[test]
    fn every_payload_is_valid_json_as_a_string(payload: Vec<u8>) {
        let message = Publish { payload: payload.clone().into(), ..publish(b"") };
        let style = Style::Format(Format::parse(b"%j", true).unwrap());
        let (text, _) = printed(style, false, false, &message);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = String::from_utf8_lossy(&payload);
        assert_eq!(json["payload"].as_str().unwrap_or_default(), expected);
    }

    #[test]
    fn embedded_json_keeps_its_value(numbers: Vec<i32>, text: String, flag: bool) {
        let value = serde_json::json!({ "numbers": numbers, "text": text, "nested": [{ text.clone(): flag }, null, {}] });
        for payload in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let message = Publish { payload: payload.into(), ..publish(b"") };
            for pretty in [false, true] {
                let style = Style::Format(Format::parse(b"%J", true).unwrap());
                let (json, complaints) = printed(style, false, pretty, &message);
                assert_eq!(complaints, []);
                let json: serde_json::Value = serde_json::from_str(&json).unwrap();
                assert_eq!(json["payload"], value);
            }
        }
    }
}
