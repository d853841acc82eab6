//! The man page sections of pub, sub and rr that the option table does not hold.

use crate::cmd::applet::{Manual, Section};
use crate::cmd::connect::properties;

const EXIT_CONNACK: (&str, &str) = ("1-5, 128-162", "The broker refused the connection: the code of its CONNACK.");
const EXIT_USAGE: (&str, &str) =
    ("1", "Usage, --help and --version, local input, TLS or login options, no connection at the start.");
const EXIT_BROKEN: (&str, &str) = (
    "2, 21, 22, 25",
    "The broker broke the protocol: a packet out of place, a malformed one, a property twice, a packet larger than announced.",
);
const EXIT_WAY: (&str, &str) = (
    "3, 4, 11, 13, 14, 16",
    "The way to the broker: what the proxy answered (3, 4, 11, 16), AUTH from the broker (11), no WebSocket (13), TLS that failed on a standing connection (14).",
);
const EXIT_UNSENT: (&str, &str) = (
    "10, 22, 24, 25",
    "With rr and pub -l: what is to be sent cannot be, for the version, a property given twice, its QoS or its size.",
);
const EXIT_KEEPALIVE: (&str, &str) = ("19", "The broker did not answer within the keep-alive time.");
const PROXY_AND_WEBSOCKETS: &str = "--proxy and --ws work together, and CONNECT carries its properties (-x, -D) through both; \
     %40 in the proxy's login is @.";
const TLS_OPTIONS: &str = "--tls-version takes its value in any case, --tls-keylog works with the certificates of the operating \
     system too, a --capath that does not exist is an error.";
const PRE_SHARED_KEY: &str = "--psk works in a build with the cargo feature psk, by OpenSSL, and is refused in others; --tls-engine and \
     --keyform engine are refused: rustls, which does our TLS, has none of them.";
const NONSENSE: &str = "AUTH of a broker ends it at once, with 11; a CONNACK or SUBACK with a byte too many is taken, and \
     DISCONNECT is not sent to a broker that has refused the connection.";
const QOS_2: &str = "A message with QoS 2 is shown when it comes, before PUBREC instead of after PUBREL, so that its line stands there among \
     those of -d; at the end, PUBRELs of what was shown are waited for, five seconds at most. mosquitto_sub loses messages it has acknowledged and not shown.";
const DEBUG_LINES: &str = "The lines of -d are never cut, and OpenSSL's own are not among them.";
const ENVIRONMENT: &[(&str, &str)] = &[
    ("XDG_CONFIG_HOME, HOME", "Where the options file is looked for."),
    ("MQTT_HOST, MQTT_PORT", "Broker, where neither -h, -L nor --unix is given. Not under the mosquitto_* names."),
    (
        "MQTT_CAFILE, MQTT_USERNAME, MQTT_PASSWORD",
        "With MQTT_HOST: the CA to trust, which switches TLS on, and the login, as moskit broker --tls --login --run sets them; \
         not where options say otherwise. Not under the mosquitto_* names.",
    ),
    ("MOSQUITTO_PASSWORD", "Password, where -u is given without one. Not under the mosquitto_* names."),
    ("SSLKEYLOGFILE", "As --tls-keylog."),
    ("SSL_CERT_FILE, SSL_CERT_DIR", "The certificates of the operating system, for --tls-use-os-certs and mqtts://."),
    ("TZ", "Time zone of the times that sub and rr print."),
];

/// `-D`
fn properties_section() -> Section {
    Section {
        title: "PROPERTIES",
        text: "What -D takes: each property with its value and the commands, which are the packets that carry it.",
        rows: properties::known_properties(),
    }
}

/// `-F`
fn format_section() -> Section {
    let rows = FORMAT.iter().map(|(tag, meaning)| ((*tag).to_owned(), (*meaning).to_owned()));
    Section {
        title: "OUTPUT FORMAT",
        text: "A format of -F is text with fields in it. Between % and the letter of a field may stand - (to the left) or 0 \
               (numbers with zeros in front), a width, and a precision behind a dot. What a message does not have, prints \
               nothing but its width in blanks. Properties are those of MQTT 5.",
        rows: rows.collect(),
    }
}

const FORMAT: &[(&str, &str)] = &[
    ("%t", "Topic."),
    ("%p", "Payload. A width is the most bytes of it, too."),
    (
        "%x, %X",
        "Payload in hex digits, in small letters or capitals. A width is the most bytes of it, too; the precision is the \
         number of digits in a group, and a punctuation mark before the letter stands between groups in place of a blank.",
    ),
    ("%f, %d", "Payload of 4 or 8 bytes, as the float or double of this machine; the precision is the decimals."),
    ("%l", "Length of the payload in bytes."),
    ("%j", "The message as JSON, the payload as a string."),
    ("%J", "The message as JSON, with the payload, which is JSON, in it."),
    ("%q", "QoS."),
    ("%r", "1 for a retained message, else 0."),
    ("%m", "Packet id; 0 at QoS 0."),
    ("%I", "When it came, in local time: 2026-11-22T18:00:00+0100."),
    ("%U", "When it came, in seconds since 1970, with nanoseconds."),
    ("%A", "Topic alias."),
    ("%C", "Content type."),
    ("%D", "Correlation data."),
    ("%E", "Message expiry interval."),
    ("%F", "Payload format indicator."),
    ("%P", "User properties, each as name:value."),
    ("%R", "Response topic."),
    ("%S", "Subscription identifier."),
    ("%%", "A percent sign."),
    ("@X", "When it came, in local time, where X is a letter of strftime(3): @Y-@m-@d @H:@M:@S."),
    ("@N", "The nanoseconds of that time."),
    ("@@", "An at sign."),
    ("\\\\, \\0, \\a, \\e, \\n, \\r, \\t, \\v", "Backslash, NUL, bell, escape, newline, return, tab, vertical tab."),
];

pub const PUB: Manual = Manual {
    sections: || vec![properties_section()],
    exit_status: &[
        (
            "0",
            "Delivered as the QoS asks for, even if the broker acknowledged it with a failure; with -l, at the end of input.",
        ),
        EXIT_USAGE,
        EXIT_CONNACK,
        EXIT_BROKEN,
        EXIT_WAY,
        EXIT_UNSENT,
        (
            "4",
            "The broker said DISCONNECT (MQTT 5; not with -l, which connects again). With -l: the broker accepted five connections in a row and ended them before it \
             acknowledged anything, or the input has ended and the connection could not be made again for 30 seconds; under the name mosquitto_pub \
             at the first attempt that fails.",
        ),
        ("7", "The connection was lost, or the message cannot be sent to this broker."),
        EXIT_KEEPALIVE,
        (
            "27",
            "No acknowledgement came for one and a half keep-alive times (-k; 90 seconds where nothing is said). mosquitto_pub waits without an end.",
        ),
        ("16, 128-153", "With --strict: the reason code of the PUBACK or PUBREC."),
    ],
    environment: ENVIRONMENT,
    files: &[(
        "~/.config/mosquitto_pub",
        "Options, one on a line with its value behind one space, read before the command line; -o FILE names another.",
    )],
    examples: &[
        ("moskit pub -t lab/door -m open", "Publish a message"),
        (
            "seq 10 | moskit pub -t lab/count -q 1 -l",
            "Publish each line of the input, and wait for the acknowledgements",
        ),
        ("moskit pub -t lab/door -r -n", "Delete a retained message"),
    ],
    differences: &[
        "DISCONNECT is always sent before the connection is closed, so no will is published.",
        "A message that comes for this client id, from a session that -c goes on with, is not acknowledged: nobody would see it.",
        "With -l no line is lost when a fast input ends; lines may hold NUL bytes.",
        "-l connects again after the broker's DISCONNECT and after a lost connection, but not to what has only ever answered with broken packets.",
        "Properties that cannot be sent, and a message larger than MQTT or the broker takes, are told with their reason.",
        "-f tells that a folder or a pipe is no file in a line of its own.",
        PROXY_AND_WEBSOCKETS,
        TLS_OPTIONS,
        PRE_SHARED_KEY,
        DEBUG_LINES,
        NONSENSE,
        "--insecure leaves out the comparison of the host name only, whatever else is given; --no-verify leaves out all checks.",
        "--cert and --key are used with the certificates of the operating system too.",
        "A refused connection is told as \"Connection refused\", not as \"Bad file descriptor\".",
        "Why something failed and what to do follows on lines of their own, with a stable id; --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-sub(1)", "moskit-rr(1)", "moskit-check(1)", "moskit-record(5)", "mosquitto_pub(1)", "mqtt(7)"],
};

pub const SUB: Manual = Manual {
    sections: || vec![format_section(), properties_section()],
    exit_status: &[
        ("0", "-C, -E or --retained-only is done, or a signal ended it; also if all subscriptions were denied."),
        EXIT_USAGE,
        EXIT_CONNACK,
        EXIT_BROKEN,
        EXIT_WAY,
        (
            "4",
            "The broker accepted five connections in a row and ended them before a message came. mosquitto_sub tries without an end.",
        ),
        ("27", "-W is over."),
        ("255", "A signal or -W came before the broker had accepted."),
        ("128-162", "With --strict: the reason code of a denied subscription."),
    ],
    environment: ENVIRONMENT,
    files: &[(
        "~/.config/mosquitto_sub",
        "Options, one on a line with its value behind one space, read before the command line; -o FILE names another.",
    )],
    examples: &[
        ("moskit sub -t 'lab/#' -v", "Print all messages below lab with their topics"),
        ("moskit sub -t 'lab/#' -C 1 -W 5", "Wait for one message, five seconds at most"),
        ("moskit sub -q 1 -c -i desk -t 'lab/#' -E", "Let the broker keep messages for this id from now on"),
    ],
    differences: &[
        QOS_2,
        "--retained-only without -c subscribes at QoS 0, passes live messages over and leaves by itself. Nothing in MQTT says that all retained messages have come: the broker is asked to unsubscribe from a filter that nobody subscribed to, twice, and nothing may come for 0.3 s between. It ends with 27 and says that it is not known if an answer takes 10 s. With -c, and under the mosquitto_* names, it leaves at the first live message.",
        "On a terminal control characters of messages are escaped, but newline and tab, unless --raw is given. Not under the mosquitto_* names.",
        "What cannot be written is not acknowledged: it stays with the broker. A message that comes after the last of -C or ends --retained-only stays there too.",
        "--remove-retained leaves once the last removal is acknowledged; mosquitto_sub 2.1 does not leave.",
        "--random-filter takes a percentage: 100 prints all.",
        "A connection that is lost is made again each second, as mosquitto_sub does; signals and -W end it while it connects, too.",
        "A SUBSCRIBE or UNSUBSCRIBE that cannot be sent, with properties before version 5, is told.",
        "A topic alias of the broker is understood, if -D connect topic-alias-maximum allows it.",
        PROXY_AND_WEBSOCKETS,
        TLS_OPTIONS,
        PRE_SHARED_KEY,
        "--insecure leaves out the comparison of the host name only, whatever else is given; --no-verify leaves out all checks.",
        "A refused connection is told as \"Connection refused\", not as \"Bad file descriptor\".",
        "--message-rate prints each line at once, also into a pipe.",
        DEBUG_LINES,
        NONSENSE,
        "A stream of QoS 0 messages is read every few milliseconds, not message by message; one that comes alone is not delayed.",
        "A field of -F that is longer than its width is not filled; mosquitto_sub adds blanks where it stands on the left.",
        "%j and %J are always valid JSON: NUL is \\u0000 and does not end a string, and what is no UTF-8 is U+FFFD.",
        "All times of a message are those of one moment.",
        "A width or precision above 1048576 is refused.",
        "--cert and --key are used with the certificates of the operating system too.",
        "Why something failed and what to do follows on lines of their own, with a stable id; --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-pub(1)", "moskit-rr(1)", "moskit-qshape(1)", "moskit-record(5)", "mosquitto_sub(1)", "mqtt(7)"],
};

pub const RR: Manual = Manual {
    sections: || vec![format_section(), properties_section()],
    exit_status: &[
        (
            "0",
            "The response was printed. As mosquitto_rr also if the subscription was denied or the broker said DISCONNECT.",
        ),
        EXIT_USAGE,
        EXIT_CONNACK,
        EXIT_BROKEN,
        EXIT_WAY,
        EXIT_UNSENT,
        ("4", "The broker said DISCONNECT before the response (MQTT 5)."),
        ("7", "The connection was lost."),
        EXIT_KEEPALIVE,
        ("27", "-W is over."),
        (
            "128-162",
            "The reason code of a denied subscription or a refused request, after which no response comes. As mosquitto_rr only with --strict.",
        ),
    ],
    environment: ENVIRONMENT,
    files: &[(
        "~/.config/mosquitto_rr",
        "Options, one on a line with its value behind one space, read before the command line; -o FILE names another.",
    )],
    examples: &[
        ("moskit rr -t device/ping -e device/pong -m now -W 5", "Ask, and wait five seconds for the answer"),
        ("moskit rr -t device/ping -e device/pong -m now --latency", "Measure how long the answer takes"),
        (
            "moskit rr -t device/state -e device/answer -n -F '%J'",
            "Print the answer with all that came with it, as JSON",
        ),
    ],
    differences: &[
        "A field of -F that is longer than its width is not filled; mosquitto_sub adds blanks where it stands on the left.",
        "%j and %J are always valid JSON: NUL is \\u0000 and does not end a string, and what is no UTF-8 is U+FFFD.",
        "All times of a message are those of one moment.",
        "A width or precision above 1048576 is refused.",
        QOS_2,
        "Before version 5 there are no properties: -D publish is left out, with a warning.",
        "DISCONNECT is sent at the end, so no will is published.",
        "-W ends the program before the broker has accepted, too.",
        PROXY_AND_WEBSOCKETS,
        TLS_OPTIONS,
        PRE_SHARED_KEY,
        "--insecure leaves out the comparison of the host name only, whatever else is given; --no-verify leaves out all checks.",
        "--cert and --key are used with the certificates of the operating system too.",
        "A refused connection is told as \"Connection refused\", not as \"Bad file descriptor\".",
        DEBUG_LINES,
        NONSENSE,
        "Why something failed and what to do follows on lines of their own, with a stable id; --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-pub(1)", "moskit-sub(1)", "mosquitto_rr(1)", "mqtt(7)"],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::format::Format;

    #[test]
    fn the_manual_has_every_field_of_a_format_and_no_other() {
        let explained = |field: &str| FORMAT.iter().any(|(tags, _)| tags.split(", ").any(|tag| tag == field));
        for letter in (b'!'..=b'~').map(char::from).filter(|c| c.is_ascii_alphabetic() || "%@\\0".contains(*c)) {
            for field in [format!("%{letter}"), format!("\\{letter}")] {
                assert_eq!(explained(&field), Format::parse(field.as_bytes()).is_ok(), "{field}");
            }
        }
    }
}
