//! `moskit rr`, and `mosquitto_rr`: publishes a request and prints the first response.

use std::time::{Duration, Instant};

use super::conversation::{self, Work};
use super::debug_lines::{self, Nameless};
use super::plan::Request;
use super::printer::Printer;
use super::session::{self, Setup};
use super::stop::Stop;
use super::{ending, manuals, setup};
use crate::client::Client;
use crate::cmd::applet::{Applet, Invocation};
use crate::cmd::connect;
use crate::cmd::connect::arg_error::ArgError;
use crate::cmd::connect::args::{Strict, Verb};
use crate::diagnose::{Finding, shell};
use crate::mqtt::packet::{Properties, ProtocolVersion, Publish, QoS, ReasonCode, Subscription};
use crate::mqtt::session::{Event, Session};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "rr",
    mosquitto_name: Some("mosquitto_rr"),
    as_mosquitto: |argument| connect::options::as_mosquitto(connect::options::RR, argument),
    about: "Publish a request and print the response",
    command: || connect::options::command("rr", APPLET.about, connect::options::RR),
    run,
    manual: manuals::RR,
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let args = setup::read(&APPLET, Verb::Rr, invocation, term)?;
    let Some(request) = Request::new(&args, invocation, term)? else {
        let missing = [
            (args.topic.is_none(), "-t TOPIC"),
            (args.response_topic.is_none(), "-e TOPIC for the response"),
            (args.payload.is_none(), "-m TEXT, or -n for an empty payload"),
        ];
        let missing =
            missing.iter().filter(|(is_missing, _)| *is_missing).map(|(_, option)| *option).collect::<Vec<_>>();
        let error = ArgError::plain("Error: All of topic, message, and response topic must be supplied.")
            .allowing(invocation.as_mosquitto, &format!("give {}", missing.join(", and ")));
        return Err(error.into_failure(&invocation.program));
    };
    // Mosquitto's rr ends well, or waits on, where there will be no response.
    let fails_without_response = !request.plan.as_mosquitto || request.strict >= Strict::Refusals;
    let fails_without_subscriber = request.strict == Strict::Subscribers;
    let Request {
        plan,
        topic,
        subscription,
        subscribe_properties,
        payload,
        qos,
        properties,
        properties_are_left_out,
        printer,
        timeout,
        no_retained,
        latency,
        ..
    } = request;
    let debug = plan.log();
    let is_v5 = plan.version() == ProtocolVersion::V5;
    let setup = Setup::new(plan, term)?;
    let publish = Publish { dup: false, qos, retain: false, topic, packet_id: None, properties, payload };
    let requesting = Requesting {
        subscription,
        subscribe_properties,
        publish,
        properties_are_left_out,
        printer,
        no_retained,
        latency,
        debug,
        is_v5,
        fails_without_response,
        fails_without_subscriber,
        is_accepted: false,
        asked_at: None,
        acknowledged: None,
    };
    session::run(Verb::Rr, false, conversation::hold(requesting, setup, timeout, term))
}

/// A run of rr.
struct Requesting {
    subscription: Subscription,
    subscribe_properties: Properties,
    publish: Publish,
    properties_are_left_out: bool,
    printer: Printer,
    no_retained: bool,
    latency: bool,
    debug: Option<Nameless>,
    is_v5: bool,
    /// What the broker refuses ends it with the reason code.
    fails_without_response: bool,
    /// `--strict=subscribers`: nobody who could answer ends it with the reason code.
    fails_without_subscriber: bool,
    is_accepted: bool,
    /// When the request went out.
    asked_at: Option<Instant>,
    /// What the broker acknowledged it with.
    acknowledged: Option<ReasonCode>,
}

impl Work for Requesting {
    const NEEDS_OUTPUT: bool = true;

    fn handle(&mut self, event: Event, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop> {
        if let Event::Acknowledged(acknowledged) = &event {
            self.acknowledged = Some(acknowledged.reason);
        }
        match event {
            Event::Connected(_) => {
                self.is_accepted = true;
                let (subscriptions, properties) = (vec![self.subscription.clone()], self.subscribe_properties.clone());
                if let Err(error) = client.session().subscribe(subscriptions, properties, now) {
                    if self.fails_without_response {
                        return Err(Stop::Unsendable(error));
                    }
                    ending::note_unsent("SUBSCRIBE", error, term);
                }
            }
            Event::SubAck(suback) => match suback.codes.iter().find(|code| code.is_error()) {
                Some(code) => {
                    term.note(code.text());
                    return Err(Stop::Done(if self.fails_without_response { Exit(code.0) } else { Exit::OK }));
                }
                None => self.ask(client.session(), now, term)?,
            },
            Event::Message(publish) if publish.retain && self.no_retained => client.session().acknowledge(&publish),
            Event::Message(publish) => {
                client.session().acknowledge(&publish);
                // Its line of the log stands in front of the message.
                if let Some(nameless) = self.debug {
                    debug_lines::drain(client.session(), nameless, term);
                }
                self.printer.print(publish.as_ref(), None, term);
                // What comes before the question is shown, as Mosquitto does, and is no answer to it.
                let Some(asked_at) = self.asked_at else { return Ok(()) };
                if self.latency {
                    term.line(latency(now - asked_at));
                }
                return Err(Stop::Done(Exit::OK));
            }
            Event::Acknowledged(acknowledged) if acknowledged.reason.is_error() => {
                ending::note_refused(acknowledged.packet_id, acknowledged.reason, term);
                if self.fails_without_response {
                    return Err(Stop::Done(Exit(acknowledged.reason.0)));
                }
            }
            Event::Acknowledged(acknowledged)
                if self.fails_without_subscriber && acknowledged.reason == ReasonCode::NO_MATCHING_SUBSCRIBERS =>
            {
                ending::note_nobody(acknowledged.packet_id, Some(&self.publish.topic), term);
                return Err(Stop::Done(Exit(acknowledged.reason.0)));
            }
            Event::Unsendable { error, .. } => return Err(Stop::Unsendable(error)),
            _ => {}
        }
        Ok(())
    }

    fn act(&mut self, _: &mut Client, _: Instant, _: &mut Term) -> Result<(), Stop> {
        Ok(())
    }

    fn connects_again(&self, _: &Stop, _: bool) -> bool {
        false
    }

    fn why_timed_out(&self) -> Option<Finding> {
        const SLOW: &str = "the broker may hang, or something between holds the bytes back; its log may say more";
        let (request, response) = (&*self.publish.topic, &*self.subscription.filter);
        let (what, fix) = match (self.asked_at, self.publish.qos, self.acknowledged) {
            _ if !self.is_accepted => (
                "the broker has not accepted the connection".to_owned(),
                "moskit check, with the same connection options, finds out why".to_owned(),
            ),
            (None, ..) => (
                format!(
                    "the broker has not answered SUBSCRIBE to the response topic '{response}', so the request was not sent"
                ),
                SLOW.to_owned(),
            ),
            (Some(_), QoS::AtMostOnce, _) => (
                format!("no response came on '{response}'; whether the broker took the request is not known at QoS 0"),
                "-q 1 shows whether it does, and with MQTT 5 whether anybody is subscribed".to_owned(),
            ),
            (Some(_), _, None) => ("the broker has not acknowledged the request".to_owned(), SLOW.to_owned()),
            (Some(_), _, Some(ReasonCode::NO_MATCHING_SUBSCRIBERS)) => (
                format!("the broker took the request, and says that nobody is subscribed to '{request}'"),
                "does whoever is to answer run, and subscribe to that topic? an ACL may keep it from them".to_owned(),
            ),
            (Some(_), _, Some(reason)) if reason.is_error() => {
                (format!("the broker refused the request: {}", reason.text()), "its log may say more".to_owned())
            }
            (Some(_), ..) if self.is_v5 => (
                format!("the broker took the request, and no response came on '{response}'"),
                format!(
                    "whoever answers may be away or answer elsewhere, or an ACL keeps request or response away; look at both \
                     topics: moskit sub -v -t {} -t {}",
                    shell::quoted(request),
                    shell::quoted(response)
                ),
            ),
            (Some(_), ..) => (
                format!("the broker acknowledged the request, and no response came on '{response}'"),
                "-V mqttv5 shows more: before MQTT 5 brokers acknowledge what nobody gets, and what their ACL forbids"
                    .to_owned(),
            ),
        };
        Some(Finding::error("response.missing", what).fix(fix))
    }
}

impl Requesting {
    fn ask(&mut self, session: &mut Session, now: Instant, term: &mut Term) -> Result<(), Stop> {
        if self.properties_are_left_out {
            term.note("warning: this version of MQTT has no properties: -D publish is left out");
        }
        self.asked_at = Some(Instant::now());
        session.publish(self.publish.clone(), now).map(drop).map_err(Stop::Unsendable)
    }
}

/// The time between request and response, in the largest unit that is not 0.
fn latency(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    match nanoseconds {
        0..1_000 => format!("Latency: {nanoseconds}ns"),
        1_000..1_000_000 => format!("Latency: {:.6}µs", nanoseconds as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("Latency: {:.6}ms", nanoseconds as f64 / 1e6),
        _ => format!("Latency: {}.{:09}", time.as_secs(), time.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_shown_in_the_unit_that_fits() {
        let rows = [
            (999, "Latency: 999ns"),
            (1_500, "Latency: 1.500000µs"),
            (2_345_678, "Latency: 2.345678ms"),
            (3_000_000_007, "Latency: 3.000000007"),
        ];
        for (nanoseconds, text) in rows {
            assert_eq!(latency(Duration::from_nanos(nanoseconds)), text);
        }
    }
}
