//! What a mosquitto.conf says, with Mosquitto's defaults in place of what it does not say.

use std::path::PathBuf;

use bytestring::ByteString;

use super::problem::{Notice, Problem};
use crate::broker::{ListenerSettings, Settings, UsernameFrom};

pub const DEFAULT_PORT: u16 = 1883;

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// In the order of the file, the default listener (of `port`, `bind_address` and options before
    /// any `listener` line) first. Empty = local only mode.
    pub listeners: Vec<Listener>,
    pub per_listener_settings: bool,
    /// Of all listeners unless `per_listener_settings`.
    pub security: Security,
    /// Limits and protocol behaviour; [`Configuration::settings`] adds the listeners.
    pub(super) settings: Settings,
    pub persistence: Persistence,
    pub log: LogSettings,
    /// Seconds; 0 = no `$SYS`.
    pub sys_interval: u16,
    pub user: Option<String>,
    pub pid_file: Option<PathBuf>,
    /// Bytes of a websocket's handshake, at most.
    pub websockets_headers_size: usize,
    pub notices: Vec<Notice>,
    pub(super) default_listener: Option<Listener>,
    pub(super) security_was_set: bool,
    pub(super) log_dest_was_set: bool,
    pub(super) log_type_was_set: bool,
    pub(super) plugins: Plugins,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            per_listener_settings: false,
            security: Security::default(),
            settings: Settings { listeners: Vec::new(), ..Settings::default() },
            persistence: Persistence::default(),
            log: LogSettings::default(),
            sys_interval: 10,
            user: None,
            pid_file: None,
            websockets_headers_size: 4096,
            notices: Vec::new(),
            default_listener: None,
            security_was_set: false,
            log_dest_was_set: false,
            log_type_was_set: false,
            plugins: Plugins::default(),
        }
    }
}

impl Configuration {
    /// The value of `name` goes on with what looks like a comment.
    pub fn has_comment_in(&self, name: &str) -> bool {
        self.notices.iter().any(|notice| matches!(notice, Notice::CommentInValue { option, .. } if option == name))
    }

    /// No listener was configured: the broker talks to this machine only, and to everybody on it.
    pub fn is_local_only(&self) -> bool {
        self.listeners.is_empty()
    }

    /// The security settings that hold for `listener`.
    pub fn security_of<'a>(&'a self, listener: &'a Listener) -> &'a Security {
        if self.per_listener_settings { &listener.security } else { &self.security }
    }

    /// May a client without user name connect to `listener`?
    pub fn allows_anonymous(&self, listener: &Listener) -> bool {
        let own = listener.allow_anonymous.or(listener.security.allow_anonymous);
        match own {
            Some(allowed) => allowed,
            None if self.per_listener_settings => false,
            None => self.security.allow_anonymous.unwrap_or(self.is_local_only()),
        }
    }

    /// What the core works with. Without listeners there is one entry, for the local ones.
    pub fn settings(&self) -> Settings {
        let mut settings = self.settings.clone();
        settings.persistent = self.persistence.enabled;
        let local = [Listener::on(DEFAULT_PORT)];
        let listeners = if self.is_local_only() { &local[..] } else { &self.listeners };
        settings.listeners = listeners.iter().map(|listener| self.settings_of(listener)).collect();
        settings
    }

    fn settings_of(&self, listener: &Listener) -> ListenerSettings {
        let by_certificate = listener.tls.use_identity_as_username || listener.tls.use_subject_as_username;
        let prefix = listener.auto_id_prefix.as_ref().unwrap_or(&self.security_of(listener).auto_id_prefix);
        ListenerSettings {
            port: listener.port,
            username_from: if by_certificate && listener.tls.is_on() {
                UsernameFrom::Certificate
            } else {
                UsernameFrom::Connect
            },
            allow_zero_length_clientid: self.security_of(listener).allow_zero_length_clientid,
            auto_id_prefix: ByteString::from(prefix.as_str()),
            ..listener.settings.clone()
        }
    }

    /// What only the whole file shows, and what is wrong with that.
    pub(super) fn finish(mut self) -> (Self, Vec<Problem>) {
        if let Some(listener) = self.default_listener.take() {
            self.listeners.insert(0, listener);
        }
        let mut problems: Vec<_> = self.listeners.iter().filter_map(|listener| listener.tls.check().err()).collect();
        if let Some(sync) = self.plugins.persist_sqlite {
            if self.persistence.enabled {
                problems.push(Problem::PersistenceTwice);
            }
            self.persistence.enabled = true;
            self.persistence.sync = sync;
            if self.persistence.location.is_none() {
                self.persistence.store = self.plugins.db_file.take();
            }
        }
        (self, problems)
    }

    /// The state is kept in persist-sqlite's tables with Mosquitto too.
    pub fn has_persist_sqlite(&self) -> bool {
        self.plugins.persist_sqlite.is_some()
    }
}

/// The plugin lines; the only plugin that we stand in for is persist-sqlite.
#[derive(Clone, Debug, Default)]
pub(super) struct Plugins {
    /// `plugin_load NAME PATH`: names of instances of persist-sqlite.
    pub loaded: Vec<String>,
    pub persist_sqlite: Option<Sync>,
    pub db_file: Option<PathBuf>,
}

/// One `listener` line with what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub port: u16,
    /// Host name or address; `None` = every address of the machine.
    pub host: Option<String>,
    /// Port 0: the path of a unix socket.
    pub unix_path: Option<PathBuf>,
    pub socket_domain: SocketDomain,
    pub protocol: Protocol,
    /// What the core needs to know of it; [`Configuration::settings`] completes it.
    pub settings: ListenerSettings,
    pub allow_anonymous: Option<bool>,
    pub auto_id_prefix: Option<String>,
    /// Empty = any.
    pub websockets_origins: Vec<String>,
    pub tls: Tls,
    pub security: Security,
    /// A folder that Mosquitto serves over HTTP, and we do not.
    pub http_dir: Option<PathBuf>,
    /// Options of it that Mosquitto has and we lack. A configuration with one is refused, and still judged by others.
    pub unsupported: Vec<&'static str>,
}

impl Listener {
    pub fn on(port: u16) -> Self {
        Self {
            port,
            host: None,
            unix_path: None,
            socket_domain: SocketDomain::Any,
            protocol: Protocol::Mqtt,
            settings: ListenerSettings::default(),
            allow_anonymous: None,
            auto_id_prefix: None,
            websockets_origins: Vec::new(),
            tls: Tls::default(),
            security: Security::default(),
            http_dir: None,
            unsupported: Vec::new(),
        }
    }

    /// It speaks TLS with pre-shared keys, as far as we can see.
    pub fn has_psk(&self) -> bool {
        self.unsupported.iter().any(|option| option.starts_with("psk_"))
    }

    /// The same socket: what a reload recognises a listener by.
    pub fn is_same_socket(&self, other: &Self) -> bool {
        self.port == other.port && self.host == other.host && self.unix_path == other.unix_path
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketDomain {
    Any,
    Ipv4,
    Ipv6,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Mqtt,
    Websockets,
}

/// The TLS options of a listener. TLS is on when there is a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    pub cafile: Option<PathBuf>,
    pub capath: Option<PathBuf>,
    pub certfile: Option<PathBuf>,
    pub keyfile: Option<PathBuf>,
    pub crlfile: Option<PathBuf>,
    pub require_certificate: bool,
    pub use_identity_as_username: bool,
    pub use_subject_as_username: bool,
    /// Client certificates are taken before and after their time too.
    pub disable_client_cert_date_checks: bool,
    pub minimum: TlsVersion,
    /// OpenSSL's lists, for TLS 1.2 and 1.3.
    pub ciphers: Option<String>,
    pub ciphers_tls13: Option<String>,
}

impl Tls {
    pub fn is_on(&self) -> bool {
        self.certfile.is_some()
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.certfile.is_some() != self.keyfile.is_some() {
            return Err(Problem::CertificateAndKey { given: None });
        }
        let stray = [("cafile", &self.cafile), ("capath", &self.capath)];
        match stray.iter().find(|(_, path)| path.is_some()) {
            Some((option, _)) if !self.is_on() => Err(Problem::CertificateAndKey { given: Some(option) }),
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsVersion {
    #[default]
    V12,
    V13,
}

/// Who may come in and do what; global, or of one listener with `per_listener_settings`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Security {
    pub allow_anonymous: Option<bool>,
    pub password_file: Option<PathBuf>,
    /// The users who log in by SCRAM.
    pub scram_file: Option<PathBuf>,
    pub tokens: Tokens,
    pub acl_file: Option<PathBuf>,
    pub allow_zero_length_clientid: bool,
    pub auto_id_prefix: String,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            allow_anonymous: None,
            password_file: None,
            scram_file: None,
            tokens: Tokens::default(),
            acl_file: None,
            allow_zero_length_clientid: true,
            auto_id_prefix: "auto-".to_owned(),
        }
    }
}

/// Which tokens are taken as passwords: none without a file of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    pub key_file: Option<PathBuf>,
    pub jwks_file: Option<PathBuf>,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    pub user_claim: Option<String>,
}

impl Tokens {
    /// The files with the issuer's keys.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.key_file.iter().chain(&self.jwks_file)
    }
}

/// Where the state is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Persistence {
    pub enabled: bool,
    /// A folder; `None` = the current one.
    pub location: Option<PathBuf>,
    /// The name of the file in it; `None` = `mosquitto.sqlite3`.
    pub file: Option<PathBuf>,
    /// The file itself, where it is not in `location`.
    pub store: Option<PathBuf>,
    pub sync: Sync,
}

impl Persistence {
    /// The file with the state, if there is to be one.
    pub fn path(&self) -> Option<PathBuf> {
        let name = || self.file.clone().unwrap_or_else(|| "mosquitto.sqlite3".into());
        let in_location = || self.location.clone().unwrap_or_default().join(name());
        self.enabled.then(|| self.store.clone().unwrap_or_else(in_location))
    }

    /// The snapshot that Mosquitto's built-in persistence would have left in the same folder, under its own name.
    pub fn snapshot_path(&self) -> Option<PathBuf> {
        self.file.is_none().then(|| self.location.clone().unwrap_or_default().join("mosquitto.db"))
    }
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sync {
    /// The operating system: survives the end of the process, however it comes.
    #[default]
    Normal,
    /// The disk: survives a power failure too.
    Full,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    pub destinations: Vec<LogDestination>,
    pub types: LogTypes,
    pub timestamp: bool,
    /// `None` = seconds since 1970; otherwise a strftime format.
    pub timestamp_format: Option<String>,
    /// 0 to 7 for `local0` to `local7`; `None` = daemon.
    pub facility: Option<u8>,
    pub connection_messages: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            destinations: vec![LogDestination::Stderr],
            types: LogTypes::DEFAULT,
            timestamp: true,
            timestamp_format: None,
            facility: None,
            connection_messages: true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogDestination {
    Stdout,
    Stderr,
    Syslog,
    Topic,
    File(PathBuf),
}

/// Which kinds of log lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogTypes(u16);

impl LogTypes {
    pub const NONE: Self = Self(0);
    pub const ERROR: Self = Self(1);
    pub const WARNING: Self = Self(2);
    pub const NOTICE: Self = Self(4);
    pub const INFORMATION: Self = Self(8);
    pub const DEBUG: Self = Self(16);
    pub const SUBSCRIBE: Self = Self(32);
    pub const UNSUBSCRIBE: Self = Self(64);
    pub const WEBSOCKETS: Self = Self(128);
    pub const INTERNAL: Self = Self(256);
    /// What `-v` and `log_type all` show.
    pub const ALL: Self = Self(511);
    pub const DEFAULT: Self = Self(15);

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "error" => Self::ERROR,
            "warning" => Self::WARNING,
            "notice" => Self::NOTICE,
            "information" => Self::INFORMATION,
            "debug" => Self::DEBUG,
            "subscribe" => Self::SUBSCRIBE,
            "unsubscribe" => Self::UNSUBSCRIBE,
            "websockets" => Self::WEBSOCKETS,
            "internal" => Self::INTERNAL,
            "all" => Self::ALL,
            _ => return None,
        })
    }
}
