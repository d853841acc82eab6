//! The options of pub, sub and rr, and those of them that check and qshape have: the one table that is read, shown in
//! help and printed in man pages.

use std::ffi::OsString;

use bytes::Bytes;
use clap::ArgMatches;
use clap::builder::OsStringValueParser;

use super::arg_error::ArgError;
use super::args::{ClientArgs, EmbeddedArgs, PasswordSource, PayloadSource, Verb};
use super::data_args::CommandLine;
use super::{bound_values, data_values, oauth, values};
use crate::cmd::applet::Suggested;
use crate::cmd::words::{Operands, OptionSpec, Reader, Set, Value};
use crate::mqtt::packet::RetainHandling;
use crate::os::text::OsStrExt;
use crate::term::Secret;

/// Bits of [`OptionSpec::verbs`].
pub const PUB: u8 = 1;
pub const SUB: u8 = 2;
pub const RR: u8 = 4;
/// Our own verb that connects to a broker as a client does (check): the connection options only.
pub const CONNECT: u8 = 8;
/// qshape: how its brokers are reached; who connects, and with which session, is its own business.
pub const REACH: u8 = 16;
/// qshape's sources, which name a broker by their URL: its options without those that name one, by their long names
/// only, since most letters mean something else in a table.
pub const SOURCE: u8 = 32;

const CLIENTS: u8 = PUB | SUB | RR;
const EVERY: u8 = CLIENTS | CONNECT;
/// The options that name a broker.
const NAMING: u8 = EVERY | REACH;
const ALL: u8 = NAMING | SOURCE;

const CONNECTION: &str = "Connection";
const LOGIN: &str = "Login";
const SESSION: &str = "Session";
const TLS: &str = "TLS";
const MESSAGE: &str = "Message";
const SUBSCRIPTION: &str = "Subscription";
const OUTPUT: &str = "Output";
const WILL: &str = "Will";
const OTHER: &str = "Other";

const URL_HELP: &str = "Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic";

/// Values of options, for completions.
const VERSIONS: &[&str] = &["mqttv31", "mqttv311", "mqttv5"];
const QOS: &[&str] = &["0", "1", "2"];
const KINDS: &[&str] = &["json", "cbor", "msgpack", "protobuf:", "sparkplug", "hex"];

const fn word(name: &'static str, missing: &'static str) -> Value {
    Value::Word { name, missing }
}

const fn row(
    short: Option<char>,
    long: &'static str,
    value: Value,
    verbs: u8,
    heading: &'static str,
    help: &'static str,
    set: Set<ClientArgs>,
) -> OptionSpec<ClientArgs> {
    let long = if long.is_empty() { None } else { Some(long) };
    OptionSpec {
        short,
        long,
        value,
        verbs,
        heading,
        help,
        repeats: false,
        conflict: None,
        choices: &[],
        is_ours_alone: false,
        set,
    }
}

/// Sets a flag.
macro_rules! flag {
    ($($field:ident).+) => {
        |typed, _| {
            typed.$($field).+ = true;
            Ok(())
        }
    };
}

/// Keeps the word as it is.
macro_rules! word {
    ($($field:ident).+) => {
        |typed, words| {
            typed.$($field).+ = Some(words[0].clone().into());
            Ok(())
        }
    };
}

/// Keeps the word as text.
macro_rules! text {
    ($($field:ident).+) => {
        |typed, words| {
            typed.$($field).+ = Some(words[0].to_string_lossy().into_owned());
            Ok(())
        }
    };
}

/// Every option, in the order of the help.
#[rustfmt::skip]
pub const CLIENT_OPTIONS: &[OptionSpec<ClientArgs>] = &[
    row(Some('h'), "host", word("HOST", "no host"), CLIENTS, CONNECTION, "Broker to connect to [default: localhost]; several, with commas between them or by several -h, are tried in turn, but not under the mosquitto_* names", values::set_host).repeated(),
    row(Some('h'), "host", word("HOST", "no host"), CONNECT | REACH, CONNECTION, "Broker to connect to [default: localhost]", values::set_host),
    row(Some('p'), "port", word("PORT", "no port"), NAMING, CONNECTION, "Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket", values::set_port),
    row(Some('L'), "url", word("URL", "no URL"), PUB | RR, CONNECTION, URL_HELP, values::set_url_with_topic),
    row(Some('L'), "url", word("URL", "no URL"), SUB, CONNECTION, URL_HELP, values::set_url_with_filter),
    row(Some('L'), "url", word("URL", "no URL"), CONNECT | REACH, CONNECTION, URL_HELP, values::set_url),
    row(None, "unix", word("PATH", "no socket path"), NAMING, CONNECTION, "Connect to a unix domain socket", values::set_unix_socket),
    row(Some('A'), "", word("ADDRESS", "no address"), NAMING, CONNECTION, "Local address to connect from", word!(bind_address)),
    row(Some('k'), "keepalive", word("SECONDS", "no keepalive"), EVERY, CONNECTION, "Keep-alive, 5 to 65535 [default: 60]", values::set_keep_alive),
    row(Some('V'), "protocol-version", word("VERSION", "no version"), PUB | SUB, CONNECTION, "mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]; -D, -x and --auth-method switch to mqttv5", values::set_version).of(VERSIONS),
    row(Some('V'), "protocol-version", word("VERSION", "no version"), REACH | SOURCE, CONNECTION, "mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]", values::set_version).of(VERSIONS),
    row(Some('V'), "protocol-version", word("VERSION", "no version"), RR, CONNECTION, "mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 5]", values::set_version).of(VERSIONS),
    row(Some('V'), "protocol-version", word("VERSION", "no version"), CONNECT, CONNECTION, "Version that must be accepted: mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: any]", values::set_version).of(VERSIONS),
    row(None, "connect-timeout", word("SECONDS", "no time"), CLIENTS, CONNECTION, "Longest time until there is a connection, 0.1 to 86400; looking up the name, the proxy, TLS and the WebSocket are part of it [default: 120, of which each step may take 30; under the mosquitto_* names 30 for each step]", bound_values::set_connect_timeout),
    row(None, "answer-timeout", word("SECONDS", "no time"), CLIENTS, CONNECTION, "Longest time, 0.1 to 86400, for the broker to answer CONNECT, PUBLISH, SUBSCRIBE or UNSUBSCRIBE, with exit code 27 [default: one and a half keep-alive times; under the mosquitto_* names the keep-alive time for CONNECT, and none for the others]", bound_values::set_answer_timeout),
    row(Some('W'), "", word("SECONDS", "no timeout"), PUB, CONNECTION, "Exit after SECONDS, with exit code 27, whatever is not acknowledged by then", values::set_timeout).ours_alone(),
    row(None, "retry", word("N[,WAIT]", "no number"), PUB, CONNECTION, "Try again up to N times in a row, after WAIT seconds [default: 1], what another attempt can mend: a broker that is not reached, that is busy, that is lost before it has acknowledged or that does not answer; a refused login is not tried again", bound_values::set_retry),
    row(None, "no-reconnect", Value::None, PUB | SUB, CONNECTION, "Exit when the connection is lost (pub: with -l, --ndjson or --replay)", flag!(bounds.no_reconnect)),
    row(None, "reconnect-max", word("N", "no number"), PUB | SUB, CONNECTION, "Exit when N attempts in a row to connect again have failed (pub: with -l, --ndjson or --replay) [default: try on]", bound_values::set_reconnect_most),
    row(None, "reconnect-wait", word("MIN[,MAX]", "no time"), PUB | SUB, CONNECTION, "Pause before connecting again: MIN seconds, then longer each time up to MAX, by chance; MIN alone is always MIN [default: 1,30; under the mosquitto_* names 1]", bound_values::set_reconnect_wait),
    row(None, "nodelay", Value::None, EVERY, CONNECTION, "Send small packets at once (TCP_NODELAY)", flag!(no_delay)),
    row(None, "ws", Value::None, NAMING, CONNECTION, "Speak MQTT over WebSockets", flag!(websockets)),
    row(None, "ws-path", word("PATH", "no path"), ALL, CONNECTION, "With --ws or a ws:// URL: ask for the WebSocket at PATH; RabbitMQ has /ws [default: /mqtt]", |typed, words| typed.websocket.set_path(&words[0])),
    row(None, "header", word("NAME=VALUE", "no header"), ALL, CONNECTION, "With --ws or a ws:// URL: send this header with the request for the WebSocket, or NAME=@FILE, whose first line is the value; others can see a value in the process list. May be given several times", |typed, words| typed.websocket.add_header(&words[0])).repeated(),
    row(None, "proxy", word("URL", "no proxy url"), CLIENTS, CONNECTION, "Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names. Under the mosquitto_* names socks5h only", values::set_proxy),
    row(None, "proxy", word("URL", "no proxy url"), CONNECT | REACH | SOURCE, CONNECTION, "Connect through a proxy, SOCKS5 or HTTP (CONNECT): socks5h|http|https://[user[:password]@]host[:port]; none goes around one that the environment names", values::set_proxy),
    row(None, "proxy-cafile", word("FILE", "no file"), ALL, CONNECTION, "Trust the CA certificates of this PEM file for an https:// proxy [default: those of the operating system]", word!(proxy_cafile)),
    row(None, "embedded", Value::Attached { name: "CONF" }, EVERY, CONNECTION, "Start the embedded broker in this process, on CONF if given, and use it", |typed, words| { typed.embedded = Some(EmbeddedArgs { configuration: words.first().map(Into::into) }); Ok(()) }),

    row(Some('u'), "username", word("NAME", "no username"), ALL, LOGIN, "User name", word!(username)),
    row(Some('P'), "pw", word("PASSWORD", "no password"), ALL, LOGIN, "Password; others can see it in the process list, so prefer the options below", |typed, words| typed.take_password("-P", PasswordSource::Given(Secret::new(words[0].as_bytes())))),
    row(None, "pw-file", word("FILE", "no file"), ALL, LOGIN, "Read the password from the first line of FILE", |typed, words| typed.take_password("--pw-file", PasswordSource::File(words[0].clone().into()))),
    row(None, "pw-prompt", Value::None, ALL, LOGIN, "Ask for the password on the terminal", |typed, _| typed.take_password("--pw-prompt", PasswordSource::Prompt)),
    row(None, "pw-command", word("COMMAND", "no command"), ALL, LOGIN, "Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect", |typed, words| typed.take_password("--pw-command", PasswordSource::Command(words[0].clone()))),
    row(None, "auth-method", word("METHOD", "no method"), EVERY, LOGIN, "Log in by SCRAM-SHA-256, SCRAM-SHA-512 or SCRAM-SHA-1, which prove the password without sending it and have the broker prove itself; switches to MQTT 5", values::set_auth_method),
    row(None, "reauth", word("SECONDS", "no time"), CLIENTS, LOGIN, "With --auth-method: log in again every SECONDS, 0.1 to 86400, on the connection that there is, as a broker may want it whose logins end", bound_values::set_reauth).ours_alone(),
    row(None, "oauth-token-url", word("URL", "no URL"), ALL, LOGIN, "Log in with a token of OAuth 2 as the password, which is asked for at URL by the client-credentials grant (RFC 6749), and anew before it expires: https, or http on this machine; through the proxy as --proxy and the environment say", oauth::set_token_url).ours_alone(),
    row(None, "oauth-client-id", word("ID", "no id"), ALL, LOGIN, "With --oauth-token-url: as whom the token is asked for", oauth::set_client_id).ours_alone(),
    row(None, "oauth-client-secret-file", word("FILE", "no file"), ALL, LOGIN, "With --oauth-token-url: read the secret for it from the first line of FILE", word!(oauth.secret_file)).ours_alone(),
    row(None, "oauth-client-auth", word("basic|post", "no choice"), ALL, LOGIN, "With --oauth-token-url: send id and secret as HTTP Basic, or as fields of the form [default: basic]", oauth::set_client_authentication).of(&["basic", "post"]).ours_alone(),
    row(None, "oauth-scope", word("SCOPE", "no scope"), ALL, LOGIN, "With --oauth-token-url: ask for this scope", oauth::set_scope).ours_alone(),
    row(None, "oauth-audience", word("AUDIENCE", "no audience"), ALL, LOGIN, "With --oauth-token-url: ask for this audience, as Auth0 has it", oauth::set_audience).ours_alone(),
    row(None, "oauth-cafile", word("FILE", "no file"), ALL, LOGIN, "With --oauth-token-url: trust the CA certificates of this PEM file at its server [default: those of the operating system]", word!(oauth.cafile)).ours_alone(),

    row(Some('i'), "id", word("ID", "no id"), EVERY, SESSION, "Client id", word!(id)).unless(values::refuse_beside_id_prefix),
    row(Some('I'), "id-prefix", word("PREFIX", "no id prefix"), EVERY, SESSION, "Client id made of PREFIX and the process id", word!(id_prefix)).unless(values::refuse_beside_id),
    row(Some('c'), "disable-clean-session", Value::None, EVERY, SESSION, "Keep the session: the broker stores QoS 1 and 2 messages while this client is away", flag!(keep_session)),
    row(Some('x'), "", word("SECONDS", "no session expiry interval"), EVERY, SESSION, "Session expiry interval, 0 to 4294967295, or -1 for never; switches to MQTT 5", values::set_session_expiry),
    row(Some('M'), "", word("COUNT", "max_inflight not"), CLIENTS, SESSION, "Most QoS 1 and 2 messages in flight at once [default: 20]", values::set_max_inflight),

    row(None, "cafile", word("FILE", "no file"), ALL, TLS, "Trust the CA certificates of this PEM file; switches TLS on", word!(tls.cafile)),
    row(None, "capath", word("DIR", "no directory"), ALL, TLS, "Trust the CA certificates in this directory; switches TLS on", word!(tls.capath)),
    row(None, "tls-use-os-certs", Value::None, ALL, TLS, "Trust the CAs of the operating system; switches TLS on", flag!(tls.os_certs)),
    row(None, "cert", word("FILE", "no file"), ALL, TLS, "Client certificate chain, PEM", word!(tls.cert)),
    row(None, "key", word("FILE", "no file"), ALL, TLS, "Private key of the client certificate, PEM", word!(tls.key)),
    row(None, "key-pass-file", word("FILE", "no file"), ALL, TLS, "Read the passphrase of an encrypted key from the first line of FILE instead of asking", word!(tls.key_pass_file)),
    row(None, "tls-version", word("VERSION", "no version"), ALL, TLS, "Lowest version to accept: tlsv1.2 or tlsv1.3", text!(tls.version)).of(&["tlsv1.2", "tlsv1.3"]),
    row(None, "tls-alpn", word("PROTOCOL", "no protocol"), ALL, TLS, "Protocol to offer by ALPN", |typed, words| { typed.tls.alpn = Some(words[0].as_bytes().to_vec()); Ok(()) }),
    row(None, "ciphers", word("LIST", "no ciphers"), ALL, TLS, "Cipher suites by their OpenSSL names, separated by colons", text!(tls.ciphers)),
    row(None, "insecure", Value::None, ALL, TLS, "Do not compare the certificate with the host name; the chain is still checked. Does not switch TLS on", flag!(tls.insecure)),
    row(None, "no-verify", Value::None, ALL, TLS, "Do not check the server's certificate at all; for tests only. Does not switch TLS on", flag!(tls.no_verify)),
    row(None, "tls-keylog", word("FILE", "no file"), ALL, TLS, "Append the session's secrets to FILE, for Wireshark", word!(tls.keylog)),
    row(None, "no-tls", Value::None, ALL, TLS, "Ignore all TLS options; the port stays as they chose it", flag!(tls.no_tls)),
    row(None, "psk", word("KEY", "no key"), ALL, TLS, "Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk", |typed, words| { typed.tls.psk = Some(Secret::new(words[0].as_bytes())); Ok(()) }),
    row(None, "psk-identity", word("IDENTITY", "no identity"), ALL, TLS, "Name of the pre-shared key", text!(tls.psk_identity)),
    row(None, "keyform", word("FORM", "no keyform"), ALL, TLS, "Form of the private key: only pem", text!(tls.keyform)).of(&["pem"]),
    row(None, "tls-engine", word("ENGINE", "no engine_id"), ALL, TLS, "Not supported: OpenSSL engines", text!(tls.engine)),
    row(None, "tls-engine-kpass-sha1", word("HEX", "no kpass sha1"), ALL, TLS, "Not supported: OpenSSL engines", text!(tls.engine_kpass)),

    row(Some('t'), "topic", word("TOPIC", "no topic"), PUB | RR, MESSAGE, "Topic to publish to", |typed, words| { typed.topic = Some(values::topic_name(&words[0], "-t", "publish")?); Ok(()) }).repeated(),
    row(Some('t'), "topic", word("TOPIC", "no topic"), SUB, MESSAGE, "Topic filter to subscribe to; may be given several times", |typed, words| { typed.filters.push(values::topic_filter(&words[0], "-t", "subscription")?); Ok(()) }).repeated(),
    row(Some('t'), "topic", word("TOPIC", "no topic"), CONNECT, MESSAGE, "Topic below which a message is published and received, to see whether both are allowed", values::set_base_topic).repeated(),
    row(Some('e'), "", word("TOPIC", "no response topic"), RR, MESSAGE, "Topic on which the response is awaited", |typed, words| { typed.response_topic = Some(values::topic_name(&words[0], "-e", "response")?); Ok(()) }),
    row(Some('m'), "message", word("TEXT", "no message"), PUB | RR, MESSAGE, "Payload", values::set_message).unless(values::refuse_second_payload),
    row(Some('f'), "file", word("FILE", "no file"), PUB | RR, MESSAGE, "Payload from a regular file", |typed, words| { typed.payload = Some(PayloadSource::File(words[0].clone().into())); Ok(()) }).unless(values::refuse_second_payload),
    row(Some('s'), "stdin-file", Value::None, PUB | RR, MESSAGE, "Payload from all of standard input", |typed, _| { typed.payload = Some(PayloadSource::Stdin); Ok(()) }).unless(values::refuse_second_payload),
    row(Some('l'), "stdin-line", Value::None, PUB, MESSAGE, "One message for each line of standard input", |typed, _| { typed.payload = Some(PayloadSource::StdinLines); Ok(()) }).unless(values::refuse_second_payload),
    row(None, "ndjson", Value::None, PUB, MESSAGE, "One message for each record on standard input, see moskit-record(5); -t, -q, -r and -D publish stand in for fields that a record lacks", |typed, _| { typed.payload = Some(PayloadSource::Records); Ok(()) }).unless(values::refuse_second_payload),
    row(None, "lenient", Value::None, PUB, MESSAGE, "With --ndjson or --replay: ignore fields that a record does not have", flag!(data.lenient)),
    row(None, "skip-bad", Value::None, PUB, MESSAGE, "With --ndjson or --replay: pass over lines that are no record, or that the broker does not take, and count them, instead of ending there", flag!(data.skip_bad)),
    row(None, "replay", word("FILE", "no file"), PUB, MESSAGE, "Publish the records of FILE (- for standard input, zstd or not) as they were received, with their pauses; may be given several times", |typed, words| { typed.payload = Some(PayloadSource::Records); typed.data.replays.push(words[0].clone().into()); Ok(()) }).unless(data_values::refuse_replay).repeated(),
    row(None, "speed", word("SPEED", "no speed"), PUB, MESSAGE, "With --replay: so many times as fast, 2x or 0.5x, or max for no pauses [default: 1x]", data_values::set_speed).of(&["max"]),
    row(None, "from", word("TIME", "no time"), PUB, MESSAGE, "With --replay: begin with the records of TIME, RFC 3339 or so long after the first record (90s, 5m, 2h)", data_values::set_from),
    row(None, "to", word("TIME", "no time"), PUB, MESSAGE, "With --replay: end with the records of TIME", data_values::set_to),
    row(None, "loop", word("COUNT", "no count"), PUB, MESSAGE, "With --replay: play COUNT times, 0 for without end [default: 1]", data_values::set_rounds),
    row(None, "filter", word("FILTER", "no topic filter"), PUB, MESSAGE, "With --replay or --ndjson: only records whose topic matches; may be given several times", |typed, words| { typed.data.choice.filters.push(values::topic_filter(&words[0], "--filter", "record")?); Ok(()) }).repeated(),
    row(None, "map", word("A=B", "no mapping"), PUB, MESSAGE, "With --replay or --ndjson: topics that begin with A begin with B instead; the first of several that fits", data_values::add_mapping).repeated(),
    row(None, "unsent", word("FILE", "no file"), PUB, MESSAGE, "Keep in FILE, as records, what was not acknowledged when pub ends, and the rest of the input; pub --ndjson publishes them, see moskit-record(5)", word!(bounds.unsent)),
    row(None, "topic-per-line", Value::None, PUB, MESSAGE, "With -l: each line is a topic, a tab and the payload", flag!(data.topic_per_line)),
    row(None, "payload-format", word("FORM", "no payload format"), PUB, MESSAGE, "How the payload of -m, -f, -s or -l is written: text, hex, base64 or json, which is checked and sent as it is [default: text]", data_values::set_payload_form).of(&["text", "hex", "base64", "json"]),
    row(None, "encode", word("KIND", "no kind"), PUB, MESSAGE, "Bring the payload of -m, -f, -s or -l, which is JSON, into this format: cbor, msgpack, protobuf:TYPE, sparkplug or json on one line; or hex, digits to bytes", data_values::set_encode).of(KINDS),
    row(None, "proto", word("FILE", "no file"), PUB | SUB, MESSAGE, "With protobuf: the descriptor set that has the message types, as protoc --descriptor_set_out makes it; in a build with the feature proto also a .proto file", word!(data.proto)),
    row(None, "proto-path", word("DIR", "no directory"), PUB | SUB, MESSAGE, "With a .proto file: look for imports in DIR, too, and not only beside the file; may be given several times", |typed, words| { typed.data.proto_paths.push(words[0].clone().into()); Ok(()) }).repeated(),
    row(Some('n'), "null-message", Value::None, PUB | RR, MESSAGE, "Empty payload", |typed, _| { typed.payload = Some(PayloadSource::Null); Ok(()) }).unless(values::refuse_second_payload),
    row(Some('q'), "qos", word("QOS", "no QoS"), EVERY, MESSAGE, "Quality of service, 0, 1 or 2 [default: 0]", values::set_qos).of(QOS),
    row(Some('r'), "retain", Value::None, PUB, MESSAGE, "Ask the broker to retain the message", flag!(retain)),
    row(None, "repeat", word("COUNT", "no count"), PUB, MESSAGE, "Publish COUNT times, without effect with -l [default: 1]", values::set_repeat),
    row(None, "repeat-delay", word("SECONDS", "no time"), PUB, MESSAGE, "Time between repetitions; fractions are allowed [default: 0]", values::set_repeat_delay),
    row(Some('D'), "property", Value::Property, EVERY, MESSAGE, "Property of a packet; switches to MQTT 5: COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE", values::add_property).repeated().of(&["connect", "publish", "will", "subscribe", "unsubscribe", "disconnect"]),

    row(Some('C'), "", word("COUNT", "no count"), SUB, SUBSCRIPTION, "Exit after COUNT messages", values::set_count),
    row(Some('E'), "", Value::None, SUB, SUBSCRIPTION, "Exit once the broker has acknowledged the subscriptions", flag!(exit_after_suback)),
    row(Some('W'), "", word("SECONDS", "no timeout"), SUB | RR, SUBSCRIPTION, "Exit after SECONDS, with exit code 27", values::set_timeout),
    row(Some('T'), "filter-out", word("FILTER", "no topic filter"), SUB, SUBSCRIPTION, "Do not print messages whose topic matches; may be given several times", |typed, words| { typed.filter_outs.push(values::topic_filter(&words[0], "-T", "filter")?); Ok(()) }).repeated(),
    row(Some('U'), "unsubscribe", word("FILTER", "no unsubscribe topic"), SUB, SUBSCRIPTION, "Unsubscribe from a topic filter; may be given several times", |typed, words| { typed.unsubscribes.push(values::topic_filter(&words[0], "-U", "unsubscribe")?); Ok(()) }).repeated(),
    row(Some('R'), "", Value::None, SUB | RR, SUBSCRIPTION, "Do not print retained messages", |typed, _| { typed.no_retained = true; typed.retain_handling = RetainHandling::DoNotSend; Ok(()) }),
    row(None, "retained-only", Value::None, SUB, SUBSCRIPTION, "Only retained messages, at QoS 0: exit when the broker has no more", flag!(retained_only)),
    row(None, "remove-retained", Value::None, SUB, SUBSCRIPTION, "Remove each retained message from the broker when it has been received; with --retained-only, exit when all are removed", flag!(remove_retained)),
    row(None, "retain-as-published", Value::None, SUB | RR, SUBSCRIPTION, "Keep the publisher's retain flag on live messages (MQTT 5)", flag!(retain_as_published)),
    row(None, "retain-handling", word("WHEN", "no option"), SUB | RR, SUBSCRIPTION, "When retained messages are sent: always, new or never (MQTT 5)", values::set_retain_handling).of(&["always", "new", "never"]),
    row(None, "match", word("EXPRESSION", "no expression"), SUB, SUBSCRIPTION, "Only messages whose payload is JSON, or decoded, and matches: a path of RFC 9535 that finds something, or a comparison such as '$.state == \"on\"'; with -C 1 -W SECONDS, wait for one", data_values::set_match),
    row(None, "random-filter", word("PERCENT", "no chance"), SUB, SUBSCRIPTION, "Print only this share of the messages, 0.1 to 100", values::set_random_filter),

    row(Some('F'), "", word("FORMAT", "no format"), SUB | RR, OUTPUT, "Output format; see the man page", values::set_format),
    row(None, "ndjson", Value::None, SUB, OUTPUT, "Print each message as a record, one line of JSON; see moskit-record(5)", flag!(data.ndjson)),
    row(None, "record", word("FILE", "no file"), SUB, OUTPUT, "Keep each message as a record in FILE, a new one, instead of printing it; compressed if the name ends in .zst", word!(data.record)),
    row(None, "rotate", word("SIZE|TIME", "no size"), SUB, OUTPUT, "With --record: begin a new file, with a number in its name, after SIZE (10MB, 1GiB) or TIME (30m, 1h, 1d)", data_values::set_rotation),
    row(None, "exec", Value::Rest { name: "COMMAND", missing: "no command" }, SUB, OUTPUT, "Run COMMAND, which is all that follows, for each message, with the payload on its standard input and MQTT_TOPIC, MQTT_QOS, MQTT_RETAIN and MQTT_PROPERTIES in its environment; a message is acknowledged after its command", |typed, words| { typed.data.exec = Some(CommandLine::Words(words.to_vec())); Ok(()) }).unless(data_values::refuse_second_command),
    row(None, "exec-shell", word("LINE", "no command"), SUB, OUTPUT, "As --exec, with a line that /bin/sh runs", |typed, words| { typed.data.exec = Some(CommandLine::Shell(words[0].clone())); Ok(()) }).unless(data_values::refuse_second_command),
    row(None, "jobs", word("COUNT", "no count"), SUB, OUTPUT, "With --exec: run so many commands at once, 1 to 1024, those of one topic one after the other [default: 1]", data_values::set_jobs),
    row(None, "exec-fail", word("stop|go", "no choice"), SUB, OUTPUT, "With --exec, when a command fails: stop ends, and the message is not acknowledged; go counts it and goes on [default: stop]", data_values::set_exec_fail).of(&["stop", "go"]),
    row(None, "exec-timeout", word("SECONDS", "no time"), SUB, OUTPUT, "With --exec: end a command that takes longer, which counts as failed", data_values::set_exec_timeout),
    row(None, "raw", Value::None, SUB, OUTPUT, "Print control characters as they are on a terminal too, where they are escaped otherwise", flag!(data.raw)),
    row(None, "decode", word("KIND[=FILTER]", "no kind"), SUB, OUTPUT, "Print payloads of KIND as JSON, where the topic matches FILTER: json, cbor, msgpack, protobuf:TYPE, sparkplug, or hex as digits; may be given several times, the first that matches holds", data_values::add_decode).repeated().of(KINDS),
    row(None, "select", word("PATH", "no path"), SUB, OUTPUT, "Print what PATH finds in a payload that is JSON, or decoded, in its place, each value on a line, texts without quotes; JSONPath, RFC 9535, without match() and search()", data_values::set_select),
    row(Some('v'), "verbose", Value::None, SUB | RR, OUTPUT, "Print the topic in front of the payload", flag!(verbose)),
    row(Some('N'), "", Value::None, SUB | RR, OUTPUT, "No newline after each message", flag!(no_newline)),
    row(None, "pretty", Value::None, SUB, OUTPUT, "Indent the JSON of %j, %J and --decode", flag!(pretty)),
    row(None, "pretty", Value::None, RR, OUTPUT, "Indent the JSON of %j and %J", flag!(pretty)),
    row(None, "message-rate", Value::None, SUB, OUTPUT, "Print the number of messages of each second instead of the messages", flag!(message_rate)),
    row(Some('w'), "watch", Value::None, SUB, OUTPUT, "Keep one line of the screen for each topic", flag!(watch)),
    row(None, "latency", Value::None, RR, OUTPUT, "Print the time between request and response; implies --nodelay", |typed, _| { typed.latency = true; typed.no_delay = true; Ok(()) }),
    row(Some('d'), "debug", Value::None, EVERY, OUTPUT, "Print each packet on standard output", flag!(debug)),
    row(None, "quiet", Value::None, CLIENTS, OUTPUT, "Print no errors at run time", flag!(quiet)),

    row(None, "will-topic", word("TOPIC", "no will topic"), CLIENTS, WILL, "Topic of the will, which the broker publishes if this client vanishes", |typed, words| { typed.will.topic = Some(values::topic_name(&words[0], "--will-topic", "will")?); Ok(()) }),
    row(None, "will-payload", word("TEXT", "no will payload"), CLIENTS, WILL, "Payload of the will [default: empty]", |typed, words| { typed.will.payload = Some(Bytes::copy_from_slice(words[0].as_bytes())); Ok(()) }),
    row(None, "will-qos", word("QOS", "no will QoS"), CLIENTS, WILL, "Quality of service of the will [default: 0]", values::set_will_qos).of(QOS),
    row(None, "will-retain", Value::None, CLIENTS, WILL, "Retain the will", flag!(will.retain)),

    row(None, "strict", Value::Attached { name: "subscribers" }, CLIENTS, OTHER, "Exit with the reason code if the broker refuses a message or a subscription; `=subscribers` (pub, rr): also if nobody is subscribed to the topic of a message. Messages need MQTT 5 and QoS 1 or 2", values::set_strict).of(&["subscribers"]),
    row(Some('o'), "", word("FILE", "no options file"), CLIENTS, OTHER, "Read options from FILE instead of the file in ~/.config; it must exist, but under the mosquitto_* names", |typed, _| { typed.options_file_given = true; Ok(()) }).unless(values::refuse_second_options_file),
    row(None, "help", Value::None, CLIENTS, OTHER, "Show this help", |_, _| Err(ArgError::Help)),
    row(None, "version", Value::None, CLIENTS, OTHER, "Show the version", |_, _| Err(ArgError::Version)),
];

/// A `clap::Command` with the options that `verb` has: for help, man page and completions.
pub fn command(name: &'static str, about: &'static str, verb: u8) -> clap::Command {
    let command = clap::Command::new(name).about(about).disable_help_flag(true).disable_version_flag(true);
    add_options(command, verb)
}

/// Adds the options of `verb` to a command, as clap arguments named by their long (or short) name.
pub fn add_options(command: clap::Command, verb: u8) -> clap::Command {
    command.args(CLIENT_OPTIONS.iter().filter(|spec| spec.verbs & verb != 0).map(argument))
}

/// The option as it is under Mosquitto's names, where those that are ours alone are unknown.
pub fn as_mosquitto(verb: u8, argument: clap::Arg) -> Option<clap::Arg> {
    let is_it =
        |spec: &&OptionSpec<ClientArgs>| spec.verbs & verb != 0 && argument.get_id() == argument_id(spec).as_str();
    let is_ours_alone = CLIENT_OPTIONS.iter().find(is_it).is_some_and(|spec| spec.is_ours_alone);
    (!is_ours_alone).then_some(argument)
}

/// The id of the option among clap's arguments.
fn argument_id(spec: &OptionSpec<ClientArgs>) -> String {
    spec.long.map_or_else(|| spec.short.map(String::from).unwrap_or_default(), str::to_owned)
}

/// An option of the table as clap's argument.
fn argument(spec: &OptionSpec<ClientArgs>) -> clap::Arg {
    let mut argument = clap::Arg::new(argument_id(spec)).help(spec.help).help_heading(spec.heading);
    if !spec.choices.is_empty() {
        // The help says in words what they are.
        argument = argument.hide_possible_values(true);
    }
    if let Some(short) = spec.short {
        argument = argument.short(short);
    }
    if let Some(long) = spec.long {
        argument = argument.long(long);
    }
    let values = if spec.repeats { clap::ArgAction::Append } else { clap::ArgAction::Set };
    match spec.value {
        Value::None => argument.action(clap::ArgAction::SetTrue),
        Value::Word { name, .. } => argument
            .action(values)
            .value_name(name)
            .value_parser(Suggested::new(spec.choices, OsStringValueParser::new()))
            .allow_hyphen_values(true)
            .value_hint(hint(name)),
        Value::Property => argument
            .action(values)
            .num_args(3..=4)
            .value_names(["COMMAND", "PROPERTY", "VALUE"])
            .value_parser(Suggested::new(spec.choices, OsStringValueParser::new())),
        Value::Rest { name, .. } => argument
            .action(values)
            .num_args(1..)
            .value_name(name)
            .value_parser(Suggested::new(spec.choices, OsStringValueParser::new()))
            .allow_hyphen_values(true)
            .value_hint(clap::ValueHint::CommandName),
        Value::Attached { name } | Value::Number { name } => argument
            .action(values)
            .num_args(0..=1)
            .require_equals(true)
            .value_name(name)
            .value_parser(Suggested::new(spec.choices, OsStringValueParser::new())),
    }
}

const fn bit(verb: Verb) -> u8 {
    match verb {
        Verb::Pub => PUB,
        Verb::Sub => SUB,
        Verb::Rr => RR,
    }
}

/// Reads the lines of the options file, if there is one, then the words of the command line.
/// `exact`: Mosquitto's rules to the letter ([`Reader::exact`]).
pub fn read(verb: Verb, exact: bool, file_lines: &[Vec<OsString>], words: &[OsString]) -> Result<ClientArgs, ArgError> {
    let mut typed = ClientArgs { exact, ..ClientArgs::default() };
    let reader = |exact| Reader {
        table: CLIENT_OPTIONS,
        verb: bit(verb),
        exact,
        short_names_only: false,
        operands: Operands::Refused,
    };
    for line in file_lines {
        // `-o` in a file has no effect.
        reader(true).read(line, &mut typed)?;
        typed.options_file_given = false;
        // What is typed outranks the file.
        typed.password_option = None;
    }
    typed.hosts_go_on = false;
    reader(exact).read(words, &mut typed)?;
    Ok(typed)
}

/// Takes what clap read of the options of `verb`, in the order in which they were typed.
pub fn take_matches(typed: &mut ClientArgs, matches: &ArgMatches, verb: u8) -> Result<(), ArgError> {
    let mut given: Vec<_> = CLIENT_OPTIONS
        .iter()
        // clap knows no others, and panics when it is asked for them.
        .filter(|spec| spec.verbs & verb != 0)
        .filter(|spec| matches.value_source(&argument_id(spec)) == Some(clap::parser::ValueSource::CommandLine))
        .map(|spec| {
            let first = matches.indices_of(&argument_id(spec)).and_then(|mut indices| indices.next());
            (first.unwrap_or_default(), spec)
        })
        .collect();
    given.sort_by_key(|(index, _)| *index);
    for (_, spec) in given {
        if spec.value == Value::None {
            spec.take(typed, &[])?;
            continue;
        }
        for use_of_it in matches.get_occurrences::<OsString>(&argument_id(spec)).into_iter().flatten() {
            spec.take(typed, &use_of_it.cloned().collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn hint(name: &str) -> clap::ValueHint {
    match name {
        "FILE" | "PATH" | "CONF" => clap::ValueHint::FilePath,
        "DIR" => clap::ValueHint::DirPath,
        "HOST" => clap::ValueHint::Hostname,
        "COMMAND" => clap::ValueHint::CommandString,
        _ => clap::ValueHint::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::connect::args::Port;

    /// Default builds of Mosquitto 2.1 have 53, 62 and 59 options; ours come on top.
    #[test]
    fn each_verb_has_the_options_of_the_program_it_stands_in_for() {
        let ours = [
            "answer-timeout",
            "auth-method",
            "connect-timeout",
            "decode",
            "embedded",
            "encode",
            "exec",
            "exec-fail",
            "exec-shell",
            "exec-timeout",
            "filter",
            "from",
            "header",
            "jobs",
            "key-pass-file",
            "lenient",
            "loop",
            "map",
            "match",
            "ndjson",
            "no-reconnect",
            "no-verify",
            "oauth-audience",
            "oauth-cafile",
            "oauth-client-auth",
            "oauth-client-id",
            "oauth-client-secret-file",
            "oauth-scope",
            "oauth-token-url",
            "payload-format",
            "proto",
            "proto-path",
            "proxy-cafile",
            "pw-command",
            "pw-file",
            "pw-prompt",
            "raw",
            "reauth",
            "reconnect-max",
            "reconnect-wait",
            "record",
            "replay",
            "retry",
            "rotate",
            "select",
            "skip-bad",
            "speed",
            "strict",
            "to",
            "topic-per-line",
            "unsent",
            "ws-path",
        ]
        .map(Some);
        // -W is theirs for sub and rr, and ours for pub.
        let is_ours =
            |spec: &OptionSpec<_>| ours.contains(&spec.long) || (spec.short == Some('W') && spec.verbs == PUB);
        let count = |verb| CLIENT_OPTIONS.iter().filter(|spec| spec.verbs & verb != 0 && !is_ours(spec)).count();
        assert_eq!([count(PUB), count(SUB), count(RR)], [53, 62, 59]);
    }

    #[test]
    fn no_two_options_of_a_verb_share_a_name() {
        for verb in [PUB, SUB, RR, CONNECT, REACH, SOURCE] {
            command("x", "y", verb).debug_assert();
        }
    }

    fn typed(exact: bool, words: &[&str]) -> Result<ClientArgs, String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        read(Verb::Pub, exact, &[], &words).map_err(|error| error.into_failure("x").verbatim)
    }

    #[test]
    fn a_password_comes_from_one_place() {
        let ways: [&[&str]; 5] =
            [&["-P", "a"], &["--pw-file", "f"], &["--pw-prompt"], &["--pw-command", "c"], &["-L", "mqtt://u:p@h/t"]];
        for (index, one) in ways.iter().enumerate() {
            for (other_index, other) in ways.iter().enumerate() {
                let words = [*one, *other].concat();
                let read = typed(false, &words);
                assert_eq!(read.is_ok(), index == other_index, "{words:?}");
                if let Err(text) = read {
                    assert!(text.starts_with("Error: Only one of "), "{text}");
                }
                assert!(typed(true, &words).is_ok(), "{words:?}");
            }
        }
        // A file of options gives what the command line may replace.
        let line = ["-P", "a"].map(OsString::from).to_vec();
        let args = read(Verb::Pub, false, &[line], &["--pw-prompt".into()]).unwrap();
        assert_eq!(args.password, Some(PasswordSource::Prompt));
    }

    fn place(exact: bool, url: &str) -> (OsString, Port) {
        let typed = typed(exact, &["-L", url]).unwrap();
        (typed.host.unwrap(), typed.port.unwrap())
    }

    fn login(exact: bool, url: &str) -> (OsString, Vec<u8>) {
        let typed = typed(exact, &["-L", url]).unwrap();
        let Some(PasswordSource::Given(password)) = typed.password else { panic!("{url}") };
        (typed.username.unwrap(), password.expose().to_vec())
    }

    #[test]
    fn an_url_is_read_as_urls_are_under_our_own_names() {
        assert_eq!(place(false, "mqtt://[::1]:7/t"), ("::1".into(), Port::from(7)));
        assert_eq!(place(false, "mqtts://[fe80::1%25eth0]/t"), ("fe80::1%eth0".into(), Port::from(8883)));
        assert_eq!(login(false, "mqtt://u%40x:p@ss%2F@h/t"), ("u@x".into(), b"p@ss/".to_vec()));
        assert_eq!(&*typed(false, &["-L", "mqtt://h/a%20b?c@d"]).unwrap().topic.unwrap(), "a%20b?c@d");
    }

    #[test]
    fn an_url_is_read_as_mosquitto_reads_it_under_its_names() {
        assert_eq!(place(true, "mqtt://h:abc/t"), ("h".into(), Port::OfSocket));
        assert_eq!(login(true, "mqtt://u%40x:p@ss@h/t"), ("u%40x".into(), b"p".to_vec()));
        assert_eq!(place(true, "mqtt://u:p@ss@h/t").0, "ss@h");
    }

    #[test]
    fn an_url_that_is_none_is_refused_without_its_login() {
        for (url, why) in [
            ("mqtt://u:secret@h:abc/t", "'abc' is no port from 1 to 65535"),
            ("mqtt://u:secret@[::1/t", "an IPv6 address stands in brackets: [::1] or [::1]:1883"),
            ("mqtt://u:secret%@h/t", "'%' has to be written %25 where no two hexadecimal digits follow"),
            ("mqtt://u:secret%00@h/t", "%00 cannot be part of a login or host"),
            ("mqtt:///t", "there is no host"),
        ] {
            let refused = typed(false, &["-L", url]).unwrap_err();
            assert_eq!(refused.lines().next(), Some(&*format!("Error: Invalid URL: {why}.")), "{url}");
            assert!(!refused.contains("secret"), "{refused}");
        }
    }

    #[test]
    fn what_is_no_number_is_0_for_mosquitto_and_refused_by_us() {
        for words in [["-q", "two"], ["-p", "1883x"], ["--will-qos", "1x"]] {
            assert!(typed(true, &words).is_ok(), "{words:?}");
            let refused = typed(false, &words).unwrap_err();
            assert!(refused.contains(words[1]), "{refused}");
        }
        assert!(typed(true, &["-p", "secret"]).is_ok());
        let refused = typed(false, &["-p", "secret"]).unwrap_err();
        assert!(refused.starts_with("Error: Invalid port given: it is no number\n"), "{refused}");
        for words in [["-k", "60s"], ["-M", ""], ["--repeat", "2x"], ["--repeat-delay", "1s"]] {
            assert!(typed(false, &words).is_err(), "{words:?}");
        }
        assert_eq!(typed(false, &["-h", "[::1]"]).unwrap().host, Some("::1".into()));
        assert_eq!(typed(true, &["-h", "[::1]"]).unwrap().host, Some("[::1]".into()));
    }
}
