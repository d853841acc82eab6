//! moskit-record(5): the record that sub writes and pub reads, for whoever writes a program that does the same.

use roff::{Roff, bold, roman};

pub const NAME: &str = "record";

const FIELDS: &[(&str, &str)] = &[
    ("v", "Version of the record, 1. A later version is refused; a line without it is taken for this one."),
    (
        "ts",
        "When the message was received: RFC 3339 in UTC, with nine digits behind the second. pub --ndjson does not send it.",
    ),
    ("topic", "Topic name, without wildcards."),
    (
        "payload, payload_b64",
        "Payload: the text if it is UTF-8, else base64 (RFC 4648, with padding). A text above 64 MiB is written in base64, too. \
         A line has one of the two.",
    ),
    ("qos", "0, 1 or 2: that of the delivery."),
    ("retain", "true for a message that the broker had retained, or with --retain-as-published as it was published."),
    ("dup", "true if the broker sent it again. pub does not send it."),
    ("mid", "Packet identifier, 1 to 65535; not at QoS 0. pub does not send it."),
    ("properties", "Object of the MQTT 5 properties, below; absent if there are none."),
];

const PROPERTIES: &[(&str, &str)] = &[
    ("payload-format-indicator", "0 or 1."),
    ("message-expiry-interval", "Seconds."),
    ("content-type", "Text."),
    ("response-topic", "Topic name."),
    ("correlation-data, correlation-data_b64", "Text if it is UTF-8, else base64."),
    ("user-property", "List of pairs, [[\"name\",\"value\"],...], in their order. Names may repeat."),
    ("subscription-identifier", "List of whole numbers; a single number is read, too. pub does not send it."),
    ("topic-alias", "Whole number. pub does not send it."),
];

const EXAMPLES: &[(&str, &str)] = &[
    ("moskit sub -t '#' --ndjson | jq -r 'select(.qos > 0) | .topic'", "Topics of the messages above QoS 0"),
    (
        "jq -cn '{topic: \"lab/door\", payload: ({open: true} | tojson), retain: true}' | moskit pub --ndjson",
        "Publish what another program makes",
    ),
    ("moskit sub -t '#' --record plant.ndjson.zst --rotate 1h", "Keep all messages, a file for each hour"),
    (
        "moskit pub --replay plant.000001.ndjson.zst --speed 10x --map plant/=test/",
        "Play an hour in six minutes, below another topic",
    ),
    (
        "moskit sub -h a -V mqttv5 -q 1 -c -i bridge -t 'lab/#' --ndjson | moskit pub -h b -V mqttv5 --ndjson",
        "Copy messages from one broker to another",
    ),
];

/// The page.
pub fn page() -> String {
    let mut roff = Roff::new();
    roff.control("TH", ["MOSKIT-RECORD", "5", "", concat!("moskit ", env!("CARGO_PKG_VERSION")), "moskit"]);
    roff.control("SH", ["NAME"]).text([roman("moskit-record - a message as one line of JSON")]);
    roff.control("SH", ["DESCRIPTION"]).text([roman(
        "moskit sub --ndjson prints each message as a record, and sub --record keeps them in files; moskit pub --ndjson and --replay publish records. A record is \
         a JSON object (RFC 8259, UTF-8) on a line of its own, which ends with a newline:",
    )]);
    let example = r#"{"v":1,"ts":"2026-11-29T21:07:48.123456789Z","topic":"lab/door","payload":"open","qos":1,"retain":false,"dup":false,"mid":7}"#;
    roff.control("PP", [])
        .control("RS", ["4"])
        .control("nf", [])
        .text([bold(example)])
        .control("fi", [])
        .control("RE", []);
    roff.control("SH", ["FIELDS"]);
    rows(&mut roff, FIELDS);
    roff.control("SH", ["PROPERTIES"]).text([roman("Each by the name that -D has for it.")]);
    rows(&mut roff, PROPERTIES);
    roff.control("SH", ["READING"]).text([roman(
        "Fields may come in any order. One that is absent takes the value of pub's options: topic -t, qos -q, retain -r, properties \
         -D publish. The payload has to be there. What a record does not have, a field that comes twice, a value of another type, null, \
         a topic with a wildcard, wrong base64 and a property that a message cannot have are errors: pub names the line, waits \
         until what stood before it is delivered, and ends with 1; nothing after it is published. With --lenient unknown fields are ignored, \
         with --skip-bad bad lines are passed over and counted. \
         A message that the broker said in CONNACK not to take (larger, of a higher QoS, retained) is treated so too, with an exit status that says which. Lines of white space are passed over. A line has at most 512 MiB.",
    )]);
    roff.control("PP", []).text([roman(
        "ts, dup, mid, subscription-identifier and topic-alias belong to the connection on which a message came, and are ignored. \
         Before MQTT 5 a message has no properties: pub says once that it leaves them out.",
    )]);
    roff.control("SH", ["FILES"]).text([roman(
        "sub --record FILE writes records into a new file that only its owner can read, zstd-compressed if the name ends in .zst. A message of QoS 1 or 2 is \
         in the file before it is acknowledged; others are written within a second. A killed sub leaves whole lines: a compressed file is a sequence of \
         frames (RFC 8878), each of whole lines, that zstd -dc reads. With --rotate the name gets a number, lab.ndjson.zst becomes lab.000001.ndjson.zst, and a \
         new run goes on counting. pub --replay FILE reads plain and compressed files. The pauses between the records are those with which they were \
         received; a record without a time is published together with the one before it. With --from or --to records without a time are left out.",
    )]);
    roff.control("SH", ["DELIVERY"]).text([roman(
        "With QoS 1 or 2 at both ends of a pipe nothing is lost while either broker or connection is interrupted, if sub keeps its \
         session (-c -i ID): sub acknowledges what it has written, and pub keeps what is not yet acknowledged. Messages can come twice after an \
         interruption, those of QoS 2 as well, because the two ends are two flows. A pub that is killed loses what the pipe and its window held, which sub has \
         acknowledged already: up to 64 KiB in the pipe, 64 KiB read, and the messages in flight.",
    )]);
    roff.control("SH", ["EXAMPLES"]);
    for (line, what) in EXAMPLES {
        roff.control("PP", []).text([roman(format!("{what}:"))]);
        roff.control("RS", ["4"]).control("nf", []).text([bold(*line)]).control("fi", []).control("RE", []);
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("moskit-pub(1), moskit-sub(1), jq(1)")]);
    roff.to_roff()
}

fn rows(roff: &mut Roff, rows: &[(&str, &str)]) {
    for (tag, meaning) in rows {
        roff.control("TP", []).text([bold(*tag)]).text([roman(*meaning)]);
    }
}
