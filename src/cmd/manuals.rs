//! The man page sections of pub, sub and rr that the option table does not hold.

use super::Manual;

const EXIT_CONNACK: (&str, &str) = ("1-5, 128-162", "The broker refused the connection: the code of its CONNACK.");
const EXIT_USAGE: (&str, &str) =
    ("1", "Usage, --help and --version, local input, TLS or login options, no connection at the start.");
const ENVIRONMENT: &[(&str, &str)] = &[
    ("XDG_CONFIG_HOME, HOME", "Where the options file is looked for."),
    ("MQTT_HOST, MQTT_PORT", "Broker, where neither -h, -L nor --unix is given. Not under the mosquitto_* names."),
    ("MOSQUITTO_PASSWORD", "Password, where -u is given without one. Not under the mosquitto_* names."),
    ("SSLKEYLOGFILE", "As --tls-keylog."),
    ("TZ", "Time zone of the times that sub and rr print."),
];

pub const PUB: Manual = Manual {
    exit_status: &[
        (
            "0",
            "Delivered as the QoS asks for, even if the broker acknowledged it with a failure; with -l, at the end of input.",
        ),
        EXIT_USAGE,
        EXIT_CONNACK,
        ("7", "The connection was lost."),
        ("16, 128-153", "With --strict: the reason code of the PUBACK or PUBREC."),
    ],
    environment: ENVIRONMENT,
    files: &[("~/.config/mosquitto_pub", "Options, one on a line, read before the command line.")],
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
        "With -l no line is lost when a fast input ends; lines may hold NUL bytes.",
        "--psk, --tls-engine and --keyform engine are refused: rustls, which does our TLS, has none of them.",
        "--insecure leaves out the comparison of the host name only, whatever else is given; --no-verify leaves out all checks.",
        "--cert and --key are used with the certificates of the operating system too.",
        "A refused connection is told as \"Connection refused\", not as \"Bad file descriptor\".",
        "Why something failed and what to do follows on lines of their own, with a stable id; --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-sub(1)", "moskit-rr(1)", "moskit-check(1)", "mosquitto_pub(1)", "mqtt(7)"],
};

pub const SUB: Manual = Manual {
    exit_status: &[
        ("0", "-C, -E or --retained-only is done, or a signal ended it; also if all subscriptions were denied."),
        EXIT_USAGE,
        EXIT_CONNACK,
        ("27", "-W is over."),
        ("255", "A signal or -W came before the broker had accepted."),
        ("128-162", "With --strict: the reason code of a denied subscription."),
    ],
    environment: ENVIRONMENT,
    files: &[("~/.config/mosquitto_sub", "Options, one on a line, read before the command line.")],
    examples: &[
        ("moskit sub -t 'lab/#' -v", "Print all messages below lab with their topics"),
        ("moskit sub -t 'lab/#' -C 1 -W 5", "Wait for one message, five seconds at most"),
        ("moskit sub -q 1 -c -i desk -t 'lab/#' -E", "Let the broker keep messages for this id from now on"),
    ],
    differences: &[
        "--remove-retained leaves once the last removal is acknowledged; mosquitto_sub 2.1 does not leave.",
        "--random-filter takes a percentage: 100 prints all.",
        "A stream of QoS 0 messages is read every few milliseconds, not message by message; one that comes alone is not delayed.",
        "A field of -F that is longer than its width is not filled; mosquitto_sub adds blanks where it stands on the left.",
        "%j and %J are always valid JSON: NUL is \\u0000 and does not end a string, and what is no UTF-8 is U+FFFD.",
        "All times of a message are those of one moment.",
        "A width or precision above 1048576 is refused.",
        "--cert and --key are used with the certificates of the operating system too.",
        "Why something failed and what to do follows on lines of their own, with a stable id; --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-pub(1)", "moskit-rr(1)", "moskit-qshape(1)", "mosquitto_sub(1)", "mqtt(7)"],
};

pub const RR: Manual = Manual {
    exit_status: &[
        ("0", "The response was printed; also if the subscription was denied."),
        EXIT_USAGE,
        EXIT_CONNACK,
        ("7", "The connection was lost."),
        ("27", "-W is over."),
        ("128-162", "With --strict: the reason code of a denied subscription or a refused request."),
    ],
    environment: ENVIRONMENT,
    files: &[("~/.config/mosquitto_rr", "Options, one on a line, read before the command line.")],
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
        "Before version 5 there are no properties: -D publish is left out, with a warning.",
        "DISCONNECT is sent at the end, so no will is published.",
        "-W ends the program before the broker has accepted, too.",
        "Why something failed and what to do follows on lines of their own, with a stable id; --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-pub(1)", "moskit-sub(1)", "mosquitto_rr(1)", "mqtt(7)"],
};
