//! What was typed for pub, sub and rr, option by option, judged as far as one option can be judged
//! alone. What only the whole line can tell is `cmd::connect::checks`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::arg_error::ArgError;
use super::options::{CLIENT_OPTIONS, Opt, PUB, RR, SUB};
use super::properties::CommandProperties;
use super::proxy;
use crate::cmd::words::{Reader, WordError, atof, atoi, strtol};
use crate::mqtt::packet::{ProtocolVersion, QoS, RetainHandling, SubscriptionOptions, first_discouraged};
use crate::mqtt::topic::{TopicFilter, TopicName};
use crate::net::Scheme;
use crate::net::socks::Proxy;
use crate::os::text::{OsStrExt, OsStringExt};
use crate::term::Secret;
use crate::term::format::Format;

/// Largest payload of an MQTT packet, as Mosquitto counts it §2.1.4.
pub const MAX_PAYLOAD: usize = 268_435_455;

/// The longest pause between repetitions, a century: what is longer is as good as never, and beyond what clocks can add.
const LONGEST_DELAY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Which of Mosquitto's three clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Pub,
    Sub,
    Rr,
}

impl Verb {
    pub const fn bit(self) -> u8 {
        match self {
            Self::Pub => PUB,
            Self::Sub => SUB,
            Self::Rr => RR,
        }
    }

    pub const fn mosquitto_name(self) -> &'static str {
        match self {
            Self::Pub => "mosquitto_pub",
            Self::Sub => "mosquitto_sub",
            Self::Rr => "mosquitto_rr",
        }
    }
}

/// Where the payload comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadSource {
    Text(Bytes),
    Null,
    File(PathBuf),
    /// All of standard input is one payload.
    Stdin,
    /// Each line of standard input is one.
    StdinLines,
}

/// Where a password comes from besides `-P`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    Given(Secret),
    File(PathBuf),
    Prompt,
    Command(OsString),
}

/// `--strict`: what beside a broken connection counts as a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strict {
    #[default]
    Off,
    /// Refused messages and subscriptions.
    Refusals,
    /// And messages that nobody is subscribed to.
    Subscribers,
}

/// TLS options as typed.
#[derive(Clone, Debug, Default)]
pub struct TlsArgs {
    pub cafile: Option<PathBuf>,
    pub capath: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub key_pass_file: Option<PathBuf>,
    pub keyform: Option<String>,
    pub ciphers: Option<String>,
    pub insecure: bool,
    pub no_verify: bool,
    pub alpn: Option<Vec<u8>>,
    pub engine: Option<String>,
    pub engine_kpass: Option<String>,
    pub keylog: Option<PathBuf>,
    pub os_certs: bool,
    pub version: Option<String>,
    pub psk: Option<Secret>,
    pub psk_identity: Option<String>,
    pub no_tls: bool,
}

/// The will options as typed.
#[derive(Clone, Debug, Default)]
pub struct WillArgs {
    pub topic: Option<TopicName>,
    pub payload: Option<Bytes>,
    pub qos: QoS,
    pub retain: bool,
}

/// What was typed.
#[derive(Clone, Debug)]
pub struct ClientArgs {
    pub host: Option<OsString>,
    pub port: Option<i32>,
    pub bind_address: Option<OsString>,
    pub keep_alive: u16,
    pub version: Option<ProtocolVersion>,
    pub no_delay: bool,
    pub websockets: bool,
    pub proxy: Option<Proxy>,
    /// Wanted, and with which configuration file.
    pub embedded: Option<Option<PathBuf>>,
    pub username: Option<OsString>,
    pub password: Option<PasswordSource>,
    pub id: Option<OsString>,
    pub id_prefix: Option<OsString>,
    pub keep_session: bool,
    pub session_expiry: Option<u32>,
    pub max_inflight: u16,
    pub tls: TlsArgs,
    pub will: WillArgs,
    pub properties: CommandProperties,
    pub qos: QoS,
    pub debug: bool,
    pub quiet: bool,
    pub strict: Strict,

    /// pub and rr: the topic to publish to.
    pub topic: Option<TopicName>,
    /// sub: the filters of `-t`, in order.
    pub filters: Vec<TopicFilter>,
    pub response_topic: Option<TopicName>,
    pub payload: Option<PayloadSource>,
    pub retain: bool,
    pub repeat: u32,
    pub repeat_delay: Duration,

    pub count: Option<u32>,
    pub exit_after_suback: bool,
    pub timeout: Option<Duration>,
    pub filter_outs: Vec<TopicFilter>,
    pub unsubscribes: Vec<TopicFilter>,
    pub no_retained: bool,
    pub retained_only: bool,
    pub remove_retained: bool,
    pub retain_as_published: bool,
    pub retain_handling: RetainHandling,
    /// Of 10,000 messages, so many are printed.
    pub random_filter: Option<u32>,
    pub format: Option<Format>,
    pub verbose: bool,
    pub no_newline: bool,
    pub pretty: bool,
    pub message_rate: bool,
    pub watch: bool,
    pub latency: bool,

    options_file_given: bool,
}

impl ClientArgs {
    fn new() -> Self {
        Self {
            host: None,
            port: None,
            bind_address: None,
            keep_alive: 60,
            version: None,
            no_delay: false,
            websockets: false,
            proxy: None,
            embedded: None,
            username: None,
            password: None,
            id: None,
            id_prefix: None,
            keep_session: false,
            session_expiry: None,
            max_inflight: 20,
            tls: TlsArgs::default(),
            will: WillArgs::default(),
            properties: CommandProperties::default(),
            qos: QoS::AtMostOnce,
            debug: false,
            quiet: false,
            strict: Strict::Off,
            topic: None,
            filters: Vec::new(),
            response_topic: None,
            payload: None,
            retain: false,
            repeat: 1,
            repeat_delay: Duration::ZERO,
            count: None,
            exit_after_suback: false,
            timeout: None,
            filter_outs: Vec::new(),
            unsubscribes: Vec::new(),
            no_retained: false,
            retained_only: false,
            remove_retained: false,
            retain_as_published: false,
            retain_handling: RetainHandling::SendAtSubscribe,
            random_filter: None,
            format: None,
            verbose: false,
            no_newline: false,
            pretty: false,
            message_rate: false,
            watch: false,
            latency: false,
            options_file_given: false,
        }
    }

    /// Reads the lines of the options file, if there is one, then the words of the command line.
    /// `exact`: Mosquitto's rules to the letter ([`Reader::exact`]).
    pub fn read(verb: Verb, exact: bool, file_lines: &[Vec<OsString>], words: &[OsString]) -> Result<Self, ArgError> {
        let mut args = Self::new();
        let reader = Reader { table: CLIENT_OPTIONS, verb: verb.bit(), exact };
        for line in file_lines {
            // `-o` in a file has no effect.
            args.read_words(verb, &Reader { table: CLIENT_OPTIONS, verb: verb.bit(), exact: true }, line)?;
            args.options_file_given = false;
        }
        args.read_words(verb, &reader, words)?;
        Ok(args)
    }

    fn read_words(&mut self, verb: Verb, reader: &Reader<Opt>, words: &[OsString]) -> Result<(), ArgError> {
        let result = reader.read(words, |option, values| self.apply(verb, option, &values));
        // The conflicts are told before a missing value.
        if let Err(ArgError::Words(WordError::MissingValue { label, .. })) = &result {
            match label.as_str() {
                "-i" | "-I" => self.refuse_second_id(label == "-i")?,
                "-m" | "-f" => self.refuse_second_payload()?,
                "-o" if self.options_file_given => return Err(duplicate_options_file()),
                _ => {}
            }
        }
        result
    }

    /// Takes one option. `values` has the words that the table promises for it.
    pub fn apply(&mut self, verb: Verb, option: Opt, values: &[OsString]) -> Result<(), ArgError> {
        let value = values.first().cloned().unwrap_or_default();
        match option {
            Opt::Help => return Err(ArgError::Help),
            Opt::Version => return Err(ArgError::Version),
            Opt::OptionsFile if self.options_file_given => return Err(duplicate_options_file()),
            Opt::OptionsFile => self.options_file_given = true,

            Opt::Host => self.host = Some(value),
            Opt::Port => self.port = Some(port(&value)?),
            Opt::Unix => {
                self.host = Some(value);
                self.port = Some(0);
            }
            Opt::Url => self.apply_url(verb, &value)?,
            Opt::BindAddress => self.bind_address = Some(value),
            Opt::KeepAlive => {
                self.keep_alive =
                    u16::try_from(atoi(&value)).ok().filter(|seconds| *seconds >= 5).ok_or_else(|| {
                        ArgError::spaced("Error: Invalid keepalive given, it must be between 5 and 65535 inclusive.")
                    })?;
            }
            Opt::ProtocolVersion => self.version = Some(protocol_version(&value)?),
            Opt::NoDelay => self.no_delay = true,
            Opt::WebSockets => self.websockets = true,
            Opt::Proxy => {
                // The one usage error that a `--quiet` in front of it suppresses.
                let told = |line| ArgError::plain(if self.quiet { String::new() } else { line });
                self.proxy = Some(proxy::parse(&value.to_string_lossy()).map_err(told)?);
            }
            Opt::Embedded => self.embedded = Some(values.first().map(PathBuf::from)),

            Opt::Username => self.username = Some(value),
            Opt::Password => self.password = Some(PasswordSource::Given(Secret::new(value.as_bytes()))),
            Opt::PasswordFile => self.password = Some(PasswordSource::File(value.into())),
            Opt::PasswordPrompt => self.password = Some(PasswordSource::Prompt),
            Opt::PasswordCommand => self.password = Some(PasswordSource::Command(value)),

            Opt::Id => {
                self.refuse_second_id(true)?;
                self.id = Some(value);
            }
            Opt::IdPrefix => {
                self.refuse_second_id(false)?;
                self.id_prefix = Some(value);
            }
            Opt::DisableCleanSession => self.keep_session = true,
            Opt::SessionExpiry => {
                self.session_expiry = Some(session_expiry(&value)?);
                self.version = Some(ProtocolVersion::V5);
            }
            Opt::MaxInflight => {
                let count = atoi(&value);
                if count < 1 {
                    return Err(ArgError::spaced("Error: Maximum inflight messages must be greater than 0."));
                }
                // Packet ids are 16 bits, so more can never be in flight.
                self.max_inflight = u16::try_from(count).unwrap_or(u16::MAX);
            }
            Opt::Property => {
                self.properties.add(values)?;
                self.version = Some(ProtocolVersion::V5);
            }
            Opt::Debug => self.debug = true,
            Opt::Quiet => self.quiet = true,
            Opt::Strict => {
                self.strict = match values.first().map(|value| value.as_bytes()) {
                    None => Strict::Refusals,
                    Some(b"subscribers") => Strict::Subscribers,
                    Some(_) => {
                        return Err(ArgError::plain(
                            "Error: --strict takes no value but `subscribers`: --strict=subscribers.",
                        ));
                    }
                }
            }
            Opt::QoS => {
                self.qos = qos(&value)
                    .ok_or_else(|| ArgError::plain(format!("Error: Invalid QoS given: {}", atoi(&value))))?;
            }
            _ => return self.apply_tls_or_message(verb, option, value),
        }
        Ok(())
    }

    fn apply_tls_or_message(&mut self, verb: Verb, option: Opt, value: OsString) -> Result<(), ArgError> {
        let tls = &mut self.tls;
        let text = || value.to_string_lossy().into_owned();
        match option {
            Opt::CaFile => tls.cafile = Some(value.into()),
            Opt::CaPath => tls.capath = Some(value.into()),
            Opt::Cert => tls.cert = Some(value.into()),
            Opt::Key => tls.key = Some(value.into()),
            Opt::KeyPassFile => tls.key_pass_file = Some(value.into()),
            Opt::KeyForm => tls.keyform = Some(text()),
            Opt::Ciphers => tls.ciphers = Some(text()),
            Opt::Insecure => tls.insecure = true,
            Opt::NoVerify => tls.no_verify = true,
            Opt::TlsAlpn => tls.alpn = Some(value.as_bytes().to_vec()),
            Opt::TlsEngine => tls.engine = Some(text()),
            Opt::TlsEngineKpassSha1 => tls.engine_kpass = Some(text()),
            Opt::TlsKeyLog => tls.keylog = Some(value.into()),
            Opt::TlsUseOsCerts => tls.os_certs = true,
            Opt::TlsVersion => tls.version = Some(text()),
            Opt::Psk => tls.psk = Some(Secret::new(value.as_bytes())),
            Opt::PskIdentity => tls.psk_identity = Some(text()),
            Opt::NoTls => tls.no_tls = true,

            Opt::WillTopic => self.will.topic = Some(topic_name(&value, "--will-topic", "will")?),
            Opt::WillPayload => self.will.payload = Some(Bytes::copy_from_slice(value.as_bytes())),
            Opt::WillQoS => {
                self.will.qos = qos(&value)
                    .ok_or_else(|| ArgError::spaced(format!("Error: Invalid will QoS {}.", atoi(&value))))?;
            }
            Opt::WillRetain => self.will.retain = true,
            _ => return self.apply_message(verb, option, &value),
        }
        Ok(())
    }

    fn apply_message(&mut self, verb: Verb, option: Opt, value: &OsStr) -> Result<(), ArgError> {
        match option {
            Opt::Topic if verb == Verb::Sub => self.filters.push(topic_filter(value, "-t", "subscription")?),
            Opt::Topic => self.topic = Some(topic_name(value, "-t", "publish")?),
            Opt::ResponseTopic => self.response_topic = Some(topic_name(value, "-e", "response")?),
            Opt::Message => {
                self.refuse_second_payload()?;
                if value.len() > MAX_PAYLOAD {
                    return Err(ArgError::spaced(format!(
                        "Error: Message length must be less than {MAX_PAYLOAD} bytes."
                    )));
                }
                self.payload = Some(PayloadSource::Text(Bytes::copy_from_slice(value.as_bytes())));
            }
            Opt::File => {
                self.refuse_second_payload()?;
                self.payload = Some(PayloadSource::File(value.into()));
            }
            Opt::StdinFile => {
                self.refuse_second_payload()?;
                self.payload = Some(PayloadSource::Stdin);
            }
            Opt::StdinLine => {
                self.refuse_second_payload()?;
                self.payload = Some(PayloadSource::StdinLines);
            }
            Opt::NullMessage => {
                self.refuse_second_payload()?;
                self.payload = Some(PayloadSource::Null);
            }
            Opt::Retain => self.retain = true,
            Opt::Repeat => {
                self.repeat = u32::try_from(atoi(value))
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or_else(|| ArgError::spaced("Error: --repeat argument must be >0."))?;
            }
            Opt::RepeatDelay => {
                let seconds = atof(value);
                if seconds.is_nan() || seconds < 0.0 {
                    return Err(ArgError::spaced("Error: --repeat-delay argument must be >=0.0."));
                }
                self.repeat_delay = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY);
            }
            _ => return self.apply_subscription(option, value),
        }
        Ok(())
    }

    fn apply_subscription(&mut self, option: Opt, value: &OsStr) -> Result<(), ArgError> {
        match option {
            Opt::Count => {
                let count = atoi(value);
                self.count = Some(
                    u32::try_from(count)
                        .ok()
                        .filter(|count| *count > 0)
                        .ok_or_else(|| ArgError::spaced(format!("Error: Invalid message count \"{count}\".")))?,
                );
            }
            Opt::ExitAfterSuback => self.exit_after_suback = true,
            Opt::Timeout => {
                let seconds = atoi(value);
                let valid = u64::try_from(seconds).ok().filter(|seconds| *seconds > 0);
                self.timeout = Some(Duration::from_secs(
                    valid.ok_or_else(|| ArgError::spaced(format!("Error: Invalid timeout \"{seconds}\".")))?,
                ));
            }
            Opt::FilterOut => self.filter_outs.push(topic_filter(value, "-T", "filter")?),
            Opt::Unsubscribe => self.unsubscribes.push(topic_filter(value, "-U", "unsubscribe")?),
            Opt::NoRetained => {
                self.no_retained = true;
                self.retain_handling = RetainHandling::DoNotSend;
            }
            Opt::RetainedOnly => self.retained_only = true,
            Opt::RemoveRetained => self.remove_retained = true,
            Opt::RetainAsPublished => self.retain_as_published = true,
            Opt::RetainHandling => {
                self.retain_handling = match value.as_bytes() {
                    b"always" => RetainHandling::SendAtSubscribe,
                    b"new" => RetainHandling::SendIfNew,
                    b"never" => RetainHandling::DoNotSend,
                    _ => {
                        let value = value.to_string_lossy();
                        return Err(ArgError::spaced(format!("Error: Unknown value '{value}' for --retain-handling.")));
                    }
                }
            }
            Opt::RandomFilter => {
                let percent = atof(value);
                if !(0.1..=100.0).contains(&percent) {
                    return Err(ArgError::spaced("Error: --random-filter chance must be between 0.1-100.0"));
                }
                self.random_filter = Some((percent * 100.0).round() as u32);
            }
            Opt::Format => {
                let format = Format::parse(value.as_bytes());
                self.format = Some(format.map_err(|error| ArgError::plain(format!("Error: {error}")))?);
            }
            Opt::Verbose => self.verbose = true,
            Opt::NoNewline => self.no_newline = true,
            Opt::Pretty => self.pretty = true,
            Opt::MessageRate => self.message_rate = true,
            Opt::Watch => self.watch = true,
            Opt::Latency => {
                self.latency = true;
                self.no_delay = true;
            }
            other => unreachable!("{other:?} is taken above"),
        }
        Ok(())
    }

    /// What sub and rr ask for with each filter.
    pub fn subscription_options(&self) -> SubscriptionOptions {
        SubscriptionOptions {
            qos: self.qos,
            no_local: false,
            retain_as_published: self.retain_as_published,
            retain_handling: self.retain_handling,
        }
    }

    /// `-i` and `-I` exclude each other; either may be repeated.
    fn refuse_second_id(&self, is_id: bool) -> Result<(), ArgError> {
        let other = if is_id { &self.id_prefix } else { &self.id };
        if other.is_some() {
            return Err(ArgError::spaced("Error: -i and -I argument cannot be used together."));
        }
        Ok(())
    }

    fn refuse_second_payload(&self) -> Result<(), ArgError> {
        if self.payload.is_some() {
            return Err(ArgError::spaced("Error: Only one type of message can be sent at once."));
        }
        Ok(())
    }

    /// `-L`: `scheme://[user[:password]@]host[:port]/topic`. Nothing is percent-decoded.
    fn apply_url(&mut self, verb: Verb, url: &OsStr) -> Result<(), ArgError> {
        let url = url.as_bytes();
        let (scheme, rest) = split_at(url, b"://")
            .and_then(|(name, rest)| Some((Scheme::parse(str::from_utf8(name).ok()?)?, rest)))
            .ok_or_else(|| ArgError::spaced("Error: Unsupported URL scheme."))?;
        self.websockets |= scheme.is_websocket();
        self.tls.os_certs |= scheme.is_tls();
        let (authority, topic) = split_at(rest, b"/")
            .ok_or_else(|| ArgError::plain("Error: Invalid URL for -L argument specified - topic missing."))?;
        let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let topic = word(topic);
        if verb == Verb::Sub {
            self.filters.push(topic_filter(&topic, "-L topic", "subscription")?);
        } else {
            self.topic = Some(topic_name(&topic, "-L topic", "publish")?);
        }
        let host = match split_at(authority, b"@") {
            Some((login, host)) => {
                let (username, password) = split_at(login, b":").unwrap_or((login, b""));
                self.username = Some(word(username));
                if login.contains(&b':') {
                    self.password = Some(PasswordSource::Given(Secret::new(password)));
                }
                host
            }
            None => authority,
        };
        let (host, port) = match split_at(host, b":") {
            Some((host, port)) => (host, atoi(&word(port))),
            None => (host, i32::from(scheme.default_port())),
        };
        self.host = Some(word(host));
        self.port = Some(port);
        Ok(())
    }
}

fn split_at<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memchr::memmem::find(text, separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

fn duplicate_options_file() -> ArgError {
    ArgError::spaced("Error: Duplicate -o argument given.")
}

fn port(value: &OsStr) -> Result<i32, ArgError> {
    let port = atoi(value);
    if !(0..=65535).contains(&port) {
        return Err(ArgError::plain(format!("Error: Invalid port given: {port}")));
    }
    Ok(port)
}

fn qos(value: &OsStr) -> Option<QoS> {
    u8::try_from(atoi(value)).ok().and_then(|level| QoS::try_from(level).ok())
}

fn protocol_version(value: &OsStr) -> Result<ProtocolVersion, ArgError> {
    match value.as_bytes() {
        b"mqttv31" | b"31" => Ok(ProtocolVersion::V31),
        b"mqttv311" | b"311" => Ok(ProtocolVersion::V311),
        b"mqttv5" | b"5" => Ok(ProtocolVersion::V5),
        _ => Err(ArgError::spaced("Error: Invalid protocol version argument given.")),
    }
}

/// `-x`: seconds, or -1, 4294967295 or ∞ for never.
fn session_expiry(value: &OsStr) -> Result<u32, ArgError> {
    let text = value.to_string_lossy();
    if text == "∞" {
        return Ok(u32::MAX);
    }
    let seconds = strtol(&text).ok_or_else(|| ArgError::spaced("Error: session-expiry-interval not a number."))?;
    match seconds {
        -1 => Ok(u32::MAX),
        _ => u32::try_from(seconds).map_err(|_| ArgError::spaced("Error: session-expiry-interval out of range.")),
    }
}

fn utf8(value: &OsStr, argument: &str) -> Result<ByteString, ArgError> {
    value
        .to_str()
        .filter(|text| first_discouraged(text).is_none())
        .map(ByteString::from)
        .ok_or_else(|| ArgError::spaced(format!("Error: Malformed UTF-8 in {argument} argument.")))
}

fn topic_name(value: &OsStr, argument: &str, kind: &str) -> Result<TopicName, ArgError> {
    let text = utf8(value, argument)?;
    TopicName::new(text.clone())
        .map_err(|_| ArgError::plain(format!("Error: Invalid {kind} topic '{text}', does it contain '+' or '#'?")))
}

fn topic_filter(value: &OsStr, argument: &str, kind: &str) -> Result<TopicFilter, ArgError> {
    let text = utf8(value, argument)?;
    TopicFilter::new(text.clone()).map_err(|_| {
        ArgError::plain(format!("Error: Invalid {kind} topic '{text}', are all '+' and '#' wildcards correct?"))
    })
}
