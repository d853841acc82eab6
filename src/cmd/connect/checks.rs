//! From what was typed to what is valid: the checks that need the whole line, in Mosquitto's order.

use super::arg_error::ArgError;
use super::args::{ClientArgs, PayloadSource, Port, Strict, Verb};
use super::proxy::Choice;
use super::{bound_values, data_values, oauth};
use crate::mqtt::packet::{PropertyId, ProtocolVersion, QoS, RetainHandling};
use crate::net::proxy::Kind;

/// A session expiry interval that never ends.
const NEVER: u32 = u32::MAX;

/// Judges the options together; the first contradiction is told.
pub fn check(verb: Verb, args: &ClientArgs) -> Result<(), ArgError> {
    check_connection(args)?;
    check_session(verb, args)?;
    bound_values::check(args)?;
    if verb == Verb::Pub {
        data_values::check_pub(args)?;
        bound_values::check_pub(args)?;
    }
    if verb == Verb::Sub {
        data_values::check_sub(args)?;
        if args.strict == Strict::Subscribers {
            return Err(ArgError::plain(
                "Error: --strict=subscribers is for pub and rr: a subscription needs no subscriber.",
            ));
        }
        if args.filters.is_empty() && args.unsubscribes.is_empty() {
            return Err(ArgError::plain(
                "Error: You must specify a topic to subscribe to (-t) or unsubscribe from (-U).",
            ));
        }
        if args.no_retained && args.retained_only {
            return Err(ArgError::ended("\nError: Combining '-R' and '--retained-only' makes no sense.\n"));
        }
    }
    Ok(())
}

/// Options that change nothing beside the others: one sentence each. Mosquitto's programs pass over them in silence.
pub fn without_effect(verb: Verb, args: &ClientArgs) -> Vec<String> {
    let version = SessionPlan::of(verb, args).version;
    let is_before_5 = version != ProtocolVersion::V5;
    let handles_retained = args.retain_handling != RetainHandling::SendAtSubscribe && !args.no_retained;
    // A refused subscription is told in every version, and at QoS 0 by rr, too.
    let strict = args.strict != Strict::Off && verb == Verb::Pub || args.strict == Strict::Subscribers;
    let strict_question = strict || args.strict != Strict::Off && verb == Verb::Rr;
    let rows = [
        (args.retain_as_published && is_before_5, "--retain-as-published has no effect before MQTT 5: -V mqttv5"),
        (handles_retained && is_before_5, "--retain-handling has no effect before MQTT 5: -V mqttv5"),
        (
            strict_question && is_before_5,
            "--strict finds no refused message: before MQTT 5 no broker can say that it refused one: -V mqttv5",
        ),
        (strict && args.qos == QoS::AtMostOnce, "--strict finds no refused message at QoS 0: -q 1"),
        (args.repeat > 1 && args.payload == Some(PayloadSource::StdinLines), "--repeat has no effect with -l"),
    ];
    rows.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| format!("warning: {text}")).collect()
}

/// The options of a connection together, but for those of its session.
pub fn check_connection(args: &ClientArgs) -> Result<(), ArgError> {
    check_will(args)?;
    check_auth_method(args)?;
    oauth::check(args)?;
    check_tls(args)?;
    check_websocket(args)?;
    check_proxy(args)
}

/// What would change nothing. Mosquitto's programs pass over it.
fn check_proxy(args: &ClientArgs) -> Result<(), ArgError> {
    let kind = match &args.proxy {
        Some(Choice::Through(proxy)) => Some(proxy.kind),
        Some(Choice::Direct) | None => None,
    };
    if args.proxy_cafile.is_some() && args.proxy.is_some() && kind != Some(Kind::Https) {
        return Err(ArgError::plain("Error: --proxy-cafile is for a proxy that is reached by https://."));
    }
    if kind.is_some() && args.port == Some(Port::OfSocket) && !args.exact {
        return Err(ArgError::plain("Error: --proxy leads to no unix socket."));
    }
    Ok(())
}

/// A header may hold a secret, which is not silently left out.
fn check_websocket(args: &ClientArgs) -> Result<(), ArgError> {
    match args.websocket.given() {
        Some(option) if !args.websockets => {
            Err(ArgError::plain(format!("Error: {option} is for WebSockets: add --ws, or use a ws:// or wss:// URL.")))
        }
        _ => Ok(()),
    }
}

fn check_will(args: &ClientArgs) -> Result<(), ArgError> {
    if args.will.topic.is_some() {
        return Ok(());
    }
    if args.will.payload.is_some() {
        return Err(ArgError::plain("Error: Will payload given, but no will topic given."));
    }
    if args.will.retain {
        return Err(ArgError::plain("Error: Will retain given, but no will topic given."));
    }
    Ok(())
}

fn check_auth_method(args: &ClientArgs) -> Result<(), ArgError> {
    let Some(method) = args.auth_method else {
        return match args.reauth {
            Some(_) => Err(ArgError::plain("Error: --reauth needs --auth-method: a password cannot be sent again.")),
            None => Ok(()),
        };
    };
    if args.version.is_some_and(|version| version != ProtocolVersion::V5) {
        return Err(ArgError::plain(format!("Error: {method} needs MQTT 5: leave out -V.")));
    }
    if args.username.is_none() || args.password.is_none() {
        return Err(ArgError::plain(format!("Error: {method} needs a user name (-u) and a password (--pw-file).")));
    }
    let by_hand = [PropertyId::AuthenticationMethod, PropertyId::AuthenticationData];
    if args.properties.connect.iter().any(|property| by_hand.contains(&property.id())) {
        return Err(ArgError::plain("Error: --auth-method and -D connect authentication-… cannot be used together."));
    }
    Ok(())
}

fn check_tls(args: &ClientArgs) -> Result<(), ArgError> {
    let tls = &args.tls;
    if tls.cert.is_some() != tls.key.is_some() {
        return Err(ArgError::plain("Error: Both certfile and keyfile must be provided if one of them is set."));
    }
    if tls.keyform.is_some() && tls.key.is_none() {
        return Err(ArgError::plain("Error: If keyform is set, keyfile must be also specified."));
    }
    if tls.engine_kpass.is_some() && (tls.engine.is_none() || tls.keyform.is_none()) {
        return Err(ArgError::plain(
            "Error: when using tls-engine-kpass-sha1, both tls-engine and keyform must also be provided.",
        ));
    }
    if tls.psk.is_some() && (tls.cafile.is_some() || tls.capath.is_some()) {
        return Err(ArgError::plain("Error: Only one of --psk or --cafile/--capath may be used at once."));
    }
    if tls.psk.is_some() && tls.psk_identity.is_none() {
        return Err(ArgError::plain("Error: --psk-identity required if --psk used."));
    }
    Ok(())
}

fn check_session(verb: Verb, args: &ClientArgs) -> Result<(), ArgError> {
    let session = SessionPlan::of(verb, args);
    oauth::check_user_name(args, session.version)?;
    if args.id.is_some() {
        return Ok(());
    }
    if session.version == ProtocolVersion::V5 {
        if session.expiry == Some(NEVER) {
            return Err(ArgError::plain(
                "Error: You must provide a client id if you are using an infinite session expiry interval.",
            ));
        }
    } else if args.keep_session {
        return Err(ArgError::plain("Error: You must provide a client id if you are using the -c option."));
    }
    Ok(())
}

/// What `-V`, `-c` and `-x` come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    pub version: ProtocolVersion,
    pub clean_start: bool,
    /// The session expiry property, if it is sent.
    pub expiry: Option<u32>,
}

impl SessionPlan {
    pub fn of(verb: Verb, args: &ClientArgs) -> Self {
        let default = if verb == Verb::Rr { ProtocolVersion::V5 } else { ProtocolVersion::V311 };
        let version = args.version.unwrap_or(default);
        let expiry = match (version, args.session_expiry) {
            (ProtocolVersion::V5, None) => args.keep_session.then_some(NEVER),
            (ProtocolVersion::V5, Some(seconds)) => (seconds != 0).then_some(seconds),
            _ => None,
        };
        Self { version, clean_start: !args.keep_session, expiry }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cmd::connect::options;

    /// What the words end with: `ok`, or the first line of the error.
    fn verdict(verb: Verb, words: &str) -> String {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let result = options::read(verb, true, &[], &words).and_then(|args| check(verb, &args));
        match result {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.into_failure("x").verbatim.trim_start().lines().next().unwrap_or_default().to_owned(),
        }
    }

    #[test]
    fn contradictions_are_told_in_mosquittos_words() {
        let rows = [
            (Verb::Pub, "--will-payload x", "Error: Will payload given, but no will topic given."),
            (Verb::Pub, "--will-retain", "Error: Will retain given, but no will topic given."),
            (Verb::Pub, "--will-qos 1", "ok"),
            (Verb::Pub, "--cert c", "Error: Both certfile and keyfile must be provided if one of them is set."),
            (Verb::Pub, "--keyform pem", "Error: If keyform is set, keyfile must be also specified."),
            (
                Verb::Pub,
                "--tls-engine-kpass-sha1 x",
                "Error: when using tls-engine-kpass-sha1, both tls-engine and keyform must also be provided.",
            ),
            (Verb::Pub, "--psk 00 --cafile c", "Error: Only one of --psk or --cafile/--capath may be used at once."),
            (Verb::Pub, "--psk 00", "Error: --psk-identity required if --psk used."),
            (Verb::Pub, "--psk-identity x", "ok"),
            (
                Verb::Pub,
                "-x -1 -I p",
                "Error: You must provide a client id if you are using an infinite session expiry interval.",
            ),
            (Verb::Pub, "-c", "Error: You must provide a client id if you are using the -c option."),
            (Verb::Pub, "-c -x 10", "ok"),
            (Verb::Pub, "-c -i a", "ok"),
            (Verb::Sub, "-d", "Error: You must specify a topic to subscribe to (-t) or unsubscribe from (-U)."),
            (Verb::Sub, "-U a", "ok"),
            (Verb::Sub, "-t a -R --retained-only", "Error: Combining '-R' and '--retained-only' makes no sense."),
            (Verb::Pub, "-i a -I", "Error: -i and -I argument cannot be used together."),
            (Verb::Pub, "-n -m", "Error: Only one type of message can be sent at once."),
            (Verb::Pub, "-t a/+", "Error: Invalid publish topic 'a/+', does it contain '+' or '#'?"),
            (
                Verb::Sub,
                "-t a/#/b",
                "Error: Invalid subscription topic 'a/#/b', are all '+' and '#' wildcards correct?",
            ),
            (Verb::Sub, "-L mqtt://h", "Error: Invalid URL for -L argument specified - topic missing."),
            (Verb::Sub, "-L http://h/t", "Error: Unsupported URL scheme."),
            (Verb::Sub, "-q 3", "Error: Invalid QoS given: 3"),
            (Verb::Sub, "-p 65536", "Error: Invalid port given: 65536"),
            (Verb::Sub, "-k 4", "Error: Invalid keepalive given, it must be between 5 and 65535 inclusive."),
            (Verb::Sub, "-C 0", "Error: Invalid message count \"0\"."),
            (Verb::Sub, "-x 1x", "Error: session-expiry-interval not a number."),
            (Verb::Sub, "-x -2", "Error: session-expiry-interval out of range."),
        ];
        for (verb, words, text) in rows {
            assert_eq!(verdict(verb, words), text, "{words}");
        }
    }

    #[test]
    fn a_pause_that_no_clock_can_add_is_a_long_one() {
        let words = |delay: &str| ["--repeat-delay".into(), delay.into()];
        for delay in ["1e19", "1e300", "inf"] {
            let args = options::read(Verb::Pub, true, &[], &words(delay)).unwrap();
            assert!(std::time::Instant::now().checked_add(args.repeat_delay).is_some(), "{delay}");
        }
        for delay in ["-1", "nan", "-inf"] {
            assert!(options::read(Verb::Pub, true, &[], &words(delay)).is_err(), "{delay}");
        }
    }

    #[test]
    fn the_session_follows_the_table() {
        let plan = |words: &str| {
            let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
            let plan = SessionPlan::of(Verb::Sub, &options::read(Verb::Sub, true, &[], &words).unwrap());
            (plan.version as u8, plan.clean_start, plan.expiry)
        };
        assert_eq!(plan(""), (4, true, None));
        assert_eq!(plan("-V 5"), (5, true, None));
        assert_eq!(plan("-V 5 -c"), (5, false, Some(NEVER)));
        assert_eq!(plan("-x 0 -c"), (5, false, None));
        assert_eq!(plan("-x 7"), (5, true, Some(7)));
        assert_eq!(plan("-x ∞ -c"), (5, false, Some(NEVER)));
        assert_eq!(plan("-x 10 -V 311"), (4, true, None));
    }
}
