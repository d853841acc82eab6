//! What the options of pub, sub and rr take, each judged as far as it can be alone: the setters that the rows of
//! `connect::options` name where a value needs more than to be kept.

use std::ffi::{OsStr, OsString};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::arg_error::ArgError;
use super::args::{ClientArgs, MAX_PAYLOAD, PasswordSource, PayloadSource, Port, Strict};
use super::proxy;
use crate::cmd::words::{atof, atoi, strtol};
use crate::mqtt::packet::{ProtocolVersion, QoS, RetainHandling, first_discouraged};
use crate::mqtt::topic::{TopicFilter, TopicName};
use crate::net::Scheme;
use crate::net::authority::{Authority, without_brackets};
use crate::os::text::{OsStrExt, OsStringExt};
use crate::scram::Mechanism;
use crate::term::format::Format;
use crate::term::{Exit, Failure, Secret};

/// The longest pause between repetitions, a century: what is longer is as good as never, and beyond what clocks can add.
const LONGEST_DELAY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Why a value may be empty.
pub const UNSET: &str = "is a variable of the shell unset? Its value became an empty word";

/// The result of a setter.
type Set = Result<(), ArgError>;

/// `-i` and `-I` exclude each other; either may be repeated.
pub fn refuse_beside_id(typed: &ClientArgs) -> Set {
    refuse_both_ids(typed.id.is_some())
}

pub fn refuse_beside_id_prefix(typed: &ClientArgs) -> Set {
    refuse_both_ids(typed.id_prefix.is_some())
}

fn refuse_both_ids(other_is_given: bool) -> Set {
    if other_is_given {
        return Err(ArgError::spaced("Error: -i and -I argument cannot be used together."));
    }
    Ok(())
}

pub fn refuse_second_payload(typed: &ClientArgs) -> Set {
    if typed.payload.is_some() {
        return Err(ArgError::spaced("Error: Only one type of message can be sent at once."));
    }
    Ok(())
}

pub fn refuse_second_options_file(typed: &ClientArgs) -> Set {
    if typed.options_file_given {
        return Err(ArgError::spaced("Error: Duplicate -o argument given."));
    }
    Ok(())
}

/// A whole number as Mosquitto's programs read it, where anything else is 0. Under our own verbs what is no number is an
/// error instead, which `refused` makes of what was understood.
fn integer(typed: &ClientArgs, word: &OsStr, refused: impl Fn(&str) -> ArgError) -> Result<i32, ArgError> {
    if typed.exact {
        return Ok(atoi(word));
    }
    let text = word.to_string_lossy();
    text.trim_ascii().parse().map_err(|_| refused(&text))
}

/// The same for a number with a fraction.
fn fraction(typed: &ClientArgs, word: &OsStr, refused: impl Fn() -> ArgError) -> Result<f64, ArgError> {
    if typed.exact {
        return Ok(atof(word));
    }
    word.to_string_lossy().trim_ascii().parse().map_err(|_| refused())
}

/// What an option takes whose number Mosquitto keeps in an `int`.
fn whole_from_1(option: &str, what: &str) -> String {
    format!("{option} takes a whole {what} from 1 to {}", i32::MAX)
}

/// What the word was understood as, for an error.
fn understood(typed: &ClientArgs, word: &OsStr) -> String {
    if typed.exact { atoi(word).to_string() } else { word.to_string_lossy().into_owned() }
}

pub fn set_host(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let host = &words[0];
    let inner = host.to_str().filter(|_| !typed.exact).map(|host| OsString::from(without_brackets(host)));
    let host = inner.unwrap_or_else(|| host.clone());
    if typed.hosts_go_on && !typed.exact {
        typed.more_hosts.push(host);
    } else {
        take_host(typed, host);
        typed.hosts_go_on = true;
    }
    Ok(())
}

/// A port that is no number. What holds no digit in front may be a password, for which `-p` looks right and is not, so it
/// is not shown.
fn no_port(text: &str) -> ArgError {
    if text.trim_start().starts_with(|c: char| c.is_ascii_digit()) {
        return ArgError::plain(format!("Error: Invalid port given: {text}"));
    }
    if text.is_empty() {
        return ArgError::hinted("Error: Invalid port given: it is empty", UNSET);
    }
    ArgError::hinted(
        "Error: Invalid port given: it is no number",
        "-p is the port; a password goes after -P, where others can see it, or better into --pw-file FILE",
    )
}

/// The one host from here on.
fn take_host(typed: &mut ClientArgs, host: OsString) {
    typed.host = Some(host);
    typed.more_hosts.clear();
    typed.hosts_go_on = false;
}

pub fn set_port(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let allowed = "-p takes a whole number from 1 to 65535, or 0 where the host is the path of a unix socket";
    let port = integer(typed, &words[0], |text| no_port(text).allowing(typed.exact, allowed))?;
    if !(0..=65535).contains(&port) {
        return Err(ArgError::plain(format!("Error: Invalid port given: {port}")).allowing(typed.exact, allowed));
    }
    typed.port = Some(Port::of(port));
    Ok(())
}

pub fn set_unix_socket(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    take_host(typed, words[0].clone());
    typed.port = Some(Port::OfSocket);
    Ok(())
}

pub fn set_keep_alive(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused =
        |_: &str| ArgError::spaced("Error: Invalid keepalive given, it must be between 5 and 65535 inclusive.");
    let seconds = u16::try_from(integer(typed, &words[0], refused)?).ok().filter(|seconds| *seconds >= 5);
    typed.keep_alive = seconds.ok_or_else(|| refused(""))?;
    Ok(())
}

pub fn set_version(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.version = Some(match words[0].as_bytes() {
        b"mqttv31" | b"31" => ProtocolVersion::V31,
        b"mqttv311" | b"311" => ProtocolVersion::V311,
        b"mqttv5" | b"5" => ProtocolVersion::V5,
        _ => {
            return Err(ArgError::spaced("Error: Invalid protocol version argument given.")
                .allowing(typed.exact, "-V takes 5, 311 or 31, or mqttv5, mqttv311 or mqttv31"));
        }
    });
    Ok(())
}

/// `--auth-method`
pub fn set_auth_method(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let method = words[0].to_str().and_then(|name| Mechanism::named(&name.to_ascii_uppercase()));
    let unknown = || {
        let names = Mechanism::ALL.map(Mechanism::name).join(", ");
        ArgError::plain(format!("Error: Unknown authentication method '{}': {names}.", words[0].display()))
    };
    typed.auth_method = Some(method.ok_or_else(unknown)?);
    typed.version.get_or_insert(ProtocolVersion::V5);
    Ok(())
}

pub fn set_proxy(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    // The one usage error that a `--quiet` in front of it suppresses.
    let said = |line| ArgError::plain(if typed.quiet { String::new() } else { line });
    let choice = if typed.exact {
        proxy::parse_as_mosquitto(&words[0].to_string_lossy()).map(proxy::Choice::Through)
    } else {
        proxy::parse(&words[0])
    };
    typed.proxy = Some(choice.map_err(said)?);
    Ok(())
}

/// `-x`: seconds, or -1, 4294967295 or ∞ for never.
pub fn set_session_expiry(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let text = words[0].to_string_lossy();
    let refused = |text| {
        let allowed = "-x takes whole seconds, 0 to 4294967295, or -1 for a session that does not expire";
        ArgError::spaced(text).allowing(typed.exact, allowed)
    };
    let seconds = if text == "∞" {
        u32::MAX
    } else {
        match strtol(&text).ok_or_else(|| refused("Error: session-expiry-interval not a number."))? {
            -1 => u32::MAX,
            number => u32::try_from(number).map_err(|_| refused("Error: session-expiry-interval out of range."))?,
        }
    };
    typed.session_expiry = Some(seconds);
    typed.version = Some(ProtocolVersion::V5);
    Ok(())
}

pub fn set_max_inflight(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused = |_: &str| {
        ArgError::spaced("Error: Maximum inflight messages must be greater than 0.")
            .allowing(typed.exact, "-M takes a whole number from 1; of more than 65535 it is 65535")
    };
    let count = integer(typed, &words[0], refused)?;
    if count < 1 {
        return Err(refused(""));
    }
    // Packet ids are 16 bits, so more can never be in flight.
    typed.max_inflight = u16::try_from(count).unwrap_or(u16::MAX);
    Ok(())
}

pub fn add_property(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.properties.add(words)?;
    typed.version = Some(ProtocolVersion::V5);
    Ok(())
}

pub fn set_strict(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.strict = match words.first().map(|value| value.as_bytes()) {
        None => Strict::Refusals,
        Some(b"subscribers") => Strict::Subscribers,
        Some(_) => {
            return Err(ArgError::plain("Error: --strict takes no value but `subscribers`: --strict=subscribers."));
        }
    };
    Ok(())
}

pub fn set_qos(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.qos = qos(typed, &words[0], |text| ArgError::plain(format!("Error: Invalid QoS given: {text}")))?;
    Ok(())
}

pub fn set_will_qos(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.will.qos = qos(typed, &words[0], |text| ArgError::spaced(format!("Error: Invalid will QoS {text}.")))?;
    Ok(())
}

fn qos(typed: &ClientArgs, word: &OsStr, refused: impl Fn(&str) -> ArgError) -> Result<QoS, ArgError> {
    let refused = |text: &str| refused(text).allowing(typed.exact, "a QoS is 0, 1 or 2");
    let level = u8::try_from(integer(typed, word, refused)?).ok().and_then(|level| QoS::try_from(level).ok());
    level.ok_or_else(|| refused(&understood(typed, word)))
}

pub fn set_message(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let text = words[0].as_bytes();
    if text.len() > MAX_PAYLOAD {
        return Err(ArgError::spaced(format!("Error: Message length must be less than {MAX_PAYLOAD} bytes.")));
    }
    typed.payload = Some(PayloadSource::Text(Bytes::copy_from_slice(text)));
    Ok(())
}

pub fn set_repeat(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused = |_: &str| {
        ArgError::spaced("Error: --repeat argument must be >0.")
            .allowing(typed.exact, &whole_from_1("--repeat", "number"))
    };
    let count = u32::try_from(integer(typed, &words[0], refused)?).ok().filter(|count| *count > 0);
    typed.repeat = count.ok_or_else(|| refused(""))?;
    Ok(())
}

pub fn set_repeat_delay(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused = || {
        ArgError::spaced("Error: --repeat-delay argument must be >=0.0.")
            .allowing(typed.exact, "--repeat-delay takes seconds, with a fraction or without")
    };
    let seconds = fraction(typed, &words[0], refused)?;
    if seconds.is_nan() || seconds < 0.0 {
        return Err(refused());
    }
    typed.repeat_delay = Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_DELAY).min(LONGEST_DELAY);
    Ok(())
}

pub fn set_count(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused = |text: &str| {
        ArgError::spaced(format!("Error: Invalid message count \"{text}\"."))
            .allowing(typed.exact, &whole_from_1("-C", "number"))
    };
    let valid = u32::try_from(integer(typed, &words[0], refused)?).ok().filter(|count| *count > 0);
    typed.count = Some(valid.ok_or_else(|| refused(&understood(typed, &words[0])))?);
    Ok(())
}

pub fn set_timeout(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused = |text: &str| {
        let allowed = whole_from_1("-W", "number of seconds");
        ArgError::spaced(format!("Error: Invalid timeout \"{text}\".")).allowing(typed.exact, &allowed)
    };
    let valid = u64::try_from(integer(typed, &words[0], refused)?).ok().filter(|seconds| *seconds > 0);
    typed.timeout = Some(Duration::from_secs(valid.ok_or_else(|| refused(&understood(typed, &words[0])))?));
    Ok(())
}

pub fn set_retain_handling(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    typed.retain_handling = match words[0].as_bytes() {
        b"always" => RetainHandling::SendAtSubscribe,
        b"new" => RetainHandling::SendIfNew,
        b"never" => RetainHandling::DoNotSend,
        _ => {
            let value = words[0].to_string_lossy();
            return Err(ArgError::spaced(format!("Error: Unknown value '{value}' for --retain-handling."))
                .allowing(typed.exact, "--retain-handling takes always, new or never"));
        }
    };
    Ok(())
}

pub fn set_random_filter(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let refused = || ArgError::spaced("Error: --random-filter chance must be between 0.1-100.0");
    let percent = fraction(typed, &words[0], refused)?;
    if !(0.1..=100.0).contains(&percent) {
        return Err(refused());
    }
    typed.random_filter = Some((percent * 100.0).round() as u32);
    Ok(())
}

pub fn set_format(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let format = Format::parse(words[0].as_bytes(), typed.exact);
    typed.format = Some(format.map_err(|error| ArgError::plain(format!("Error: {error}")))?);
    Ok(())
}

/// check's `-t`, where `home/#` and `home` mean the same.
pub fn set_base_topic(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let text = words[0].to_string_lossy();
    let base = text.strip_suffix("/#").or(text.strip_suffix('#')).unwrap_or(&text);
    if words[0].to_str().is_none() || (!base.is_empty() && TopicName::check(base).is_err()) {
        let failure = Failure::new(Exit::USAGE, format!("`{text}` is no topic")).hint("-t home, or -t home/#");
        return Err(ArgError::Ended(Box::new(failure)));
    }
    typed.base_topic = Some(base.to_owned());
    Ok(())
}

/// `-L` of pub and rr, which need a topic in it.
pub fn set_url_with_topic(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let topic = take_url(typed, &words[0])?.ok_or_else(topic_missing)?;
    typed.topic = Some(topic_name(&topic, "-L topic", "publish")?);
    Ok(())
}

/// `-L` of sub, which needs a topic filter in it.
pub fn set_url_with_filter(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    let topic = take_url(typed, &words[0])?.ok_or_else(topic_missing)?;
    typed.filters.push(topic_filter(&topic, "-L topic", "subscription")?);
    Ok(())
}

/// `-L` where a topic may be missing.
pub fn set_url(typed: &mut ClientArgs, words: &[OsString]) -> Set {
    if let Some(topic) = take_url(typed, &words[0])?.filter(|topic| !topic.is_empty()) {
        typed.topic = Some(topic_name(&topic, "-L topic", "publish")?);
    }
    Ok(())
}

fn topic_missing() -> ArgError {
    ArgError::plain("Error: Invalid URL for -L argument specified - topic missing.")
}

/// Takes `scheme://[user[:password]@]host[:port]` of an URL, and returns what follows the next slash, if there is one:
/// the topic, which is taken as it is, because `#`, `?` and `%` are characters of topics.
fn take_url(typed: &mut ClientArgs, url: &OsStr) -> Result<Option<OsString>, ArgError> {
    if url.is_empty() && !typed.exact {
        return Err(ArgError::hinted("Error: The URL is empty.", UNSET));
    }
    let (scheme, rest) = split_at(url.as_bytes(), b"://")
        .and_then(|(name, rest)| Some((Scheme::parse(str::from_utf8(name).ok()?)?, rest)))
        .ok_or_else(|| ArgError::Usage {
            text: "Error: Unsupported URL scheme.".to_owned(),
            blank_line: true,
            hint: (!typed.exact).then(|| "the schemes are mqtt://, mqtts://, ws:// and wss://".to_owned()),
        })?;
    typed.websockets |= scheme.is_websocket();
    typed.tls.os_certs |= scheme.is_tls();
    let (authority, topic) = match split_at(rest, b"/") {
        Some((authority, topic)) => (authority, Some(OsString::from_vec(topic.to_vec()))),
        None => (rest, None),
    };
    if typed.exact {
        take_authority_as_mosquitto(typed, scheme, authority);
    } else {
        take_authority(typed, scheme, authority)?;
    }
    Ok(topic)
}

fn take_authority(typed: &mut ClientArgs, scheme: Scheme, authority: &[u8]) -> Set {
    let Authority { login, place } =
        Authority::parse(authority).map_err(|error| ArgError::plain(format!("Error: Invalid URL: {error}.")))?;
    if let Some(login) = login {
        typed.username = Some(OsString::from_vec(login.username));
        typed.login_was_encoded = login.was_encoded;
        if let Some(password) = login.password {
            typed.take_password("the URL", PasswordSource::Given(Secret::new(password.as_slice())))?;
        }
    }
    take_host(typed, place.host.into());
    typed.port = Some(place.port.unwrap_or(scheme.default_port()).into());
    Ok(())
}

/// The first `@` ends the login, the first colon the host, nothing is decoded, and what is no port is 0.
fn take_authority_as_mosquitto(typed: &mut ClientArgs, scheme: Scheme, authority: &[u8]) {
    let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
    let host = match split_at(authority, b"@") {
        Some((login, host)) => {
            let (username, password) = split_at(login, b":").unwrap_or((login, b""));
            typed.username = Some(word(username));
            if login.contains(&b':') {
                typed.password = Some(PasswordSource::Given(Secret::new(password)));
            }
            host
        }
        None => authority,
    };
    let (host, port) = match split_at(host, b":") {
        Some((host, port)) => (host, Port::of(atoi(&word(port)))),
        None => (host, scheme.default_port().into()),
    };
    take_host(typed, word(host));
    typed.port = Some(port);
}

fn split_at<'a>(text: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = memchr::memmem::find(text, separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

fn utf8(value: &OsStr, argument: &str) -> Result<ByteString, ArgError> {
    value
        .to_str()
        .filter(|text| first_discouraged(text).is_none())
        .map(ByteString::from)
        .ok_or_else(|| ArgError::spaced(format!("Error: Malformed UTF-8 in {argument} argument.")))
}

pub fn topic_name(value: &OsStr, argument: &str, kind: &str) -> Result<TopicName, ArgError> {
    let text = utf8(value, argument)?;
    TopicName::new(text.clone())
        .map_err(|_| ArgError::plain(format!("Error: Invalid {kind} topic '{text}', does it contain '+' or '#'?")))
}

pub fn topic_filter(value: &OsStr, argument: &str, kind: &str) -> Result<TopicFilter, ArgError> {
    let text = utf8(value, argument)?;
    TopicFilter::new(text.clone()).map_err(|_| {
        ArgError::plain(format!("Error: Invalid {kind} topic '{text}', are all '+' and '#' wildcards correct?"))
    })
}
