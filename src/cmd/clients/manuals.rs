//! The man page sections of pub, sub and rr that the option table does not hold.

use crate::cmd::applet::{Manual, Section};
use crate::cmd::connect::{environment, properties};

/// Exit codes that several of the three have, one row a code. Numbers up to 27 are those of libmosquitto, from 128 on those
/// of MQTT; a CONNACK before MQTT 5 has codes from 1 to 5, which mean what their rows say last.
const EXIT_1: (&str, &str) = (
    "1",
    "Usage; input or a file on this side; login or TLS options; the first connection failed; --help and --version under the \
     mosquitto_* names. Or CONNACK 1: the broker refuses this version of MQTT.",
);
const EXIT_2: (&str, &str) =
    ("2", "The broker sent a packet that breaks the protocol. Or CONNACK 2: it refuses the client id.");
const EXIT_3: (&str, &str) =
    ("3", "The proxy failed with a code of its own. Or CONNACK 3: the broker is not available.");
const EXIT_5: (&str, &str) = ("5", "CONNACK 5: the login has no right to connect.");
const EXIT_7: (&str, &str) = ("7", "The connection was lost.");
const EXIT_11: (&str, &str) = (
    "11",
    "The broker does not prove that it knows the user's password (--auth-method), or refuses a login that was begun again (--reauth), or it asks for AUTH where nothing was said of it; SCRAM cannot carry the login; or the proxy does not allow the connection.",
);
const EXIT_13: (&str, &str) = ("13", "What answers does not speak WebSockets (--ws).");
const EXIT_14: (&str, &str) = ("14", "TLS failed after the first connection.");
const EXIT_16: (&str, &str) = ("16", "The proxy failed, or refused the login.");
const EXIT_19: (&str, &str) = ("19", "The broker did not answer PINGREQ within the keep-alive time (-k).");
const EXIT_21: (&str, &str) = ("21", "The broker sent a malformed packet.");
const EXIT_TAKEN_OVER: (&str, &str) = (
    "142",
    "Another client uses the same client id, and the two throw each other out: the broker said so (DISCONNECT with reason code 142) three \
     times in a row, or closed five connections in a row within ten seconds while nothing was left to answer. mosquitto_sub and \
     mosquitto_pub try on.",
);
const EXIT_REASON: (&str, &str) =
    ("6, 8-9, 128-255", "The reason code with which the broker refused the connection (CONNACK).");
const OPTIONS_FILE: &str = "Options, one on a line with its value behind one space. They are read before the command line. \
     -o FILE names another file, which must exist; under the mosquitto_* names a missing file is ignored.";
const NOT_IN_TLS: &str = "--cert and --key without --cafile, --capath or --tls-use-os-certs are an error, because the connection would be in \
     clear. Under the mosquitto_* names they have no effect, with a warning; mosquitto_pub gives none.";
const WITHOUT_EFFECT: &str =
    "Options that have no effect beside the others get a warning. Not under the mosquitto_* names.";
const VERSION_OF_PROPERTIES: &str = "As in Mosquitto, -D and -x switch to MQTT 5, and the last of -V, -D and -x counts: after -V 311, -D \
     is sent with MQTT 5, without a warning.";
const PROXY_AND_WEBSOCKETS: &str = "--proxy and --ws work together, and CONNECT carries its properties (-x, -D) through both; \
     %40 in the proxy's login is @; HTTP proxies and those of the environment are for moskit's own name. As in Mosquitto, what follows the host in -L is the topic, in ws:// and wss:// too, and the path that a \
     WebSocket is asked for at is /mqtt; --ws-path names another one.";
const ADDRESSES: &str = "Several hosts, -h a,b or -h given again, are tried in turn, 16 at most, until one can be reached; TLS verifies the name that \
     was typed for it. A host that takes nobody for now is passed over, and the next is asked at once: CONNACK 3, and the reason codes 136, 137, 151 \
     and 159, and 156 and 157, which send to another server. After a DISCONNECT with 156 or 157 the next connection is made with another host, too. A login, a client id or a version that one refuses is not tried on the next. Of a host with several addresses the next is tried beside one that is silent for 250 ms. Under the mosquitto_* names there is one \
     host, and its addresses are tried one after the other.";
const TLS_OPTIONS: &str = "--tls-version takes its value in any case, --tls-keylog works with the certificates of the operating \
     system too, a --capath that does not exist is an error.";
const TLS_VERSIONS: &str = "TLS 1.3, and TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305: no TLS 1.0 and 1.1, no other key exchange, \
     no CBC; --ciphers chooses among these. A broker that has nothing of them cannot be reached.";
const PRE_SHARED_KEY: &str = "--psk works in a build with the cargo feature psk, by OpenSSL, and is refused in others; --tls-engine and \
     --keyform engine are refused: rustls, which does our TLS, has none of them.";
const NONSENSE: &str = "AUTH of a broker, without --auth-method, ends it at once, with 11; a CONNACK or SUBACK with a byte too many is taken, and \
     DISCONNECT is not sent to a broker that has refused the connection.";
const QOS_2: &str = "A message with QoS 2 is shown when it comes, before PUBREC instead of after PUBREL, so that its line stands there among \
     those of -d; at the end, PUBRELs of what was shown are waited for, five seconds at most. mosquitto_sub loses messages it has acknowledged and not shown.";
const DEBUG_LINES: &str = "The lines of -d are never cut, and OpenSSL's own are not among them. Under moskit's own name a client \
     without an id is called that in them, and not `null`.";
const ENVIRONMENT: &[&[(&str, &str)]] = &[
    environment::MANUAL,
    &[
        ("XDG_CONFIG_HOME, HOME", "The folder of the options file: $XDG_CONFIG_HOME, else $HOME/.config."),
        ("TZ", "The time zone of the times that sub and rr print."),
    ],
];

/// What is waited for, and what follows when it does not come.
fn waits_section() -> Section {
    let rows = WAITS.iter().map(|(what, meaning)| ((*what).to_owned(), (*meaning).to_owned()));
    Section {
        title: "WAITING",
        text: "How long is waited for what, and what follows then: the first line on standard error, and the exit code. A cause and a hint \
               follow on lines of their own. The mosquitto_* names have the bounds of Mosquitto only, unless an option gives one.",
        rows: rows.collect(),
    }
}

const WAITS: &[(&str, &str)] = &[
    (
        "an address, a proxy, TLS, a WebSocket",
        "30 seconds each, or --connect-timeout where that is given. \"Error: Connection timed out\" and 1 for an \
         address, \"Unable to connect (A TLS error occurred).\" and 1 for TLS, \"Error: Unknown error\" and 13 for a WebSocket, \"Error: Proxy \
         error\" and 16 for a proxy.",
    ),
    (
        "all of connecting",
        "120 seconds, or --connect-timeout: name lookup, proxy, TLS and WebSocket included. \"Error: Connection timed out\" and 1. Of several hosts \
         each has an equal share of the time that is left.",
    ),
    (
        "the answer to CONNECT",
        "One and a half keep-alive times, or --answer-timeout. \"Error: Timeout\" and 27. Under the mosquitto_* names one keep-alive time, \
         \"Error: Keepalive exceeded\" and 19.",
    ),
    (
        "PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK",
        "As for CONNECT; each acknowledgement gives the others the whole time again. \"Error: Timeout\" and 27. Under the mosquitto_* names \
         without an end.",
    ),
    (
        "the answer to PINGREQ, and the rest of a packet that has begun",
        "One keep-alive time after the PINGREQ, which goes out after one. \"Error: Keepalive exceeded\" and 19; sub, and pub with lines or \
         records, connect again.",
    ),
    ("a message, a response", "Without an end, or -W. \"Timed out\" and 27."),
    ("everything", "-W. \"Timed out\" and 27."),
];

/// `--oauth-token-url`
fn tokens_section() -> Section {
    let rows = TOKENS.iter().map(|(what, meaning)| ((*what).to_owned(), (*meaning).to_owned()));
    Section {
        title: "TOKENS",
        text: "What --oauth-token-url does. Whatever the token is, a JWT or a word that only its server understands, it becomes the password. \
               Neither it nor the client's secret is shown anywhere. Not under the mosquitto_* names.",
        rows: rows.collect(),
    }
}

const TOKENS: &[(&str, &str)] = &[
    (
        "the request",
        "One POST with grant_type=client_credentials, --oauth-scope and --oauth-audience; client id and secret as HTTP Basic, or as fields with \
         --oauth-client-auth post. By TLS with the CAs of the operating system or --oauth-cafile; the TLS options are for the broker alone. \
         Redirects are not followed. It may take 30 seconds, or as long as --connect-timeout; an answer has at most 256 KiB.",
    ),
    (
        "the user name",
        "That of -u. MQTT 5 needs none; before it there is no password without one. RabbitMQ passes over it; moskit's broker takes none or the one \
         that the token names; others compare it as they are configured.",
    ),
    (
        "renewal",
        "No token is for two connections that the broker accepts. sub, and pub with lines or records, ask for the next \
         one when a tenth of the lifetime is left (one second at least, a minute at most), wait up to five seconds for acknowledgements, send DISCONNECT and connect \
         again. With a session that the broker keeps (-c, -x) nothing of QoS 1 and 2 is lost; otherwise sub does not get what is published \
         in this moment. Retained messages come again, as after each connection. The lifetime is expires_in of the answer, else exp of the token; without both it is not renewed. rr, and pub of one message (also with --repeat), have one token for their one connection: it has to live as long as they do, because a broker may end the connection with the token. MQTT knows no other password on a connection that there is, so --reauth is for SCRAM.",
    ),
    (
        "no token",
        "The first time, pub, sub and rr end with 1; pub --retry tries again what can pass. Later the token that there is goes on to be used, with a warning; \
         after a lost connection the endpoint is asked again as the broker is tried again, unless it refuses.",
    ),
    (
        "the secret",
        "FILE is read again for each token, so that a new secret holds from the next one on; a pipe is read once.",
    ),
];

/// What is tried again and kept.
fn retry_section() -> Section {
    let rows = RETRIES.iter().map(|(what, meaning)| ((*what).to_owned(), (*meaning).to_owned()));
    Section {
        title: "TRYING AGAIN",
        text: "What --retry does with messages that were not acknowledged.",
        rows: rows.collect(),
    }
}

const RETRIES: &[(&str, &str)] = &[
    (
        "tried again",
        "A name that is not found, an address that is not reached, a proxy that cannot reach the broker, a handshake that is not answered, a \
         lost connection, an answer that does not come, CONNACK 3, and the reason codes 136, 137, 139, 141, 150, 151, 159 and 160. The last \
         attempt ends as it would without --retry.",
    ),
    (
        "not tried again",
        "A refused login, client id or version, a wrong certificate, a message that the broker refuses or does not take, and a peer that \
         speaks another protocol.",
    ),
    (
        "what may come twice",
        "A message of QoS 1 or 2 that was sent and not acknowledged. The same session sends it again with DUP, so that QoS 2 comes once: \
         -i ID and -c. A message of QoS 0 is sent again only if it was not written whole.",
    ),
];

/// `--unsent`, end by end.
fn unsent_section() -> Section {
    let rows = UNSENT.iter().map(|(what, meaning)| ((*what).to_owned(), (*meaning).to_owned()));
    Section {
        title: "UNSENT MESSAGES",
        text: "What is in FILE of --unsent FILE after each end of pub, as records in the order of the input, which --ndjson publishes. FILE must not \
               be there yet, unless it is empty.",
        rows: rows.collect(),
    }
}

const UNSENT: &[(&str, &str)] = &[
    ("everything is sent and acknowledged", "There is no FILE."),
    (
        "no connection, or it is lost and not made again; no answer; -W; SIGHUP, SIGINT, SIGTERM",
        "The messages of QoS 1 and 2 whose acknowledgement has not come, and what of the input was not published, until it ends or pauses for a \
         second. Where the input goes on, it is waited for 10 s altogether, and 1 GiB of records is kept; standard error says after which \
         line it was not read. Those that were sent come first and may come twice; standard error has their number.",
    ),
    (
        "a message that the broker does not take: its QoS, its size",
        "The same, and that message in its place; also where only the broker of a later connection does not take it.",
    ),
    (
        "a line that is no message",
        "What follows the line. The line itself is not kept, nor are others of that kind behind it; standard error has their numbers. With \
         --skip-bad nothing is kept of them.",
    ),
    ("a file of --replay that cannot be read", "The files that follow it."),
    (
        "the broker refuses a message (PUBACK, PUBREC)",
        "Not that message: it was answered, with a warning, and with --strict by the exit code.",
    ),
    (
        "QoS 0",
        "Messages that were not handed to a connection, and one of -m that --retry would send again. Others are not kept, because nobody \
         acknowledges them; where they may not have arrived, standard error and the exit code say so.",
    ),
    ("the input pauses within a line", "Not that line: its end has not come."),
    (
        "FILE cannot be written",
        "As much as there was room for; standard error says that messages are lost, and the exit code is not 0.",
    ),
    ("SIGKILL, power failure", "Nothing, or whole lines if it comes while they are written."),
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
        text: "-F takes text with fields in it. Between % and the letter of a field may stand - (align to the left) or 0 (fill a \
               number with zeros), a width, and a precision behind a dot. %D, %j, %J, %P, %q, %r and %% ignore all of them. A field that \
               the message does not have prints blanks, as many as its width. Properties need MQTT 5.",
        rows: rows.collect(),
    }
}

const FORMAT: &[(&str, &str)] = &[
    ("%t", "Topic."),
    ("%p", "Payload. The width also limits the output to that many bytes."),
    (
        "%x, %X",
        "Payload in hex digits, in small letters or capitals. The width also limits the output to that many bytes of the \
         payload. The precision is the number of digits in a group. A punctuation mark in front of the letter separates the \
         groups in place of a blank.",
    ),
    (
        "%b",
        "Payload in base64 (RFC 4648, with padding). The width also limits the output to that many bytes. Not under the mosquitto_* names.",
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

/// What payloads are decoded from, and encoded into.
fn formats_section(is_decoding: bool) -> Section {
    let text = if is_decoding {
        "What --decode takes, by itself or with =FILTER for the topics that match. Nothing is guessed: a payload that is not in its \
         format is printed as it is, and standard error has the reason, once for each topic. In a pipe decoded JSON is one line, \
         unless --pretty is given; on a terminal it has a line for each member, in colours unless NO_COLOR is set. Payloads above 4 MiB \
         are not decoded. --record keeps payloads as they came."
    } else {
        "What --encode makes of a payload that is typed as JSON. What a format cannot hold is an error, and nothing is sent."
    };
    let rows = FORMATS.iter().map(|(tag, decoded, encoded)| {
        let meaning = if is_decoding { decoded } else { encoded };
        ((*tag).to_owned(), (*meaning).to_owned())
    });
    Section { title: "PAYLOAD FORMATS", text, rows: rows.collect() }
}

/// Name, what is read from it, and what is written into it.
const FORMATS: &[(&str, &str, &str)] = &[
    ("json", "JSON (RFC 8259), laid out; its numbers stay as they are written.", "The JSON on one line."),
    (
        "cbor",
        "CBOR (RFC 8949). Bytes become base64url without padding, big numbers their digits, tags are left out, undefined is null.",
        "CBOR.",
    ),
    ("msgpack", "MessagePack. Bytes, and what an extension holds, become base64.", "MessagePack."),
    (
        "protobuf:TYPE",
        "The message TYPE, by its full name, of the descriptor set that --proto names (or .proto file, in a build with the cargo feature proto), in the JSON mapping of Protocol Buffers. \
         A payload in which no field of TYPE is, but other fields are, is none.",
        "The message TYPE of --proto, from the JSON mapping of Protocol Buffers. A field that TYPE does not have is an error.",
    ),
    (
        "sparkplug",
        "Sparkplug B, below spBv1.0/ only. A metric that is sent by its alias gets its name and data type from the last birth of its edge node, \
         if that came while sub was running. STATE messages are JSON.",
        "A Sparkplug B payload, from JSON as --decode prints it; a metric needs its datatype. Data sets, templates, properties and metadata cannot be written.",
    ),
    (
        "hex",
        "Any bytes as hexadecimal digits, with what of them is ASCII beside them, sixteen on a line.",
        "Bytes from hexadecimal digits.",
    ),
];

/// `--exec`
fn exec_section() -> Section {
    let rows = EXEC.iter().map(|(tag, meaning)| ((*tag).to_owned(), (*meaning).to_owned()));
    Section {
        title: "COMMANDS",
        text: "With --exec COMMAND, all words that follow are the command and its arguments; no shell reads them. It is run for each message, and gets \
               the payload on its standard input; it need not read it. Its output goes where that of sub goes: with --jobs lines of several commands may \
               mix. Nothing that was received becomes an argument, the name of a variable or text for a shell. A message is acknowledged when its command has \
               ended well, in the order in which the messages came; commands of one topic run one after the other. At the end standard error has a count.",
        rows: rows.collect(),
    }
}

const EXEC: &[(&str, &str)] = &[
    ("MQTT_TOPIC", "Topic of the message."),
    ("MQTT_QOS", "0, 1 or 2."),
    ("MQTT_RETAIN", "1 for a retained message, else 0."),
    (
        "MQTT_PROPERTIES",
        "The MQTT 5 properties as a JSON object, as moskit-record(5) has them; {} if there are none. At most 32 KiB: what does not fit is left out, \
         and left-out counts it. MQTT_PASSWORD and MOSQUITTO_PASSWORD are taken out of the environment.",
    ),
    (
        "--exec-fail stop",
        "A command that ends with another code than 0, by a signal or too late ends sub with 1; what runs beside it comes to its end. Its message is not \
         acknowledged, and neither are those that came after it: with -c and QoS 1 or 2 the broker sends them again, next time.",
    ),
    (
        "--exec-fail go",
        "The message is acknowledged. The first five failures are reported, all are counted; the exit code is 1 if there were any. A command that cannot be \
         started ends sub even so.",
    ),
    (
        "Twice",
        "A message may be run twice: with QoS 1 when the connection is lost before the broker has the acknowledgement; with QoS 1 and 2 when sub is \
         killed, or ends while an earlier command fails. After a lost connection a message that has run, or is running, is not run again if the broker \
         has kept the session.",
    ),
    (
        "In hand",
        "sub holds as many messages as its Receive Maximum (-D connect receive-maximum; 20, or as many as --jobs), and 32 MiB of them; then \
         it reads no more, and the broker waits. The connection is kept alive meanwhile.",
    ),
    (
        "The end",
        "At SIGINT, SIGTERM and -W no command is begun, and those that run have five seconds; what ended in time is acknowledged. Then, or at a second \
         signal, they get SIGTERM, and a second later SIGKILL, with all that they have started: each runs in a process group of its own.",
    ),
];

pub const PUB: Manual = Manual {
    description: &[
        "moskit pub publishes messages to an MQTT broker and waits until the broker has acknowledged them as their QoS asks for. It \
         takes the place of mosquitto_pub 2.1, with the same options, output and exit codes, also under that name.",
        "Three usual calls: -t TOPIC -m TEXT publishes one message; -t TOPIC -l publishes each line of standard input; \
         --replay FILE publishes what moskit sub --record has kept.",
    ],
    sections: || {
        vec![
            waits_section(),
            retry_section(),
            unsent_section(),
            tokens_section(),
            formats_section(false),
            properties_section(),
        ]
    },
    exit_status: &[
        (
            "0",
            "Every message is delivered as its QoS asks for, even if the broker acknowledged one with a failure; with -l, at the end of \
             the input. Also --help and --version of moskit pub.",
        ),
        EXIT_1,
        EXIT_2,
        EXIT_3,
        (
            "4",
            "The broker sent DISCONNECT (MQTT 5; with -l pub connects again). With -l: the broker accepted five connections in a row and \
             ended them before it acknowledged anything, --reconnect-max is used up, or the input has ended and no connection could be \
             made for 30 seconds (under the name mosquitto_pub: at the first attempt that fails). The proxy cannot reach the broker. Or CONNACK 4: wrong user name or \
             password.",
        ),
        EXIT_5,
        (
            "7",
            "The connection was lost, or the message cannot be sent to this broker. At QoS 0, where nobody acknowledges: the connection ended before the broker had read all, which pub asks by PINGREQ before it ends, so that some may not have arrived (mosquitto_pub does not ask).",
        ),
        ("10", "With -l: -D gives properties, and this version of MQTT has none."),
        EXIT_11,
        EXIT_13,
        EXIT_14,
        (
            "16",
            "The proxy failed, or refused the login. With --strict=subscribers: nobody is subscribed to the topic of a message.",
        ),
        EXIT_19,
        EXIT_21,
        ("22", "A property stands twice in a packet of the broker or, with -l, in -D."),
        ("24", "With -l, --ndjson or --replay: the broker does not take messages with this QoS."),
        (
            "25",
            "A packet of the broker is larger than announced or, with -l, a message is larger than the broker takes.",
        ),
        (
            "27",
            "-W is over, or an answer did not come within --answer-timeout, which is one and a half keep-alive times (-k) where it is not \
             given: 90 seconds. mosquitto_pub waits without an end for all but CONNACK.",
        ),
        EXIT_REASON,
        ("128-153", "With --strict: the reason code of the PUBACK or PUBREC that refused a message."),
        ("154", "The message is to be retained, and the broker keeps none. mosquitto_pub sends it without retain."),
        (
            "129, 130, 143",
            "With --unsent: SIGHUP, SIGINT or SIGTERM ended it, after what was not acknowledged was kept.",
        ),
        EXIT_TAKEN_OVER,
    ],
    environment: ENVIRONMENT,
    files: &[("~/.config/mosquitto_pub", OPTIONS_FILE)],
    examples: &[
        ("moskit pub -t lab/door -m open", "Publish a message"),
        (
            "seq 10 | moskit pub -t lab/count -q 1 -l",
            "Publish each line of the input, and wait for the acknowledgements",
        ),
        ("moskit pub -t lab/door -r -n", "Delete a retained message"),
        ("moskit pub -t lab/door -q 1 -m open --retry 5,2 -W 30", "Try for half a minute at most, for a script"),
        (
            "measure | moskit pub -t lab/heat -q 1 -l --reconnect-max 10 --unsent rest.ndjson",
            "Keep what a broker that stays away has not acknowledged; later: moskit pub --ndjson < rest.ndjson",
        ),
    ],
    differences: &[
        "DISCONNECT is always sent before the connection is closed, so no will is published.",
        "A message that comes for this client id, from a session that -c goes on with, is not acknowledged: nobody would see it.",
        "With -l no line is lost when a fast input ends; lines may hold NUL bytes.",
        "-l connects again after the broker's DISCONNECT and after a lost connection, but not to what has only ever answered with broken packets or not at all. The pauses grow from a second to half a minute; mosquitto_pub tries each second.",
        "-W is moskit's own in pub. With -l, whatever ends it before the end of the input says on standard error how many messages were acknowledged, and the first line that was not.",
        "Properties that cannot be sent, and a message larger than MQTT or the broker takes, are reported with their reason.",
        "A topic alias above what the broker takes is left out, and the message is sent with its topic.",
        "With -f, a folder or a pipe gets an error line of its own.",
        ADDRESSES,
        PROXY_AND_WEBSOCKETS,
        TLS_OPTIONS,
        TLS_VERSIONS,
        PRE_SHARED_KEY,
        DEBUG_LINES,
        NONSENSE,
        "--insecure leaves out the comparison of the host name only, whatever else is given; --no-verify leaves out all checks.",
        "--cert and --key are used with the certificates of the operating system too.",
        NOT_IN_TLS,
        WITHOUT_EFFECT,
        VERSION_OF_PROPERTIES,
        "A refused connection is reported as \"Connection refused\", not as \"Bad file descriptor\".",
        "The cause of a failure and what to do follow on lines of their own, with an id of moskit-findings(7); --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-sub(1)", "moskit-rr(1)", "moskit-check(1)", "moskit-record(5)", "mosquitto_pub(1)", "mqtt(7)"],
};

pub const SUB: Manual = Manual {
    description: &[
        "moskit sub subscribes to topics of an MQTT broker and prints each message that comes. It takes the place of \
         mosquitto_sub 2.1, with the same options, output and exit codes, also under that name.",
        "Three usual calls: -t 'FILTER' -v prints messages with their topics until it is interrupted; -t 'FILTER' -C 1 -W 5 waits \
         for one message, five seconds at most; -i ID -c -q 1 -t 'FILTER' receives what the broker has kept for this client \
         while it was away.",
        "A connection that is lost is made again: after a second, then after longer pauses, up to half a minute (--reconnect-wait). Where \
         standard error is a terminal, and with -d, it says so there: why the connection was lost, when it is tried again, and that it is \
         back.",
    ],
    sections: || {
        vec![
            waits_section(),
            tokens_section(),
            format_section(),
            formats_section(true),
            exec_section(),
            properties_section(),
        ]
    },
    exit_status: &[
        (
            "0",
            "-C, -E or --retained-only is done, or a signal ended it; also if all subscriptions were refused. Also --help and \
             --version of moskit sub.",
        ),
        (
            "1",
            "Usage; input or a file on this side; login or TLS options; the first connection failed; a command of --exec failed or could \
             not be started; --help and --version under the mosquitto_* names. Or CONNACK 1: the broker refuses this version of MQTT.",
        ),
        EXIT_2,
        EXIT_3,
        (
            "4",
            "The broker accepted five connections in a row and ended them before a message came, or --reconnect-max is used up; \
             mosquitto_sub tries without an end. With --no-reconnect: the broker sent DISCONNECT. The proxy cannot reach the broker. Or CONNACK 4: wrong user name or password.",
        ),
        EXIT_5,
        ("7", "The first connection was lost during the WebSocket handshake or, with --no-reconnect, any was lost."),
        EXIT_11,
        EXIT_13,
        EXIT_14,
        EXIT_16,
        (
            "27",
            "-W is over, an answer did not come within --answer-timeout, or with --retained-only nobody knows whether all retained messages \
             have come.",
        ),
        EXIT_REASON,
        ("128-162", "With --strict: the reason code of a refused subscription."),
        EXIT_TAKEN_OVER,
        ("255", "A signal or -W came before the broker had accepted the connection."),
    ],
    environment: ENVIRONMENT,
    files: &[("~/.config/mosquitto_sub", OPTIONS_FILE)],
    examples: &[
        ("moskit sub -t 'lab/#' -v", "Print all messages below lab with their topics"),
        ("moskit sub -t 'lab/#' -C 1 -W 5", "Wait for one message, five seconds at most"),
        (
            "moskit sub -q 1 -t 'lab/#' -C 1 -W 5 --jobs 4 --exec sh -c 'cat; echo \" on $MQTT_TOPIC\"'",
            "Run a command for each message, four at once",
        ),
        ("moskit sub -q 1 -c -i desk -t 'lab/#' -E", "Let the broker keep messages for this id from now on"),
    ],
    differences: &[
        QOS_2,
        "--retained-only without -c subscribes at QoS 0, skips live messages and exits when all retained messages have come. MQTT has no sign for that: sub asks the broker twice to unsubscribe from a filter that nobody subscribed to, and takes the end as reached when nothing comes for 0.3 s between the two answers. If an answer takes 10 s, or a retained message comes behind an answer, so that more may come, it exits with 27. With -c, and under the mosquitto_* names, it exits at the first live message.",
        "-w keeps a row of the terminal for each topic, with the topic in front, cut to the width; rows that the screen has not are counted in the last one. In a pipe it prints a line for each message, without escapes. Under the mosquitto_* names it is as there.",
        "On a terminal control characters of messages are escaped, but newline and tab, unless --raw is given. Not under the mosquitto_* names.",
        "What cannot be written is not acknowledged: it stays with the broker. A message that --match, -T or -R passes over is acknowledged: it does not come again. A message that comes after the last of -C or ends --retained-only stays there too.",
        "With --retained-only, --remove-retained exits once the last removal is acknowledged; mosquitto_sub 2.1 does not exit. Alone it does not exit, as in mosquitto_sub.",
        "--random-filter takes a percentage: 100 prints all.",
        "A connection that is lost is made again after pauses that grow from a second to half a minute; mosquitto_sub tries each second. Signals and -W end it while it connects, too.",
        "-W begins with the start of the program, and with the first connection under the name mosquitto_sub.",
        "A SUBACK, UNSUBACK or first CONNACK that does not come ends it (--answer-timeout); mosquitto_sub waits.",
        "A SUBSCRIBE or UNSUBSCRIBE that cannot be sent, because it has properties before version 5, is reported.",
        "A topic alias of the broker is understood, if -D connect topic-alias-maximum allows it.",
        ADDRESSES,
        PROXY_AND_WEBSOCKETS,
        TLS_OPTIONS,
        TLS_VERSIONS,
        PRE_SHARED_KEY,
        "--insecure leaves out the comparison of the host name only, whatever else is given; --no-verify leaves out all checks.",
        "A refused connection is reported as \"Connection refused\", not as \"Bad file descriptor\".",
        "--message-rate prints each line at once, also into a pipe.",
        DEBUG_LINES,
        NONSENSE,
        "A stream of QoS 0 messages is read every few milliseconds, not message by message; one that comes alone is not delayed.",
        "A field of -F that is longer than its width is not filled; mosquitto_sub adds blanks where it stands on the left.",
        "%j and %J are always valid JSON: NUL is \\u0000 and does not end a string, and what is no UTF-8 is U+FFFD.",
        "Under moskit's own name numbers in the payload of %J keep all their digits, and a payload that is no JSON is a string in it, with a warning: mosquitto_sub rounds them to doubles, and prints an empty line.",
        "All times of a message are those of one moment.",
        "A width or precision above 1048576 is refused.",
        "--cert and --key are used with the certificates of the operating system too.",
        NOT_IN_TLS,
        WITHOUT_EFFECT,
        VERSION_OF_PROPERTIES,
        "The cause of a failure and what to do follow on lines of their own, with an id of moskit-findings(7); --quiet suppresses them.",
        "-P shows the password in the process list: use --pw-file, --pw-prompt or --pw-command.",
    ],
    see_also: &["moskit-pub(1)", "moskit-rr(1)", "moskit-qshape(1)", "moskit-record(5)", "mosquitto_sub(1)", "mqtt(7)"],
};

pub const RR: Manual = Manual {
    description: &[
        "moskit rr publishes a request and prints the first message on the response topic. It takes the place of mosquitto_rr \
         2.1, with the same options, output and exit codes, also under that name.",
        "Three usual calls: -t TOPIC -e TOPIC -m TEXT asks and waits without an end; -W 5 waits five seconds at most; --latency \
         also prints how long the answer took.",
    ],
    sections: || vec![waits_section(), tokens_section(), format_section(), properties_section()],
    exit_status: &[
        (
            "0",
            "The response was printed, or a signal ended it. As mosquitto_rr also if the subscription was refused or the broker sent \
             DISCONNECT. Also --help and --version of moskit rr.",
        ),
        EXIT_1,
        EXIT_2,
        EXIT_3,
        (
            "4",
            "The broker sent DISCONNECT before the response (MQTT 5). The proxy cannot reach the broker. Or CONNACK 4: wrong user name or \
             password.",
        ),
        EXIT_5,
        EXIT_7,
        ("10", "-D gives properties, and this version of MQTT has none."),
        EXIT_11,
        EXIT_13,
        EXIT_14,
        (
            "16",
            "The proxy failed, or refused the login. With --strict=subscribers and -q 1: nobody is subscribed to the topic of the request.",
        ),
        EXIT_19,
        EXIT_21,
        ("22", "A property stands twice in a packet of the broker or in -D."),
        ("24", "The broker does not take messages with this QoS."),
        ("25", "A packet of the broker is larger than announced, or the request is larger than the broker takes."),
        ("27", "-W is over, or an answer of the broker did not come within --answer-timeout."),
        EXIT_REASON,
        (
            "128-162",
            "The reason code of a refused subscription or request, after which no response comes. As mosquitto_rr only with --strict.",
        ),
    ],
    environment: ENVIRONMENT,
    files: &[("~/.config/mosquitto_rr", OPTIONS_FILE)],
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
        "Under moskit's own name numbers in the payload of %J keep all their digits, and a payload that is no JSON is a string in it, with a warning: mosquitto_sub rounds them to doubles, and prints an empty line.",
        "All times of a message are those of one moment.",
        "A width or precision above 1048576 is refused.",
        QOS_2,
        "Before version 5 there are no properties: -D publish is left out, with a warning.",
        "DISCONNECT is sent at the end, so no will is published.",
        "-W ends the program before the broker has accepted, too. It begins with the start of the program, and with the first connection under the name mosquitto_rr.",
        "A CONNACK, SUBACK or PUBACK that does not come ends it (--answer-timeout); mosquitto_rr waits. The response is waited for without an end, unless -W is given.",
        ADDRESSES,
        PROXY_AND_WEBSOCKETS,
        TLS_OPTIONS,
        TLS_VERSIONS,
        PRE_SHARED_KEY,
        "--insecure leaves out the comparison of the host name only, whatever else is given; --no-verify leaves out all checks.",
        "--cert and --key are used with the certificates of the operating system too.",
        NOT_IN_TLS,
        WITHOUT_EFFECT,
        VERSION_OF_PROPERTIES,
        "A refused connection is reported as \"Connection refused\", not as \"Bad file descriptor\".",
        DEBUG_LINES,
        NONSENSE,
        "The cause of a failure and what to do follow on lines of their own, with an id of moskit-findings(7); --quiet suppresses them.",
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
                assert_eq!(explained(&field), Format::parse(field.as_bytes(), false).is_ok(), "{field}");
            }
        }
    }
}
