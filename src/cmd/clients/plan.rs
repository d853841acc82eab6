//! What pub, sub and rr are to do, after all checks: one type a verb, each with what all three need to connect.

use std::borrow::Cow;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::backoff::Policy;
use super::debug_lines::Nameless;
use super::decoding::Decoding;
use super::exec::Execution;
use super::feed::{self, Defaults, Feed, Form, Kind};
use super::printer::Printer;
use super::{connect_packet, payload};
use crate::cmd::applet::Invocation;
use crate::cmd::connect;
use crate::cmd::connect::args::{ClientArgs, PayloadSource, Strict, Verb};
use crate::cmd::connect::valid::Connection;
use crate::decode::Match;
use crate::mqtt::packet::{
    Connect, Properties, Property, PropertyOwner, ProtocolVersion, QoS, Subscription, SubscriptionOptions,
};
use crate::mqtt::topic::{TopicFilter, TopicName};
use crate::record::{Rotation, Unknown};
use crate::term::{Exit, Failure, Term};

/// What is needed to connect, and how the broker is left.
#[derive(Debug)]
pub struct Plan {
    pub verb: Verb,
    pub connection: Connection,
    /// The CONNECT, but for the password.
    pub connect: Connect,
    /// Most messages in flight.
    pub max_inflight: Option<NonZeroU16>,
    pub disconnect: Properties,
    /// The login stood percent-encoded in an URL.
    pub login_was_encoded: bool,
    /// Under one of Mosquitto's names: what these clients keep to themselves is not told, and what they wait for without
    /// an end is waited for.
    pub as_mosquitto: bool,
    pub bounds: Bounds,
    /// The client id was chosen by the user, so that another client may have it too.
    pub has_own_id: bool,
    /// What becomes of the connection is told while it goes on, where somebody looks.
    pub is_watched: bool,
}

/// How long is waited, and what is tried again.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// For everything until there is a connection.
    pub connect: Option<Duration>,
    /// For each step of it, where the user has said how long.
    pub step: Option<Duration>,
    /// For each answer of the broker.
    pub answer: Option<Duration>,
    /// After so long the login is begun again.
    pub reauth: Option<Duration>,
    pub again: Again,
    pub policy: Policy,
}

/// What follows when a connection has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Whatever the verb does.
    Usual,
    /// `--no-reconnect`
    Never,
    /// `--retry`: also a first connection that does not come about.
    Retry,
}

/// How long it may take until there is a connection, where nobody says it: enough for two steps that fail, of
/// [`crate::net::CONNECT_TIMEOUT`] each, before two that do not.
const CONNECT_LIMIT: Duration = Duration::from_secs(120);

/// The pause of `--retry` without one.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

impl Bounds {
    fn new(args: &ClientArgs, keep_alive: u16, as_mosquitto: bool) -> Self {
        let typed = &args.bounds;
        let ours = |limit: Duration| (!as_mosquitto).then_some(limit);
        let mut policy = if as_mosquitto { Policy::MOSQUITTO } else { Policy::DEFAULT };
        if let Some((least, most)) = typed.reconnect_wait {
            (policy.least, policy.most) = (least, most);
        }
        policy.attempts = typed.reconnect_most;
        let mut again = if typed.no_reconnect { Again::Never } else { Again::Usual };
        if let Some((times, pause)) = typed.retry {
            let pause = pause.unwrap_or(RETRY_PAUSE);
            policy = Policy { least: pause, most: pause, attempts: Some(times) };
            again = Again::Retry;
        }
        Self {
            connect: typed.connect.or(ours(CONNECT_LIMIT)),
            step: typed.connect,
            answer: typed.answer.or(ours(Duration::from_secs(keep_alive.into()) * 3 / 2)),
            reauth: args.reauth,
            again,
            policy,
        }
    }
}

impl Plan {
    fn new(verb: Verb, args: &ClientArgs, invocation: &Invocation, term: &mut Term) -> Result<Box<Self>, Failure> {
        connect::tls::refuse_missing_parts(args)?;
        #[cfg(not(feature = "psk"))]
        connect::tls::refuse_pre_shared_key(args)?;
        let connect = connect_packet::build(verb, args)?;
        Ok(Box::new(Self {
            verb,
            bounds: Bounds::new(args, connect.keep_alive, invocation.as_mosquitto),
            has_own_id: args.id.is_some() || args.id_prefix.is_some(),
            // A line among the rows of -w would be written over one of them.
            is_watched: !invocation.as_mosquitto && !args.watch && (term.err_is_terminal() || args.debug),
            connect,
            connection: Connection::new(args, invocation, term)?,
            max_inflight: NonZeroU16::new(args.max_inflight),
            disconnect: args.properties.disconnect.clone(),
            login_was_encoded: args.login_was_encoded,
            as_mosquitto: invocation.as_mosquitto,
        }))
    }

    /// Whether each packet is logged, and what a client without an id is called in it.
    pub fn log(&self) -> Option<Nameless> {
        self.connection.debug.then(|| Nameless::new(self.as_mosquitto))
    }

    pub fn version(&self) -> ProtocolVersion {
        self.connect.version
    }
}

/// What is published.
#[derive(Debug)]
pub enum Messages {
    /// One topic and payload, `--repeat` times, with this pause.
    Repeated { topic: ByteString, payload: Bytes, times: u32, delay: Duration },
    /// Line by line.
    Lines(Box<Feed>),
}

impl Messages {
    /// `None`: the topic or the payload is missing.
    fn of(args: &ClientArgs) -> Result<Option<Self>, Failure> {
        let kind = match (&args.payload, payload::of(args.payload.as_ref())?, &args.topic) {
            (Some(PayloadSource::Records), ..) => {
                Kind::Records(if args.data.lenient { Unknown::Ignored } else { Unknown::Refused })
            }
            (Some(PayloadSource::StdinLines), ..) if args.data.topic_per_line => Kind::TopicsAndPayloads,
            (Some(PayloadSource::StdinLines), _, Some(_)) => Kind::Payloads,
            (_, Some(text), Some(topic)) => {
                let payload = feed::payload(Cow::Borrowed(&text), &Form::of(&args.data)?)
                    .map_err(|error| Failure::new(Exit::FAILED, error.to_string()))?;
                return Ok(Some(Self::Repeated {
                    topic: topic.clone().into_inner(),
                    payload: match payload {
                        Cow::Borrowed(_) => text.clone(),
                        Cow::Owned(payload) => payload.into(),
                    },
                    times: args.repeat,
                    delay: args.repeat_delay,
                }));
            }
            _ => return Ok(None),
        };
        Ok(Some(Self::Lines(Box::new(Feed::new(kind, args)?))))
    }
}

/// What pub is to do.
#[derive(Debug)]
pub struct Publish {
    pub plan: Box<Plan>,
    pub messages: Messages,
    pub defaults: Defaults,
    /// The topic that all messages have, where they have one.
    pub common_topic: Option<ByteString>,
    pub strict: Strict,
    pub timeout: Option<Duration>,
    /// `--unsent`
    pub unsent: Option<PathBuf>,
}

impl Publish {
    /// `None`: the topic or the message is missing.
    pub fn new(args: &ClientArgs, invocation: &Invocation, term: &mut Term) -> Result<Option<Self>, Failure> {
        let Some(messages) = Messages::of(args)? else { return Ok(None) };
        let has_topics = args.data.topic_per_line || args.payload == Some(PayloadSource::Records);
        Ok(Some(Self {
            plan: Plan::new(Verb::Pub, args, invocation, term)?,
            messages,
            common_topic: args.topic.clone().map(TopicName::into_inner).filter(|_| !has_topics),
            defaults: Defaults::new(args),
            strict: args.strict,
            timeout: args.timeout,
            unsent: args.bounds.unsent.clone(),
        }))
    }
}

/// What sub is to do.
#[derive(Debug)]
pub struct Subscribe {
    pub plan: Box<Plan>,
    pub subscriptions: Vec<Subscription>,
    pub properties: Properties,
    pub unsubscriptions: Vec<ByteString>,
    pub unsubscribe_properties: Properties,
    pub printer: Printer,
    /// `--decode`
    pub decoding: Option<Decoding>,
    /// `-C`: so many messages are shown.
    pub count: Option<u32>,
    pub exit_after_suback: bool,
    pub timeout: Option<Duration>,
    /// `-T`: what matches is not shown.
    pub filter_outs: Vec<TopicFilter>,
    pub no_retained: bool,
    pub retained_only: bool,
    pub remove_retained: bool,
    /// `--match`: others are passed over.
    pub matching: Option<Match>,
    /// Where messages are recorded, and when another file is begun.
    pub record: Option<(PathBuf, Option<Rotation>)>,
    /// `--exec`
    pub execution: Option<Execution>,
    /// Whether what SUBACK says is printed.
    pub shows_suback: bool,
    pub strict: Strict,
}

impl Subscribe {
    pub fn new(args: &ClientArgs, invocation: &Invocation, term: &mut Term) -> Result<Self, Failure> {
        let printer = Printer::new(args, invocation.as_mosquitto, term);
        let options = subscription_options(args);
        let subscription = |filter: &TopicFilter| Subscription { filter: filter.clone().into_inner(), options };
        let plan = Plan::new(Verb::Sub, args, invocation, term)?;
        Ok(Self {
            execution: Execution::new(args, &plan.connect)?,
            plan,
            subscriptions: args.filters.iter().map(subscription).collect(),
            properties: args.properties.subscribe.clone(),
            unsubscriptions: args.unsubscribes.iter().map(|filter| filter.clone().into_inner()).collect(),
            unsubscribe_properties: args.properties.unsubscribe.clone(),
            printer,
            decoding: Decoding::new(&args.data)?,
            // A rate has no messages to count.
            count: args.count.filter(|_| !args.message_rate),
            exit_after_suback: args.exit_after_suback,
            timeout: args.timeout,
            filter_outs: args.filter_outs.clone(),
            no_retained: args.no_retained,
            retained_only: args.retained_only,
            remove_retained: args.remove_retained,
            matching: args.data.matching.clone(),
            record: args.data.record.clone().map(|path| (path, args.data.rotation)),
            shows_suback: args.debug && !args.quiet,
            strict: args.strict,
        })
    }
}

/// What rr is to do.
#[derive(Debug)]
pub struct Request {
    pub plan: Box<Plan>,
    pub topic: ByteString,
    /// Where the response is to come.
    pub subscription: Subscription,
    pub subscribe_properties: Properties,
    pub payload: Bytes,
    pub qos: QoS,
    /// With the response topic, where the version has properties.
    pub properties: Properties,
    /// Properties were given, and this version has none.
    pub properties_are_left_out: bool,
    pub printer: Printer,
    pub timeout: Option<Duration>,
    pub no_retained: bool,
    /// Whether the time between request and response is printed.
    pub latency: bool,
    pub strict: Strict,
}

impl Request {
    /// `None`: the topic, the message or the response topic is missing.
    pub fn new(args: &ClientArgs, invocation: &Invocation, term: &mut Term) -> Result<Option<Self>, Failure> {
        let printer = Printer::new(args, invocation.as_mosquitto, term);
        let payload = payload::of(args.payload.as_ref())?;
        let (Some(payload), Some(topic), Some(response_topic)) =
            (payload, args.topic.clone(), args.response_topic.clone())
        else {
            return Ok(None);
        };
        let response_topic = response_topic.into_inner();
        let mut properties = args.properties.publish.clone();
        let are_given = !properties.is_empty();
        properties.push(Property::ResponseTopic(response_topic.clone()));
        // Whatever is wrong with them, Mosquitto has one text for it.
        if properties.check(PropertyOwner::Publish).is_err() {
            let line = "Error in PUBLISH properties: Duplicate response topic.\n";
            return Err(Failure::verbatim(Exit::FAILED, line).quietable());
        }
        let plan = Plan::new(Verb::Rr, args, invocation, term)?;
        let has_properties = plan.version() == ProtocolVersion::V5;
        Ok(Some(Self {
            plan,
            topic: topic.into_inner(),
            subscription: Subscription { filter: response_topic, options: subscription_options(args) },
            subscribe_properties: args.properties.subscribe.clone(),
            payload,
            qos: args.qos,
            properties: if has_properties { properties } else { Properties::new() },
            properties_are_left_out: are_given && !has_properties,
            printer,
            timeout: args.timeout,
            no_retained: args.no_retained,
            latency: args.latency,
            strict: args.strict,
        }))
    }
}

/// What sub and rr ask for with each filter.
fn subscription_options(args: &ClientArgs) -> SubscriptionOptions {
    SubscriptionOptions {
        qos: args.qos,
        no_local: false,
        retain_as_published: args.retain_as_published,
        retain_handling: args.retain_handling,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;
    use crate::cmd::connect::options::{self, CLIENT_OPTIONS};
    use crate::net::CONNECT_TIMEOUT;

    fn bounds(words: &str, as_mosquitto: bool) -> Bounds {
        let words: Vec<OsString> = words.split_whitespace().map(OsString::from).collect();
        let args = options::read(Verb::Pub, as_mosquitto, &[], &words).unwrap();
        Bounds::new(&args, args.keep_alive, as_mosquitto)
    }

    #[test]
    fn the_help_names_the_bounds_of_the_code() {
        let (ours, theirs) = (bounds("", false), bounds("", true));
        let step = CONNECT_TIMEOUT.as_secs();
        assert_eq!((ours.step, theirs.step, theirs.connect, theirs.answer), (None, None, None, None));
        assert_eq!(bounds("-k 40", false).answer, Some(Duration::from_secs(60)));
        assert_eq!((ours.policy.attempts, ours.again), (None, Again::Usual));
        let seconds = |duration: Duration| duration.as_secs_f64();
        let (pause, their_pause) = (ours.policy, theirs.policy);
        assert_eq!(their_pause.least, their_pause.most);
        for (option, text) in [
            (
                "connect-timeout",
                format!(
                    "[default: {}, of which each step may take {step}; under the mosquitto_* names {step} for each step]",
                    seconds(ours.connect.unwrap())
                ),
            ),
            ("answer-timeout", "[default: one and a half keep-alive times; ".to_owned()),
            ("retry", format!("after WAIT seconds [default: {}]", seconds(bounds("--retry 2", false).policy.least))),
            ("reconnect-max", "[default: try on]".to_owned()),
            (
                "reconnect-wait",
                format!(
                    "[default: {},{}; under the mosquitto_* names {}]",
                    seconds(pause.least),
                    seconds(pause.most),
                    seconds(their_pause.least)
                ),
            ),
        ] {
            let spec = CLIENT_OPTIONS.iter().find(|spec| spec.long == Some(option)).unwrap();
            assert!(spec.help.contains(&text), "--{option}: {text}");
        }
    }
}
