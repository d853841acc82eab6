//! What sub prints, compared with Debian's mosquitto_sub on the same retained messages.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use moskit::mqtt::packet::{Properties, Property, Publish, QoS};
use moskit::term::format::{Format, Printer, Style};

use crate::mosquitto::{Mosquitto, installed};
use crate::run::run;

/// A retained message in Debian's broker and the same one as we would receive it.
fn retain(port: u16, topic: &'static str, payload: &'static [u8], properties: Properties) -> Publish {
    let mut publish = Command::new(installed("mosquitto_pub").unwrap());
    publish.args(["-p", &port.to_string(), "-V", "5", "-r", "-t", topic, "-s"]);
    for property in &properties {
        let (name, values) = match property {
            Property::ContentType(text) => ("content-type", vec![text.to_string()]),
            Property::ResponseTopic(text) => ("response-topic", vec![text.to_string()]),
            Property::CorrelationData(data) => ("correlation-data", vec![String::from_utf8(data.to_vec()).unwrap()]),
            Property::PayloadFormatIndicator(number) => ("payload-format-indicator", vec![number.to_string()]),
            Property::UserProperty(name, value) => ("user-property", vec![name.to_string(), value.to_string()]),
            other => panic!("{other:?} is not retained as it is"),
        };
        publish.args(["-D", "publish", name]).args(values);
    }
    assert_eq!(run(&mut publish, payload).code, 0);
    Publish {
        dup: false,
        qos: QoS::AtMostOnce,
        retain: true,
        topic: topic.into(),
        packet_id: None,
        properties,
        payload: Bytes::from_static(payload),
    }
}

fn debian_prints(sub: &Path, port: u16, topic: &str, options: &[&str]) -> String {
    let mut sub = Command::new(sub);
    sub.args(["-p", &port.to_string(), "-V", "5", "-t", topic, "-C", "1", "-W", "60"]).args(options);
    run(&mut sub, b"").stdout
}

fn we_print(message: &Publish, style: Style, newline: bool, pretty: bool, now: SystemTime) -> String {
    let mut out = Vec::new();
    Printer::new(style, newline, pretty).render(message.as_ref(), now, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn format(text: &str) -> Style {
    Style::Format(Format::parse(text.as_bytes(), true).unwrap())
}

fn property_rich() -> Properties {
    [
        Property::ContentType("text/x".into()),
        Property::ResponseTopic("r/t".into()),
        Property::CorrelationData(Bytes::from_static(b"c d")),
        Property::PayloadFormatIndicator(1),
        Property::UserProperty("k".into(), "v \"1\"".into()),
        Property::UserProperty("k2".into(), "v 2".into()),
    ]
    .into_iter()
    .collect()
}

/// The formats whose output does not depend on the time, and does not differ between 2.0.11 and 2.1: not the width of
/// hex digits, which cut the payload at half as many bytes then, nor their groups, nor floats, nor zeros before a content
/// type that is not there.
const FORMATS: [&str; 14] = [
    "%t|%.t|%5.t|%.3t|%10.3t|%-10.3t|%010t|%-010t|%-020t|%0t|%-t|%-0t|",
    "%l|%5l|%05l|%-5l|%-05l|%00010l|%-010l|%0l|%-l|",
    "%q|%5q|%05q|%r|%5r|%m|%5m|%05m|%-5m|%%|%5%|",
    "%p|%3p|%.3p|%10p|%-10p|%010p|%-3p|",
    "%x|%X|%.0x|",
    "%C|%10C|%-10C|%.3C|",
    "%R|%8R|%-8R|%.2R|",
    "%F|%5F|%05F|%-5F|%-05F|%E|%5E|%05E|%S|%5S|%-05S|%A|%5A|%-05A|",
    "%D|%5D|%P|%3P|%-3P|",
    "\\a\\e\\n\\r\\t\\v\\\\|\\0|",
    "@@|@%|@ |@E|@O|@Q|@+|@n|@t|@i|",
    "",
    "no field at all",
    "%p%p%t",
];

#[test]
fn formats_print_what_debians_mosquitto_sub_prints() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let sub = installed("mosquitto_sub").unwrap();
    let messages = [
        retain(port, "rich", b"message", property_rich()),
        retain(port, "a/plain", b"two\nlines \xff", Properties::new()),
    ];
    for message in &messages {
        for text in FORMATS {
            let ours = we_print(message, format(text), true, false, SystemTime::now());
            assert_eq!(ours, debian_prints(&sub, port, &message.topic, &["-F", text]), "{text:?} of {}", message.topic);
        }
        for (style, option) in [(Style::Payload, None), (Style::Verbose, Some("-v"))] {
            for newline in [None, Some("-N")] {
                let options: Vec<_> = option.into_iter().chain(newline).collect();
                let ours = we_print(message, style.clone(), newline.is_none(), false, SystemTime::now());
                assert_eq!(ours, debian_prints(&sub, port, &message.topic, &options), "{options:?}");
            }
        }
    }
}

#[test]
fn times_print_what_debians_mosquitto_sub_prints() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let sub = installed("mosquitto_sub").unwrap();
    let message = retain(port, "t", b"x", Properties::new());
    let all = "@s|@a|@A|@b|@B|@c|@C|@d|@D|@e|@F|@g|@G|@h|@H|@I|@j|@k|@l|@m|@M|@p|@P|@r|@R|@S|@T|@u|@U|@V|@w|@W|@x|@X|@y|@Y|@z|@Z|%30I";
    let theirs = debian_prints(&sub, port, "t", &["-F", all]);
    // The second in which it was printed is in the text; `%I` is taken a moment after the others.
    let second: u64 = theirs.split('|').next().unwrap().parse().unwrap();
    let at = |second| we_print(&message, format(all), true, false, UNIX_EPOCH + std::time::Duration::from_secs(second));
    let (ours, next) = (at(second), at(second + 1));
    let without_last = |text: &str| text.rsplit_once('|').unwrap().0.to_owned();
    assert_eq!(without_last(&ours), without_last(&theirs));
    assert!(theirs == ours || theirs.ends_with(next.rsplit_once('|').unwrap().1), "{theirs}");
}

/// The JSON without its time, and with the number that 2.0.11 writes for `retain` in the form of 2.1.
fn comparable(json: &str) -> String {
    let at = json.find("\"topic\"").unwrap_or(0);
    json[at..].replace("\"retain\":1", "\"retain\":true").replace("\"retain\":\t1", "\"retain\":\ttrue")
}

#[test]
fn json_prints_what_debians_mosquitto_sub_prints() {
    let folder = tempfile::tempdir().unwrap();
    let Some((_broker, port)) = Mosquitto::open(folder.path()) else { return };
    let sub = installed("mosquitto_sub").unwrap();
    let payloads: [&[u8]; 12] = [
        b"{\"n\":{\"m\":[{\"o\":1},{\"p\":{}}],\"q\":[]}}",
        b" [1, 2.50, 1e3, -0, 0.1, 1e-7, 12345678901234567890, 1e15, 123456, 1e300, 5e-324] ",
        b"\"a\\u0041\\ud83d\\ude00\\/\\n\\u001f\"",
        b"\"\x01\x7f/\ttab\"",
        b"{\"a\" : true, \"a\":false,\"b\":null}",
        b"\"say \\\"hi\\\" \xc3\xa9\"",
        b"not json",
        b"[1,]",
        b"1 2",
        b"01",
        b"\xef\xbb\xbf[1]",
        b"a\"b\\c\x08\x0c\n\r\t\x01\x1f/\x7f\xc3\xa9",
    ];
    for payload in payloads {
        // 2.0.11 puts all user properties into one object, 2.1 each into its own.
        let mut rich = property_rich();
        rich.retain(|property| !matches!(property, Property::UserProperty(..)));
        for properties in [Properties::new(), rich] {
            let message = retain(port, "j", payload, properties);
            for (text, options) in [("%j", &["-F", "%j"][..]), ("%J", &["-F", "%J"]), ("%J", &["-F", "%J", "--pretty"])]
            {
                let ours = we_print(&message, format(text), true, options.len() == 3, SystemTime::now());
                let theirs = debian_prints(&sub, port, "j", options);
                assert_eq!(comparable(&ours), comparable(&theirs), "{text} of {}", payload.escape_ascii());
            }
        }
    }
}
