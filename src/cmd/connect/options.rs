//! The options of pub, sub and rr: the one table that is read, shown in help and printed in man pages.

use std::ffi::OsString;

use clap::ArgMatches;

use crate::cmd::words::{OptionSpec, Value};

/// Bits of [`OptionSpec::verbs`].
pub const PUB: u8 = 1;
pub const SUB: u8 = 2;
pub const RR: u8 = 4;
/// Our own verb that connects to a broker as a client does (check): the connection options only.
pub const CONNECT: u8 = 8;
/// qshape: how its brokers are reached; who connects, and with which session, is its own business.
pub const REACH: u8 = 16;

const CLIENTS: u8 = PUB | SUB | RR;
const EVERY: u8 = CLIENTS | CONNECT;
const ALL: u8 = EVERY | REACH;

/// What an option is; its value is judged in `cmd::connect::args`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opt {
    BindAddress,
    CaFile,
    CaPath,
    Cert,
    Ciphers,
    Count,
    DisableCleanSession,
    Debug,
    Property,
    ResponseTopic,
    ExitAfterSuback,
    File,
    Format,
    Help,
    Host,
    Insecure,
    Id,
    IdPrefix,
    KeepAlive,
    Key,
    KeyForm,
    KeyPassFile,
    Url,
    StdinLine,
    Latency,
    Message,
    MaxInflight,
    MessageRate,
    NoDelay,
    NoTls,
    NoVerify,
    NullMessage,
    NoNewline,
    OptionsFile,
    Port,
    Pretty,
    Password,
    PasswordFile,
    PasswordPrompt,
    PasswordCommand,
    Proxy,
    Psk,
    PskIdentity,
    QoS,
    Quiet,
    Retain,
    NoRetained,
    RandomFilter,
    RemoveRetained,
    Repeat,
    RepeatDelay,
    RetainAsPublished,
    RetainHandling,
    RetainedOnly,
    StdinFile,
    Topic,
    FilterOut,
    TlsAlpn,
    TlsEngine,
    TlsEngineKpassSha1,
    TlsKeyLog,
    TlsUseOsCerts,
    TlsVersion,
    Unsubscribe,
    Username,
    Unix,
    ProtocolVersion,
    Verbose,
    Version,
    Timeout,
    Watch,
    WillPayload,
    WillQoS,
    WillRetain,
    WillTopic,
    WebSockets,
    SessionExpiry,
    Strict,
    Embedded,
}

const CONNECTION: &str = "Connection";
const LOGIN: &str = "Login";
const SESSION: &str = "Session";
const TLS: &str = "TLS";
const MESSAGE: &str = "Message";
const SUBSCRIPTION: &str = "Subscription";
const OUTPUT: &str = "Output";
const WILL: &str = "Will";
const OTHER: &str = "Other";

const fn word(name: &'static str, missing: &'static str) -> Value {
    Value::Word { name, missing }
}

const fn row(
    id: Opt,
    short: Option<char>,
    long: &'static str,
    value: Value,
    verbs: u8,
    heading: &'static str,
    help: &'static str,
) -> OptionSpec<Opt> {
    let long = if long.is_empty() { None } else { Some(long) };
    OptionSpec { id, short, long, value, verbs, heading, help }
}

/// Every option, in the order of the help.
#[rustfmt::skip]
pub const CLIENT_OPTIONS: &[OptionSpec<Opt>] = &[
    row(Opt::Host, Some('h'), "host", word("HOST", "no host"), ALL, CONNECTION, "Broker to connect to [default: localhost]"),
    row(Opt::Port, Some('p'), "port", word("PORT", "no port"), ALL, CONNECTION, "Port [default: 1883, or 8883 with TLS options]; 0 takes the host for the path of a unix socket"),
    row(Opt::Url, Some('L'), "url", word("URL", "no URL"), ALL, CONNECTION, "Host, port, login and topic in one: mqtt(s)|ws(s)://[user[:password]@]host[:port]/topic"),
    row(Opt::Unix, None, "unix", word("PATH", "no socket path"), ALL, CONNECTION, "Connect to a unix domain socket"),
    row(Opt::BindAddress, Some('A'), "", word("ADDRESS", "no address"), ALL, CONNECTION, "Local address to connect from"),
    row(Opt::KeepAlive, Some('k'), "keepalive", word("SECONDS", "no keepalive"), EVERY, CONNECTION, "Keep-alive, 5 to 65535 [default: 60]"),
    row(Opt::ProtocolVersion, Some('V'), "protocol-version", word("VERSION", "no version"), PUB | SUB | REACH, CONNECTION, "mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 311]"),
    row(Opt::ProtocolVersion, Some('V'), "protocol-version", word("VERSION", "no version"), RR, CONNECTION, "mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: 5]"),
    row(Opt::ProtocolVersion, Some('V'), "protocol-version", word("VERSION", "no version"), CONNECT, CONNECTION, "Version that must be accepted: mqttv31 (31), mqttv311 (311) or mqttv5 (5) [default: any]"),
    row(Opt::NoDelay, None, "nodelay", Value::None, EVERY, CONNECTION, "Send small packets at once (TCP_NODELAY)"),
    row(Opt::WebSockets, None, "ws", Value::None, ALL, CONNECTION, "Speak MQTT over WebSockets"),
    row(Opt::Proxy, None, "proxy", word("URL", "no proxy url"), ALL, CONNECTION, "Connect through a SOCKS5 proxy: socks5h://[user[:password]@]host[:port]"),
    row(Opt::Embedded, None, "embedded", Value::Attached { name: "CONF" }, EVERY, CONNECTION, "Start the embedded broker in this process, on CONF if given, and use it"),

    row(Opt::Username, Some('u'), "username", word("NAME", "no username"), ALL, LOGIN, "User name"),
    row(Opt::Password, Some('P'), "pw", word("PASSWORD", "no password"), ALL, LOGIN, "Password; others can see it in the process list, so prefer the options below"),
    row(Opt::PasswordFile, None, "pw-file", word("FILE", "no file"), ALL, LOGIN, "Read the password from the first line of FILE"),
    row(Opt::PasswordPrompt, None, "pw-prompt", Value::None, ALL, LOGIN, "Ask for the password on the terminal"),
    row(Opt::PasswordCommand, None, "pw-command", word("COMMAND", "no command"), ALL, LOGIN, "Take the password or token from the first line that COMMAND prints within 60 seconds, anew at each connect"),

    row(Opt::Id, Some('i'), "id", word("ID", "no id"), EVERY, SESSION, "Client id"),
    row(Opt::IdPrefix, Some('I'), "id-prefix", word("PREFIX", "no id prefix"), EVERY, SESSION, "Client id made of PREFIX and the process id"),
    row(Opt::DisableCleanSession, Some('c'), "disable-clean-session", Value::None, EVERY, SESSION, "Keep the session: the broker stores QoS 1 and 2 messages while this client is away"),
    row(Opt::SessionExpiry, Some('x'), "", word("SECONDS", "no session expiry interval"), EVERY, SESSION, "Session expiry interval; -1 for never (MQTT 5)"),
    row(Opt::MaxInflight, Some('M'), "", word("COUNT", "max_inflight not"), CLIENTS, SESSION, "Most QoS 1 and 2 messages in flight at once [default: 20]"),

    row(Opt::CaFile, None, "cafile", word("FILE", "no file"), ALL, TLS, "Trust the CA certificates of this PEM file; switches TLS on"),
    row(Opt::CaPath, None, "capath", word("DIR", "no directory"), ALL, TLS, "Trust the CA certificates in this directory; switches TLS on"),
    row(Opt::TlsUseOsCerts, None, "tls-use-os-certs", Value::None, ALL, TLS, "Trust the CAs of the operating system; switches TLS on"),
    row(Opt::Cert, None, "cert", word("FILE", "no file"), ALL, TLS, "Client certificate chain, PEM"),
    row(Opt::Key, None, "key", word("FILE", "no file"), ALL, TLS, "Private key of the client certificate, PEM"),
    row(Opt::KeyPassFile, None, "key-pass-file", word("FILE", "no file"), ALL, TLS, "Read the passphrase of an encrypted key from the first line of FILE instead of asking"),
    row(Opt::TlsVersion, None, "tls-version", word("VERSION", "no version"), ALL, TLS, "Lowest version to accept: tlsv1.2 or tlsv1.3"),
    row(Opt::TlsAlpn, None, "tls-alpn", word("PROTOCOL", "no protocol"), ALL, TLS, "Protocol to offer by ALPN"),
    row(Opt::Ciphers, None, "ciphers", word("LIST", "no ciphers"), ALL, TLS, "Cipher suites by their OpenSSL names, separated by colons"),
    row(Opt::Insecure, None, "insecure", Value::None, ALL, TLS, "Do not compare the certificate with the host name; the chain is still checked"),
    row(Opt::NoVerify, None, "no-verify", Value::None, ALL, TLS, "Do not check the server's certificate at all; for tests only"),
    row(Opt::TlsKeyLog, None, "tls-keylog", word("FILE", "no file"), ALL, TLS, "Append the session's secrets to FILE, for Wireshark"),
    row(Opt::NoTls, None, "no-tls", Value::None, ALL, TLS, "Ignore all TLS options; the port stays as they chose it"),
    row(Opt::Psk, None, "psk", word("KEY", "no key"), ALL, TLS, "Pre-shared key, hex digits (TLS 1.2); only in a build with the feature psk"),
    row(Opt::PskIdentity, None, "psk-identity", word("IDENTITY", "no identity"), ALL, TLS, "Name of the pre-shared key"),
    row(Opt::KeyForm, None, "keyform", word("FORM", "no keyform"), ALL, TLS, "Form of the private key: only pem"),
    row(Opt::TlsEngine, None, "tls-engine", word("ENGINE", "no engine_id"), ALL, TLS, "Not supported: OpenSSL engines"),
    row(Opt::TlsEngineKpassSha1, None, "tls-engine-kpass-sha1", word("HEX", "no kpass sha1"), ALL, TLS, "Not supported: OpenSSL engines"),

    row(Opt::Topic, Some('t'), "topic", word("TOPIC", "no topic"), PUB | RR, MESSAGE, "Topic to publish to"),
    row(Opt::Topic, Some('t'), "topic", word("TOPIC", "no topic"), SUB, MESSAGE, "Topic filter to subscribe to; may be given several times"),
    row(Opt::Topic, Some('t'), "topic", word("TOPIC", "no topic"), CONNECT, MESSAGE, "Topic below which a message is published and received, to see whether both are allowed"),
    row(Opt::ResponseTopic, Some('e'), "", word("TOPIC", "no response topic"), RR, MESSAGE, "Topic on which the response is awaited"),
    row(Opt::Message, Some('m'), "message", word("TEXT", "no message"), PUB | RR, MESSAGE, "Payload"),
    row(Opt::File, Some('f'), "file", word("FILE", "no file"), PUB | RR, MESSAGE, "Payload from a regular file"),
    row(Opt::StdinFile, Some('s'), "stdin-file", Value::None, PUB | RR, MESSAGE, "Payload from all of standard input"),
    row(Opt::StdinLine, Some('l'), "stdin-line", Value::None, PUB, MESSAGE, "One message for each line of standard input"),
    row(Opt::NullMessage, Some('n'), "null-message", Value::None, PUB | RR, MESSAGE, "Empty payload"),
    row(Opt::QoS, Some('q'), "qos", word("QOS", "no QoS"), EVERY, MESSAGE, "Quality of service, 0, 1 or 2 [default: 0]"),
    row(Opt::Retain, Some('r'), "retain", Value::None, PUB, MESSAGE, "Ask the broker to retain the message"),
    row(Opt::Repeat, None, "repeat", word("COUNT", "no count"), PUB, MESSAGE, "Publish COUNT times [default: 1]"),
    row(Opt::RepeatDelay, None, "repeat-delay", word("SECONDS", "no time"), PUB, MESSAGE, "Time between repetitions; fractions are allowed [default: 0]"),
    row(Opt::Property, Some('D'), "property", Value::Property, EVERY, MESSAGE, "Property of a packet (MQTT 5): COMMAND PROPERTY VALUE, or COMMAND user-property NAME VALUE"),

    row(Opt::Count, Some('C'), "", word("COUNT", "no count"), SUB, SUBSCRIPTION, "Leave after COUNT messages"),
    row(Opt::ExitAfterSuback, Some('E'), "", Value::None, SUB, SUBSCRIPTION, "Leave once the broker has acknowledged the subscriptions"),
    row(Opt::Timeout, Some('W'), "", word("SECONDS", "no timeout"), SUB | RR, SUBSCRIPTION, "Leave after SECONDS, with exit code 27"),
    row(Opt::FilterOut, Some('T'), "filter-out", word("FILTER", "no topic filter"), SUB, SUBSCRIPTION, "Do not print messages whose topic matches; may be given several times"),
    row(Opt::Unsubscribe, Some('U'), "unsubscribe", word("FILTER", "no unsubscribe topic"), SUB, SUBSCRIPTION, "Unsubscribe from a topic filter; may be given several times"),
    row(Opt::NoRetained, Some('R'), "", Value::None, SUB | RR, SUBSCRIPTION, "Do not print retained messages"),
    row(Opt::RetainedOnly, None, "retained-only", Value::None, SUB, SUBSCRIPTION, "Only retained messages: leave at the first live one"),
    row(Opt::RemoveRetained, None, "remove-retained", Value::None, SUB, SUBSCRIPTION, "Delete each retained message that is received from the broker"),
    row(Opt::RetainAsPublished, None, "retain-as-published", Value::None, SUB | RR, SUBSCRIPTION, "Keep the publisher's retain flag on live messages (MQTT 5)"),
    row(Opt::RetainHandling, None, "retain-handling", word("WHEN", "no option"), SUB | RR, SUBSCRIPTION, "When retained messages are sent: always, new or never (MQTT 5)"),
    row(Opt::RandomFilter, None, "random-filter", word("PERCENT", "no chance"), SUB, SUBSCRIPTION, "Print only this share of the messages, 0.1 to 100"),

    row(Opt::Format, Some('F'), "", word("FORMAT", "no format"), SUB | RR, OUTPUT, "Output format; see the man page"),
    row(Opt::Verbose, Some('v'), "verbose", Value::None, SUB | RR, OUTPUT, "Print the topic in front of the payload"),
    row(Opt::NoNewline, Some('N'), "", Value::None, SUB | RR, OUTPUT, "No newline after each message"),
    row(Opt::Pretty, None, "pretty", Value::None, SUB | RR, OUTPUT, "Indent the JSON of %j and %J"),
    row(Opt::MessageRate, None, "message-rate", Value::None, SUB, OUTPUT, "Print the number of messages of each second instead of the messages"),
    row(Opt::Watch, Some('w'), "watch", Value::None, SUB, OUTPUT, "Keep one line of the screen for each topic"),
    row(Opt::Latency, None, "latency", Value::None, RR, OUTPUT, "Print the time between request and response; implies --nodelay"),
    row(Opt::Debug, Some('d'), "debug", Value::None, EVERY, OUTPUT, "Print each packet on standard output"),
    row(Opt::Quiet, None, "quiet", Value::None, CLIENTS, OUTPUT, "Print no errors at run time"),

    row(Opt::WillTopic, None, "will-topic", word("TOPIC", "no will topic"), CLIENTS, WILL, "Topic of the will, which the broker publishes if this client vanishes"),
    row(Opt::WillPayload, None, "will-payload", word("TEXT", "no will payload"), CLIENTS, WILL, "Payload of the will [default: empty]"),
    row(Opt::WillQoS, None, "will-qos", word("QOS", "no will QoS"), CLIENTS, WILL, "Quality of service of the will [default: 0]"),
    row(Opt::WillRetain, None, "will-retain", Value::None, CLIENTS, WILL, "Retain the will"),

    row(Opt::Strict, None, "strict", Value::Attached { name: "subscribers" }, CLIENTS, OTHER, "Fail, with an exit code, where the broker refuses a message or a subscription; `=subscribers`: also where nobody is subscribed (MQTT 5, QoS 1)"),
    row(Opt::OptionsFile, Some('o'), "", word("FILE", "no options file"), CLIENTS, OTHER, "Read options from FILE instead of the file in ~/.config"),
    row(Opt::Help, None, "help", Value::None, CLIENTS, OTHER, "Show this help"),
    row(Opt::Version, None, "version", Value::None, CLIENTS, OTHER, "Show the version"),
];

/// A `clap::Command` with the options that `verb` has: for help, man page and completions.
pub fn command(name: &'static str, about: &'static str, verb: u8) -> clap::Command {
    let command = clap::Command::new(name).about(about).disable_help_flag(true).disable_version_flag(true);
    add_options(command, verb)
}

/// Adds the options of `verb` to a command, as clap arguments named by their long (or short) name.
pub fn add_options(command: clap::Command, verb: u8) -> clap::Command {
    CLIENT_OPTIONS
        .iter()
        .filter(|spec| spec.verbs & verb != 0)
        .fold(command, |command, spec| command.arg(argument(spec)))
}

/// The id of the option among clap's arguments.
pub fn argument_id(spec: &OptionSpec<Opt>) -> String {
    spec.long.map_or_else(|| spec.short.map(String::from).unwrap_or_default(), str::to_owned)
}

/// An option of the table as clap's argument.
pub fn argument(spec: &OptionSpec<Opt>) -> clap::Arg {
    let repeatable = matches!(spec.id, Opt::Topic | Opt::FilterOut | Opt::Unsubscribe | Opt::Property);
    let mut argument = clap::Arg::new(argument_id(spec)).help(spec.help).help_heading(spec.heading);
    if let Some(short) = spec.short {
        argument = argument.short(short);
    }
    if let Some(long) = spec.long {
        argument = argument.long(long);
    }
    let values = if repeatable { clap::ArgAction::Append } else { clap::ArgAction::Set };
    match spec.value {
        Value::None => argument.action(clap::ArgAction::SetTrue),
        Value::Word { name, .. } => argument
            .action(values)
            .value_name(name)
            .value_parser(clap::value_parser!(OsString))
            .allow_hyphen_values(true)
            .value_hint(hint(name)),
        Value::Property => argument
            .action(values)
            .num_args(3..=4)
            .value_names(["COMMAND", "PROPERTY", "VALUE"])
            .value_parser(clap::value_parser!(OsString)),
        Value::Attached { name } => argument
            .action(values)
            .num_args(0..=1)
            .require_equals(true)
            .value_name(name)
            .value_parser(clap::value_parser!(OsString)),
    }
}

/// What clap took apart, as the words that the table's own reader takes, in the order in which they were
/// typed.
pub fn typed_words(matches: &ArgMatches, wanted: impl Fn(&OptionSpec<Opt>) -> bool) -> Vec<OsString> {
    let mut found: Vec<(usize, Vec<OsString>)> = Vec::new();
    for spec in CLIENT_OPTIONS.iter().filter(|spec| wanted(spec)) {
        let id = argument_id(spec);
        let option = OsString::from(
            spec.long.map_or_else(|| format!("-{}", spec.short.unwrap_or_default()), |long| format!("--{long}")),
        );
        if matches.value_source(&id) != Some(clap::parser::ValueSource::CommandLine) {
            continue;
        }
        let first = matches.indices_of(&id).and_then(|mut indices| indices.next()).unwrap_or_default();
        match spec.value {
            Value::None => found.push((first, vec![option])),
            Value::Attached { .. } => {
                let value = matches.get_one::<OsString>(&id);
                let word = value.map_or_else(
                    || option.clone(),
                    |value| {
                        let mut word = option.clone();
                        word.push("=");
                        word.push(value);
                        word
                    },
                );
                found.push((first, vec![word]));
            }
            Value::Word { .. } | Value::Property => {
                for occurrence in matches.get_occurrences::<OsString>(&id).into_iter().flatten() {
                    found.push((first, std::iter::once(option.clone()).chain(occurrence.cloned()).collect()));
                }
            }
        }
    }
    found.sort_by_key(|(index, _)| *index);
    found.into_iter().flat_map(|(_, words)| words).collect()
}

/// An URL as the words of pub and sub, whose reader wants a topic in it.
pub fn url_words(url: &str) -> Vec<OsString> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let has_topic = rest.split_once('/').is_some_and(|(_, topic)| !topic.is_empty());
    let url = if has_topic { url.to_owned() } else { format!("{}/{NO_TOPIC}", url.trim_end_matches('/')) };
    vec!["-L".into(), url.into()]
}

/// Stands for the topic of an URL without one: nobody may publish to it.
pub const NO_TOPIC: &str = "$";

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

    /// Default builds of Mosquitto 2.1 have 53, 62 and 59 options; ours come on top.
    #[test]
    fn each_verb_has_the_options_of_the_program_it_stands_in_for() {
        let ours = [
            Opt::Embedded,
            Opt::PasswordFile,
            Opt::PasswordPrompt,
            Opt::PasswordCommand,
            Opt::KeyPassFile,
            Opt::NoVerify,
            Opt::Strict,
        ];
        let count =
            |verb| CLIENT_OPTIONS.iter().filter(|spec| spec.verbs & verb != 0 && !ours.contains(&spec.id)).count();
        assert_eq!([count(PUB), count(SUB), count(RR)], [53, 62, 59]);
    }

    #[test]
    fn no_two_options_of_a_verb_share_a_name() {
        for verb in [PUB, SUB, RR, CONNECT, REACH] {
            command("x", "y", verb).debug_assert();
        }
    }
}
