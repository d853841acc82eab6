//! The table of mosquitto.conf's options: what each value is, and where it goes.

use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bridge::{Bridge, Value};
use super::problem::{BridgeProblem, ForeignFile, Notice, Problem};
use super::reader::{Current, Reader};
use super::types::{
    Configuration, DEFAULT_PORT, Listener, LogDestination, LogTypes, Protocol, Security, SocketDomain, Sync, TlsVersion,
};
use super::value::Line;
use crate::broker::Versions;
use crate::mqtt::packet::QoS;

/// Where an option may stand and what it sets there.
pub(super) enum Rule {
    Global(Kind<Configuration>),
    /// After a `listener` line.
    Listener(Kind<Listener>),
    /// After a `listener` line, or for the default listener.
    ListenerOrDefault(Kind<Listener>),
    /// Global; with `per_listener_settings` of the listener.
    Security(Kind<Security>),
    /// An option that Mosquitto lacks, and what it does.
    Own(Kind<Configuration>, &'static str),
    /// The same, of a listener with `per_listener_settings`.
    OwnSecurity(Kind<Security>, &'static str),
    Special(fn(&mut Reader, &Line<'_>, &mut Current) -> Result<(), Problem>),
    /// An option that we lack and that can be missing without harm: why, and what Mosquitto asks of it.
    Ignored(&'static str, Asks),
    /// An option of a bridge, which we lack; what is wrong for Mosquitto is wrong here.
    Bridge(Value),
    /// An option that we lack and without which the broker would be less safe or not reachable; and what Mosquitto
    /// asks of it.
    Unsafe(&'static str, Asks),
}

/// What an option without effect has to be all the same: a typing mistake is one with every broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    Nothing,
    Flag,
    Number,
    /// A number of bytes, not below 0.
    Size,
    /// A value.
    Text,
    /// A file of pre-shared keys.
    KeyFile,
    /// A listener before it, and a number of this range.
    ListenerNumber(i32, i32),
    ListenerFlag,
    /// A plugin before it.
    Plugin,
}

/// The kinds of value that Mosquitto's reader knows.
pub(super) enum Kind<T> {
    Flag(fn(&mut T, bool)),
    /// Least, most, setter.
    Number(i32, i32, fn(&mut T, i32)),
    /// The same, where the refusal names the limit instead of the value.
    Limited(i32, i32, fn(&mut T, i32)),
    /// A second value is an error.
    Text(fn(&mut T, &str)),
    /// The last value wins.
    LastText(fn(&mut T, &str)),
    /// A text that not every value is right for; a second one is an error.
    OtherText(fn(&mut T, &Line<'_>) -> Result<(), Problem>),
    Other(fn(&mut T, &Line<'_>) -> Result<(), Problem>),
}

impl<T> Kind<T> {
    pub fn is_once(&self) -> bool {
        matches!(self, Self::Text(_) | Self::OtherText(_))
    }

    /// A flag that the line leaves off.
    pub fn is_off(&self, line: &Line<'_>) -> bool {
        matches!(self, Self::Flag(_)) && line.flag() == Ok(false)
    }

    pub fn apply(&self, line: &Line<'_>, target: &mut T) -> Result<(), Problem> {
        match self {
            Self::Flag(set) => set(target, line.flag()?),
            Self::Number(least, most, set) => {
                let number = line.number()?;
                if !(*least..=*most).contains(&number) {
                    return Err(line.invalid(number));
                }
                set(target, number);
            }
            Self::Limited(least, most, set) => {
                let number = line.number()?;
                let option = || line.name.to_owned();
                if number < *least {
                    return Err(Problem::TooSmall { option: option(), least: *least });
                }
                if number > *most {
                    return Err(Problem::TooLarge { option: option(), most: *most });
                }
                set(target, number);
            }
            Self::Text(set) | Self::LastText(set) => set(target, line.text()?),
            Self::OtherText(read) | Self::Other(read) => return read(target, line),
        }
        Ok(())
    }
}

pub(super) fn find(name: &str) -> Option<(&'static str, &'static Rule)> {
    if name.starts_with("plugin_opt_") || name.starts_with("auth_opt_") {
        return Some(("plugin_opt_", &Special(plugin_option)));
    }
    OPTIONS.iter().find(|(known, _)| *known == name).map(|(known, rule)| (*known, rule))
}

/// Whether the value goes on to the end of the line, so that no comment can follow. The texts of bridges may hold a
/// `#` on purpose: passwords, and the patterns of topics.
pub(super) fn takes_text(line: &Line<'_>) -> bool {
    const TEXTS: &[&str] = &[
        "auth_plugin",
        "bind_address",
        "clientid_prefixes",
        "global_plugin",
        "http_dir",
        "include_dir",
        "mount_point",
        "plugin",
        "plugin_load",
        "tls_version",
        "websockets_origin",
    ];
    fn is_text<T>(kind: &Kind<T>) -> bool {
        matches!(kind, Text(_) | LastText(_) | OtherText(_))
    }
    if line.name == "log_dest" {
        return line.words().next() == Some(b"file");
    }
    TEXTS.contains(&line.name)
        || find(line.name).is_some_and(|(_, rule)| match rule {
            Global(kind) | Own(kind, _) => is_text(kind),
            Rule::Listener(kind) | ListenerOrDefault(kind) => is_text(kind),
            Rule::Security(kind) | OwnSecurity(kind, _) => is_text(kind),
            Rule::Unsafe(_, asks) => matches!(asks, Asks::Text | Asks::KeyFile),
            Special(_) | Ignored(..) | Rule::Bridge(_) => false,
        })
}

use Kind::{Flag, LastText, Limited, Number, Other, OtherText, Text};
use Rule::{Global, Ignored, ListenerOrDefault, Own, OwnSecurity, Special};

const ANY: i32 = i32::MAX;
const U16: i32 = 65535;

pub(super) const NO_BRIDGES: &str = "moskit's broker has no bridges";
pub(super) const NO_HTTP_FILES: &str = "no files are served over HTTP";
const KEPT_AT_ONCE: &str = "every change is stored at once";
const NO_PSK: &str = "there is no TLS-PSK here; the listener would be open without it";
const KEYS_ARE_FILES: &str = "private keys are read from files only";
const ENGINE: Rule = Rule::Unsafe(KEYS_ARE_FILES, Asks::Text);
const NO_PROXY: &str = "the PROXY protocol is not spoken here; no client could connect";
const ONE_INTERFACE: &str = "the listener would be reachable over every interface; give the address instead";

/// For limits where 0 and less mean that there is none.
fn above_zero(number: i32) -> Option<u32> {
    u32::try_from(number).ok().filter(|number| *number > 0)
}

/// Options that a listener without TLS has no use for. (The files have an error of their own.)
pub(super) const CONCERN_TLS: &[&str] = &[
    "ciphers",
    "ciphers_tls1.3",
    "crlfile",
    "disable_client_cert_date_checks",
    "require_certificate",
    "tls_version",
    "use_identity_as_username",
    "use_subject_as_username",
];

/// Options of a listener that keep clients out, or say as whom they come in.
pub(super) const GUARD_ACCESS: &[&str] =
    &["require_certificate", "use_identity_as_username", "use_subject_as_username"];

pub(super) const OPTIONS: &[(&str, Rule)] = &[
    // Listeners.
    ("listener", Special(listener)),
    ("port", Special(port)),
    ("bind_address", Special(bind_address)),
    ("bind_interface", Rule::Unsafe(ONE_INTERFACE, Asks::Text)),
    ("socket_domain", ListenerOrDefault(Other(socket_domain))),
    ("protocol", ListenerOrDefault(Other(protocol))),
    ("mount_point", Rule::Listener(Other(mount_point))),
    ("max_connections", ListenerOrDefault(Number(i32::MIN, ANY, |l, n| l.settings.max_connections = above_zero(n)))),
    ("max_qos", ListenerOrDefault(Other(max_qos))),
    ("maximum_qos", ListenerOrDefault(Other(max_qos))),
    ("max_topic_alias", Rule::Listener(Number(0, U16, |l, n| l.settings.max_topic_alias = n as u16))),
    ("max_topic_alias_broker", Rule::Listener(Number(0, U16, |l, n| l.settings.max_topic_alias_broker = n as u16))),
    ("accept_protocol_versions", Special(accept_protocol_versions)),
    ("use_username_as_clientid", ListenerOrDefault(Flag(|l, on| l.settings.use_username_as_clientid = on))),
    ("listener_allow_anonymous", Rule::Listener(Flag(|l, on| l.allow_anonymous = Some(on)))),
    ("listener_auto_id_prefix", Rule::Listener(OtherText(listener_auto_id_prefix))),
    ("enable_proxy_protocol", Rule::Unsafe(NO_PROXY, Asks::ListenerNumber(1, 2))),
    ("proxy_protocol_v2_require_tls", Rule::Unsafe(NO_PROXY, Asks::ListenerFlag)),
    (
        "websockets_origin",
        Rule::Listener(Other(|l, line| {
            l.websockets_origins.push(line.text()?.to_owned());
            Ok(())
        })),
    ),
    ("http_dir", Special(http_dir)),
    // Who may connect and what they may do.
    ("per_listener_settings", Special(per_listener_settings)),
    ("allow_anonymous", Rule::Security(Flag(|s, on| s.allow_anonymous = Some(on)))),
    ("password_file", Rule::Security(LastText(|s, path| s.password_file = Some(path.into())))),
    (
        "scram_file",
        OwnSecurity(
            LastText(|s, path| s.scram_file = Some(path.into())),
            "The users who log in by SCRAM (MQTT 5, enhanced authentication), beside those of password_file; moskit passwd \
             --scram makes and changes the file, and SIGHUP has it read again",
        ),
    ),
    (
        "auth_jwt_key_file",
        OwnSecurity(
            LastText(|s, path| s.tokens.key_file = Some(path.into())),
            "Passwords may be tokens (JWT) that are signed with a key of this file: PEM with public keys or certificates (RSA for RS256, \
             P-256 for ES256, Ed25519 for EdDSA), or a JSON Web Key, which may also be a secret of 32 bytes or more (oct, for \
             HS256). The type of the key fixes the algorithm. A token must have exp, and the connection ends when it does; a user \
             name in CONNECT must be the token's. A password that is a token is never looked up in password_file. SIGHUP has the \
             file read again",
        ),
    ),
    (
        "auth_jwt_jwks_file",
        OwnSecurity(
            LastText(|s, path| s.tokens.jwks_file = Some(path.into())),
            "The same with a set of JSON Web Keys (RFC 7517), beside or in place of auth_jwt_key_file; keys for other purposes and \
             of other types are passed over",
        ),
    ),
    (
        "auth_jwt_issuer",
        OwnSecurity(
            LastText(|s, text| s.tokens.issuer = Some(text.to_owned())),
            "What a token's iss has to be. Without it any will do",
        ),
    ),
    (
        "auth_jwt_audience",
        OwnSecurity(
            LastText(|s, text| s.tokens.audience = Some(text.to_owned())),
            "What a token's aud has to be, or to name among others. Without it any will do",
        ),
    ),
    (
        "auth_jwt_user_claim",
        OwnSecurity(
            LastText(|s, text| s.tokens.user_claim = Some(text.to_owned())),
            "The claim of a token that is the user name. The default is sub",
        ),
    ),
    ("acl_file", Rule::Security(LastText(|s, path| s.acl_file = Some(path.into())))),
    ("psk_file", Rule::Unsafe(NO_PSK, Asks::KeyFile)),
    ("allow_zero_length_clientid", Rule::Security(Flag(|s, on| s.allow_zero_length_clientid = on))),
    ("auto_id_prefix", Rule::Security(OtherText(auto_id_prefix))),
    ("clientid_prefixes", Special(clientid_prefixes)),
    ("plugin", Special(plugin)),
    ("global_plugin", Special(plugin)),
    ("auth_plugin", Special(plugin)),
    ("plugin_load", Special(plugin_load)),
    ("plugin_use", Special(plugin_use)),
    (
        "auth_plugin_deny_special_chars",
        Ignored("it concerns plugins, which moskit's broker does not load", Asks::Plugin),
    ),
    ("enable_control_api", Ignored("moskit's broker has no $CONTROL topics", Asks::Flag)),
    // TLS.
    ("cafile", Rule::Listener(LastText(|l, path| l.tls.cafile = Some(path.into())))),
    ("capath", ListenerOrDefault(LastText(|l, path| l.tls.capath = Some(path.into())))),
    ("certfile", ListenerOrDefault(LastText(|l, path| l.tls.certfile = Some(path.into())))),
    ("keyfile", ListenerOrDefault(LastText(|l, path| l.tls.keyfile = Some(path.into())))),
    ("crlfile", ListenerOrDefault(LastText(|l, path| l.tls.crlfile = Some(path.into())))),
    ("require_certificate", ListenerOrDefault(Flag(|l, on| l.tls.require_certificate = on))),
    ("use_identity_as_username", ListenerOrDefault(Flag(|l, on| l.tls.use_identity_as_username = on))),
    ("use_subject_as_username", ListenerOrDefault(Flag(|l, on| l.tls.use_subject_as_username = on))),
    ("tls_version", Special(tls_version)),
    ("ciphers", ListenerOrDefault(LastText(|l, list| l.tls.ciphers = Some(list.to_owned())))),
    ("ciphers_tls1.3", ListenerOrDefault(LastText(|l, list| l.tls.ciphers_tls13 = Some(list.to_owned())))),
    ("psk_hint", Rule::Unsafe(NO_PSK, Asks::Text)),
    ("disable_client_cert_date_checks", Rule::Listener(Flag(|l, on| l.tls.disable_client_cert_date_checks = on))),
    ("dhparamfile", Ignored("key agreement is by elliptic curves", Asks::Nothing)),
    ("tls_engine", ENGINE),
    ("tls_keyform", Special(tls_keyform)),
    ("tls_engine_kpass_sha1", ENGINE),
    // Limits and protocol behaviour.
    ("max_packet_size", Global(Limited(20, ANY, |c, n| c.settings.max_packet_size = n.cast_unsigned()))),
    ("message_size_limit", Global(Number(0, 268_435_455, |c, n| c.settings.message_size_limit = above_zero(n)))),
    (
        "max_inflight_messages",
        Global(Limited(i32::MIN, U16, |c, n| {
            c.settings.max_inflight_messages = above_zero(n).and_then(|n| NonZeroU16::new(n as u16));
        })),
    ),
    (
        "max_inflight_bytes",
        Global(Number(i32::MIN, ANY, |c, n| c.settings.max_inflight_bytes = above_zero(n).map(u64::from))),
    ),
    ("max_queued_messages", Global(Number(i32::MIN, ANY, |c, n| c.settings.max_queued_messages = above_zero(n)))),
    (
        "max_queued_bytes",
        Global(Number(i32::MIN, ANY, |c, n| c.settings.max_queued_bytes = above_zero(n).map(u64::from))),
    ),
    ("queue_qos0_messages", Global(Flag(|c, on| c.settings.queue_qos0_messages = on))),
    ("upgrade_outgoing_qos", Global(Flag(|c, on| c.settings.upgrade_outgoing_qos = on))),
    ("retain_available", Global(Flag(|c, on| c.settings.retain_available = on))),
    (
        "retain_expiry_interval",
        Global(Limited(1, ANY, |c, n| {
            c.settings.retain_expiry_interval =
                above_zero(n).map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
        })),
    ),
    ("check_retain_source", Global(Flag(|c, on| c.settings.check_retain_source = on))),
    ("max_keepalive", Global(Number(0, U16, |c, n| c.settings.max_keepalive = above_zero(n).map(|n| n as u16)))),
    ("allow_duplicate_messages", Global(Flag(|c, on| c.settings.allow_duplicate_messages = on))),
    (
        "max_subscriptions",
        Own(
            Number(0, ANY, |c, n| c.settings.max_subscriptions = above_zero(n)),
            "How many subscriptions a session may have; further ones are refused with reason code 151 (128 before MQTT 5). \
             0 means no limit. The default is 100000",
        ),
    ),
    (
        "max_subscriptions_per_packet",
        Own(
            Number(0, ANY, |c, n| c.settings.max_subscriptions_per_packet = above_zero(n)),
            "How many topic filters of one SUBSCRIBE are accepted; the others are refused with the same code. 0 means no \
             limit. The default is 100000",
        ),
    ),
    ("global_max_clients", Global(Number(i32::MIN, ANY, |c, n| c.settings.global_max_clients = above_zero(n)))),
    (
        "global_max_connections",
        Global(Number(i32::MIN, ANY, |c, n| {
            c.settings.global_max_connections = above_zero(n);
        })),
    ),
    ("persistent_client_expiration", Global(Other(persistent_client_expiration))),
    ("set_tcp_nodelay", Ignored("TCP_NODELAY is always set", Asks::Flag)),
    ("sys_interval", Global(Number(0, U16, |c, n| c.sys_interval = n as u16))),
    ("memory_limit", Ignored("memory is bounded by the limits on packets, queues and connections", Asks::Size)),
    ("packet_buffer_size", Global(Other(packet_buffer_size))),
    ("websockets_headers_size", Global(Other(packet_buffer_size))),
    // Persistence.
    ("persistence", Global(Flag(|c, on| c.persistence.enabled = on))),
    ("retained_persistence", Global(Flag(|c, on| c.persistence.enabled = on))),
    ("persistence_location", Global(Text(|c, path| c.persistence.location = Some(path.into())))),
    ("persistence_file", Global(Text(|c, name| c.persistence.file = Some(name.into())))),
    ("autosave_interval", Ignored(KEPT_AT_ONCE, Asks::Number)),
    ("autosave_on_changes", Ignored(KEPT_AT_ONCE, Asks::Flag)),
    // Log and process.
    ("log_dest", Special(log_dest)),
    ("log_type", Global(Other(log_type))),
    ("log_timestamp", Global(Flag(|c, on| c.log.timestamp = on))),
    ("log_timestamp_format", Global(Text(|c, format| c.log.timestamp_format = Some(format.to_owned())))),
    ("log_facility", Global(Number(0, 7, |c, n| c.log.facility = Some(n as u8)))),
    ("connection_messages", Global(Flag(|c, on| c.log.connection_messages = on))),
    ("pid_file", Global(Text(|c, path| c.pid_file = Some(path.into())))),
    ("user", Global(LastText(|c, name| c.user = Some(name.to_owned())))),
    ("websockets_log_level", Ignored("Mosquitto itself no longer uses it", Asks::Nothing)),
    ("retry_interval", Ignored("a message is sent again when its client is back, not in between", Asks::Nothing)),
    // Bridges.
    ("connection", Special(connection)),
    ("address", Rule::Bridge(Value::Addresses)),
    ("addresses", Rule::Bridge(Value::Addresses)),
    ("topic", Rule::Bridge(Value::Topic)),
    ("bridge_alpn", Rule::Bridge(Value::Text)),
    ("bridge_attempt_unsubscribe", Rule::Bridge(Value::Flag)),
    ("bridge_bind_address", Rule::Bridge(Value::Text)),
    ("bridge_cafile", Rule::Bridge(Value::Certificate)),
    ("bridge_capath", Rule::Bridge(Value::Certificate)),
    ("bridge_certfile", Rule::Bridge(Value::Certificate)),
    ("bridge_ciphers", Rule::Bridge(Value::Text)),
    ("bridge_ciphers_tls1.3", Rule::Bridge(Value::Text)),
    ("bridge_identity", Rule::Bridge(Value::Psk)),
    ("bridge_insecure", Rule::Bridge(Value::Flag)),
    ("bridge_keyfile", Rule::Bridge(Value::LastText)),
    ("bridge_max_packet_size", Rule::Bridge(Value::Number)),
    ("bridge_max_topic_alias", Rule::Bridge(Value::Range(0, U16))),
    ("bridge_outgoing_retain", Rule::Bridge(Value::Flag)),
    ("bridge_protocol_version", Rule::Bridge(Value::Word(&["mqttv31", "mqttv311", "mqttv50"]))),
    ("bridge_psk", Rule::Bridge(Value::Psk)),
    ("bridge_receive_maximum", Rule::Bridge(Value::Range(1, U16))),
    ("bridge_reload_type", Rule::Bridge(Value::Word(&["immediate", "lazy"]))),
    ("bridge_require_ocsp", Rule::Bridge(Value::Flag)),
    ("bridge_session_expiry_interval", Rule::Bridge(Value::Range(0, ANY))),
    ("bridge_tcp_keepalive", Rule::Bridge(Value::TcpKeepAlive)),
    ("bridge_tcp_user_timeout", Rule::Bridge(Value::Range(0, ANY))),
    ("bridge_tls_use_os_certs", Rule::Bridge(Value::Flag)),
    ("bridge_tls_version", Rule::Bridge(Value::Text)),
    ("cleansession", Rule::Bridge(Value::Flag)),
    ("clientid", Rule::Bridge(Value::TextOf("bridge remote clientid"))),
    ("idle_timeout", Rule::Bridge(Value::Number)),
    ("keepalive_interval", Rule::Bridge(Value::Number)),
    ("local_cleansession", Rule::Bridge(Value::Flag)),
    ("local_clientid", Rule::Bridge(Value::LocalClientId)),
    ("local_password", Rule::Bridge(Value::TextOf("bridge local_password"))),
    ("local_username", Rule::Bridge(Value::TextOf("bridge local_username"))),
    ("notification_topic", Rule::Bridge(Value::Text)),
    ("notifications", Rule::Bridge(Value::Flag)),
    ("notifications_local_only", Rule::Bridge(Value::Flag)),
    ("password", Rule::Bridge(Value::TextOf("bridge remote_password"))),
    ("remote_clientid", Rule::Bridge(Value::TextOf("bridge remote clientid"))),
    ("remote_password", Rule::Bridge(Value::TextOf("bridge remote_password"))),
    ("remote_username", Rule::Bridge(Value::TextOf("bridge remote_username"))),
    ("restart_timeout", Rule::Bridge(Value::RestartTimeout)),
    ("round_robin", Rule::Bridge(Value::Flag)),
    ("start_type", Rule::Bridge(Value::StartType)),
    ("threshold", Rule::Bridge(Value::Number)),
    ("try_private", Rule::Bridge(Value::Flag)),
    ("username", Rule::Bridge(Value::TextOf("bridge remote_username"))),
];

fn listener(reader: &mut Reader, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
    *current = Current::Unread;
    let port = line.called("listener port").number()?;
    let port = u16::try_from(port).map_err(|_| line.called("port").invalid(port))?;
    let place = line.second_word()?.filter(|word| !word.starts_with('#'));
    let mut listener = Listener::on(port);
    match (port, place) {
        (0, None) => return Err(Problem::UnixListenerWithoutPath),
        (0, Some(path)) => listener.unix_path = Some(path.into()),
        (_, Some("*")) => {
            let place = reader.place.clone();
            reader.configuration.notices.push(Notice::EveryAddress { place });
        }
        (_, host) => listener.host = host.map(str::to_owned),
    }
    reader.configuration.listeners.push(listener);
    *current = Current::Listener(reader.configuration.listeners.len() - 1);
    Ok(())
}

fn port(reader: &mut Reader, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
    reader.configuration.notices.push(Notice::Deprecated { option: "port".to_owned(), instead: Some("listener") });
    let number = line.number()?;
    let port = u16::try_from(number).ok().filter(|port| *port != 0).ok_or_else(|| line.invalid(number))?;
    if reader.default_ports > 0 {
        reader.configuration.notices.push(Notice::DefaultPortTwice);
    }
    reader.default_ports += 1;
    reader.default_has_address = true;
    default_listener(reader, "port", current).port = port;
    Ok(())
}

fn bind_address(reader: &mut Reader, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
    let option = "bind_address".to_owned();
    reader.configuration.notices.push(Notice::Deprecated { option, instead: Some("listener") });
    let host = line.called("default listener bind_address").text()?.to_owned();
    reader.once(true, Current::Default, "bind_address")?;
    reader.default_has_address = true;
    default_listener(reader, "bind_address", current).host = Some(host);
    Ok(())
}

/// The listener that the old options speak of, made at its first mention. A listener that is already
/// current stays so.
fn default_listener<'a>(reader: &'a mut Reader, option: &str, current: &mut Current) -> &'a mut Listener {
    reader.default_if_none(current, option);
    reader.configuration.default_listener.get_or_insert_with(|| Listener::on(DEFAULT_PORT))
}

fn socket_domain(listener: &mut Listener, line: &Line<'_>) -> Result<(), Problem> {
    listener.socket_domain = match line.word()? {
        "ipv4" => SocketDomain::Ipv4,
        "ipv6" => SocketDomain::Ipv6,
        other => return Err(line.invalid(other)),
    };
    Ok(())
}

fn protocol(listener: &mut Listener, line: &Line<'_>) -> Result<(), Problem> {
    listener.protocol = match line.word()? {
        "mqtt" => Protocol::Mqtt,
        "websockets" => Protocol::Websockets,
        "http_api" => {
            listener.unsupported.push("protocol");
            return Err(line.called("protocol http_api").unsafe_here(None, "there is no HTTP API here"));
        }
        other => return Err(line.invalid(other)),
    };
    Ok(())
}

fn mount_point(listener: &mut Listener, line: &Line<'_>) -> Result<(), Problem> {
    let value = line.text()?;
    if value.contains(['+', '#']) {
        return Err(Problem::MountPointWildcard { value: value.to_owned() });
    }
    listener.settings.mount_point = Some(value.into());
    Ok(())
}

fn max_qos(listener: &mut Listener, line: &Line<'_>) -> Result<(), Problem> {
    let number = line.number()?;
    let level = u8::try_from(number).ok().and_then(|level| QoS::try_from(level).ok());
    listener.settings.max_qos = level.ok_or_else(|| Problem::NotAQos { option: line.name.to_owned() })?;
    Ok(())
}

/// A list with commas, spaces or tabs between. As with Mosquitto other words are passed over, and what follows `#`; a
/// list without any version would let nobody in, and is refused.
fn accept_protocol_versions(reader: &mut Reader, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
    let mut versions = Versions { v31: false, v311: false, v5: false };
    let list = line.lossy_text()?;
    let words =
        || list.split([',', ' ', '\t']).filter(|word| !word.is_empty()).take_while(|word| !word.starts_with('#'));
    let mut others = Vec::new();
    for word in words() {
        match word {
            "3" => versions.v31 = true,
            "4" => versions.v311 = true,
            "5" => versions.v5 = true,
            other => others.push(other),
        }
    }
    if !(versions.v31 || versions.v311 || versions.v5) {
        return Err(line.invalid(words().next().unwrap_or(&list)));
    }
    reader.listener(*current, line.name)?.settings.versions = versions;
    for word in others {
        let (option, place) = (line.name.to_owned(), reader.place.clone());
        reader.configuration.notices.push(Notice::WordIgnored { option, word: word.to_owned(), place });
    }
    Ok(())
}

/// Mosquitto takes prefixes of up to 50 characters.
const AUTO_ID_PREFIX_MOST: usize = 50;

fn listener_auto_id_prefix(listener: &mut Listener, line: &Line<'_>) -> Result<(), Problem> {
    listener.auto_id_prefix = Some(prefix(line)?);
    Ok(())
}

fn auto_id_prefix(security: &mut Security, line: &Line<'_>) -> Result<(), Problem> {
    security.auto_id_prefix = prefix(line)?;
    Ok(())
}

fn prefix(line: &Line<'_>) -> Result<String, Problem> {
    let prefix = line.text()?;
    if prefix.len() > AUTO_ID_PREFIX_MOST {
        return Err(Problem::TooLong { option: line.name.to_owned(), most: AUTO_ID_PREFIX_MOST });
    }
    Ok(prefix.to_owned())
}

fn per_listener_settings(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    let wanted = line.flag()?;
    let configuration = &mut reader.configuration;
    configuration.notices.push(Notice::Deprecated { option: line.name.to_owned(), instead: None });
    if configuration.security_was_set && !configuration.per_listener_settings && wanted {
        return Err(Problem::PerListenerSettingsTooLate);
    }
    // Once true it stays so, as with Mosquitto.
    configuration.per_listener_settings |= wanted;
    Ok(())
}

fn clientid_prefixes(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    reader.configuration.notices.push(Notice::Deprecated { option: line.name.to_owned(), instead: None });
    reader.configuration.settings.clientid_prefix = Some(line.text()?.into());
    Ok(())
}

/// Whether the value is one is asked only of a listener that speaks TLS, as with Mosquitto.
fn tls_version(reader: &mut Reader, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
    let value = line.text()?;
    let minimum = match value {
        "tlsv1.3" => Some(TlsVersion::V13),
        "tlsv1.2" => Some(TlsVersion::V12),
        // Below what we speak; a listener that asks for it gets the lowest there is.
        "tlsv1.1" => {
            let (option, instead) = ("tls_version tlsv1.1".to_owned(), Some("tls_version tlsv1.2"));
            reader.configuration.notices.push(Notice::Deprecated { option, instead });
            Some(TlsVersion::V12)
        }
        _ => None,
    };
    reader.listener(*current, line.name)?.tls.minimum = minimum.unwrap_or_default();
    reader.once(true, *current, "tls_version")?;
    reader.remember(*current, "tls_version", false, minimum.is_none().then(|| value.to_owned()));
    Ok(())
}

/// Without an engine Mosquitto reads the key from its PEM file whatever stands here, and so do we.
fn tls_keyform(reader: &mut Reader, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
    let value = line.text()?;
    reader.default_if_none(current, "tls_keyform");
    if value != "pem" {
        reader.ignore(line.name, KEYS_ARE_FILES);
    }
    Ok(())
}

/// A bridge begins; its options follow.
fn connection(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    let name = line.text()?;
    let is_known = reader.bridges.iter().any(|bridge| bridge.name == name);
    reader.bridges.push(Bridge::new(name, reader.place.clone()));
    reader.ignore_bridge(NO_BRIDGES);
    if is_known {
        return Err(Problem::Bridge(BridgeProblem::DuplicateName { name: name.to_owned() }));
    }
    Ok(())
}

fn http_dir(reader: &mut Reader, line: &Line<'_>, current: &mut Current) -> Result<(), Problem> {
    reader.listener(*current, line.name)?.http_dir = Some(line.text()?.into());
    reader.ignore(line.name, NO_HTTP_FILES);
    Ok(())
}

fn packet_buffer_size(configuration: &mut Configuration, line: &Line<'_>) -> Result<(), Problem> {
    let number = line.number()?;
    let size = usize::try_from(number).ok().filter(|size| (1..=usize::from(u16::MAX)).contains(size));
    let size = size.ok_or_else(|| line.invalid(number))?;
    configuration.websockets_headers_size = size;
    Ok(())
}

fn persistent_client_expiration(configuration: &mut Configuration, line: &Line<'_>) -> Result<(), Problem> {
    let value = line.word()?.trim_ascii_start();
    let (digits, unit) = value.split_at(value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len()));
    let seconds = match unit {
        "s" => 1,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "m" => 30 * 86_400,
        "y" => 365 * 86_400,
        _ => return Err(Problem::NotADuration { option: line.name.to_owned() }),
    };
    let count = digits.parse().ok().filter(|count: &u32| *count > 0);
    let count = count.ok_or_else(|| Problem::NotADuration { option: line.name.to_owned() })?;
    configuration.settings.persistent_client_expiration = Some(Duration::from_secs(u64::from(count) * seconds));
    Ok(())
}

fn log_dest(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    if line.word()? == "dlt" {
        reader.ignore("log_dest dlt", "the log of automotive systems (DLT) is not written; the other destinations are");
        return Ok(());
    }
    let configuration = &mut reader.configuration;
    let log = &mut configuration.log;
    let is_file = |destination: &LogDestination| matches!(destination, LogDestination::File(_));
    let destination = match line.word()? {
        "none" => {
            log.destinations.clear();
            configuration.log_dest_was_set = true;
            return Ok(());
        }
        "stdout" => LogDestination::Stdout,
        "stderr" => LogDestination::Stderr,
        "syslog" => LogDestination::Syslog,
        "topic" => LogDestination::Topic,
        "file" => {
            let option = || "log_dest file".to_owned();
            let path = line.text_after_word()?.ok_or_else(|| Problem::Empty { option: option() })?;
            if log.destinations.iter().any(is_file) {
                return Err(Problem::Duplicate { option: option() });
            }
            LogDestination::File(path.into())
        }
        other => return Err(line.invalid(other)),
    };
    if !configuration.log_dest_was_set {
        log.destinations.clear();
        configuration.log_dest_was_set = true;
    }
    if !log.destinations.contains(&destination) {
        log.destinations.push(destination);
    }
    Ok(())
}

fn log_type(configuration: &mut Configuration, line: &Line<'_>) -> Result<(), Problem> {
    let word = line.word()?;
    let log = &mut configuration.log;
    if !configuration.log_type_was_set {
        log.types = LogTypes::NONE;
        configuration.log_type_was_set = true;
    }
    match (word, LogTypes::named(word)) {
        ("none", _) => log.types = LogTypes::NONE,
        (_, Some(types)) => log.types = log.types.with(types),
        _ => return Err(line.invalid(word)),
    }
    Ok(())
}

/// The options that name a plugin.
pub(super) const PLUGINS: [&str; 5] = ["plugin", "global_plugin", "auth_plugin", "plugin_load", "plugin_use"];

/// What the manual says of them.
pub(super) const NO_PLUGINS: &str =
    "moskit's broker loads no plugin; persist-sqlite alone is accepted, and selects the broker's own store";

const PLUGIN: &str = "plugins are not loaded here, and one that guards access must not be left out";

fn is_persist_sqlite(path: &str) -> bool {
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
    name.contains("persist_sqlite") || name.contains("persist-sqlite")
}

/// `plugin PATH`: persist-sqlite selects our store, which keeps its tables.
fn plugin(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    if !is_persist_sqlite(line.text()?) {
        reader.has_foreign_plugin = true;
        return Err(line.unsafe_here(Some(ForeignFile::Plugin), PLUGIN));
    }
    reader.configuration.plugins.persist_sqlite.get_or_insert_default();
    Ok(())
}

/// `plugin_load NAME PATH`
fn plugin_load(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    let path = line.text_after_word()?.ok_or_else(|| line.empty())?;
    let plugins = &mut reader.configuration.plugins;
    plugins.loaded.push(line.word()?.to_owned());
    if !is_persist_sqlite(path) {
        reader.has_foreign_plugin = true;
        let (option, value, file) = (line.name.to_owned(), path.to_owned(), Some(ForeignFile::Plugin));
        return Err(Problem::Unsafe { option, value, file, because: PLUGIN });
    }
    plugins.persist_sqlite.get_or_insert_default();
    Ok(())
}

/// `plugin_use NAME`, of a plugin loaded before.
fn plugin_use(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    let name = line.text()?;
    if reader.configuration.plugins.loaded.iter().any(|loaded| loaded == name) {
        Ok(())
    } else {
        Err(line.invalid(name))
    }
}

/// `plugin_opt_…` of persist-sqlite, the only plugin there can be.
fn plugin_option(reader: &mut Reader, line: &Line<'_>, _: &mut Current) -> Result<(), Problem> {
    if reader.has_foreign_plugin {
        return Ok(());
    }
    let plugins = &mut reader.configuration.plugins;
    let Some(sync) = plugins.persist_sqlite.as_mut() else {
        return Err(Problem::NeedsPlugin { option: line.name.to_owned() });
    };
    let value = line.text()?;
    match line.name.trim_start_matches("plugin_opt_").trim_start_matches("auth_opt_") {
        "sync" => {
            *sync = match value {
                "extra" | "full" => Sync::Full,
                // `off` promises less than `normal`; nobody misses what is not lost.
                "normal" | "off" => Sync::Normal,
                other => return Err(line.invalid(other)),
            };
        }
        "db_file" => plugins.db_file = Some(PathBuf::from(value)),
        // Every batch is committed at once, and SQLite chooses its page size well.
        "flush_period" | "page_size" => {}
        _ => return Err(Problem::Unknown { option: line.name.to_owned() }),
    }
    Ok(())
}
