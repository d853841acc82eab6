//! What was typed for pub, sub and rr, or of their options for check and qshape. Each option is judged alone
//! (`connect::values`); what only the whole line can tell is `connect::checks`.

use std::ffi::OsString;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use super::arg_error::ArgError;
use super::bound_args::BoundArgs;
use super::data_args::DataArgs;
use super::oauth_args::OAuthArgs;
use super::properties::CommandProperties;
use super::proxy;
use super::websocket::WebSocketArgs;
use crate::cmd::words::Typed;
use crate::mqtt::packet::{ProtocolVersion, QoS, RetainHandling};
use crate::mqtt::topic::{TopicFilter, TopicName};
use crate::scram::Mechanism;
use crate::term::Secret;
use crate::term::format::Format;

/// Largest payload of an MQTT packet, as Mosquitto counts it §2.1.4.
pub const MAX_PAYLOAD: usize = 268_435_455;

/// Which of Mosquitto's three clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    Pub,
    Sub,
    Rr,
}

impl Verb {
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
    /// Each record says its own.
    Records,
}

/// Where a password comes from besides `-P`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordSource {
    Given(Secret),
    File(PathBuf),
    Prompt,
    Command(OsString),
    /// A token, from where [`ClientArgs::oauth`] says.
    OAuth,
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

/// What stands behind the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    Tcp(NonZeroU16),
    /// 0 or `--unix`: the host is the path of a unix socket.
    OfSocket,
    /// A number that Mosquitto's programs take from an URL and that no port has.
    OutOfRange,
}

impl Port {
    /// The port that a number means where Mosquitto's programs read it.
    pub fn of(number: i32) -> Self {
        u16::try_from(number).map_or(Self::OutOfRange, Self::from)
    }

    pub fn is(self, number: u16) -> bool {
        self == Self::from(number)
    }
}

impl From<u16> for Port {
    fn from(number: u16) -> Self {
        NonZeroU16::new(number).map_or(Self::OfSocket, Self::Tcp)
    }
}

/// A broker in this process is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedArgs {
    pub configuration: Option<PathBuf>,
}

/// What was typed.
#[derive(Clone, Debug)]
pub struct ClientArgs {
    /// Read to the letter as Mosquitto's programs read it; else what is no number or no URL is refused, and URLs are decoded.
    pub exact: bool,
    pub host: Option<OsString>,
    /// Hosts that are tried after it, where -h was given more than once.
    pub more_hosts: Vec<OsString>,
    /// The last word that named a broker was -h in the same place, so that another -h adds a host.
    pub hosts_go_on: bool,
    pub port: Option<Port>,
    pub bind_address: Option<OsString>,
    pub keep_alive: u16,
    pub version: Option<ProtocolVersion>,
    pub no_delay: bool,
    pub websockets: bool,
    pub websocket: WebSocketArgs,
    pub proxy: Option<proxy::Choice>,
    pub proxy_cafile: Option<PathBuf>,
    pub embedded: Option<EmbeddedArgs>,
    pub username: Option<OsString>,
    /// The login stood percent-encoded in an URL.
    pub login_was_encoded: bool,
    pub password: Option<PasswordSource>,
    /// The option on the command line that said so.
    pub password_option: Option<&'static str>,
    /// SCRAM in place of a password in CONNECT.
    pub auth_method: Option<Mechanism>,
    /// After so long the login is begun again, on the connection that there is.
    pub reauth: Option<Duration>,
    pub oauth: OAuthArgs,
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

    /// Messages as data.
    pub data: DataArgs,

    /// How long is waited, and how often is tried again.
    pub bounds: BoundArgs,

    pub options_file_given: bool,
    /// check: the topic of `-t`, below which may be published.
    pub base_topic: Option<String>,
}

impl Typed for ClientArgs {
    type Error = ArgError;
}

/// Nothing typed: the defaults stand here.
impl Default for ClientArgs {
    fn default() -> Self {
        Self {
            exact: false,
            host: None,
            more_hosts: Vec::new(),
            hosts_go_on: false,
            port: None,
            bind_address: None,
            keep_alive: 60,
            version: None,
            no_delay: false,
            websockets: false,
            websocket: WebSocketArgs::default(),
            proxy: None,
            proxy_cafile: None,
            embedded: None,
            username: None,
            login_was_encoded: false,
            password: None,
            password_option: None,
            auth_method: None,
            reauth: None,
            oauth: OAuthArgs::default(),
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
            data: DataArgs::default(),
            bounds: BoundArgs::default(),
            options_file_given: false,
            base_topic: None,
        }
    }
}

impl ClientArgs {
    /// Takes a password from `source`, which `option` names. Two of them cannot both be meant; Mosquitto's programs
    /// know only the option and the URL, and take the last.
    pub fn take_password(&mut self, option: &'static str, source: PasswordSource) -> Result<(), ArgError> {
        if let Some(other) = self.password_option.filter(|other| *other != option && !self.exact) {
            return Err(ArgError::plain(format!("Error: Only one of {other} and {option} can give the password.")));
        }
        self.password_option = Some(option);
        self.password = Some(source);
        Ok(())
    }
}
